/* Rules of the protocol switched off one at a time, from outside: what a machine would refuse is bent until it does not. The simulation must miss each. */
#include "sim.h"

/* A final that the sender has, said again, passes for the next one. */
static void pass_for_next(const connection_t *connection, es_msg_t *msg)
{
    if (msg->kind != ES_FINAL || msg->to_seq > connection->committed) return;
    uint64_t frames = msg->to_seq - msg->from_seq;
    msg->from_seq = connection->committed + 1;
    msg->to_seq = msg->from_seq + frames;
    msg->present &= ~ES_BIT(ES_M_EXPECTED);
}

bool bend_to_sender(sim_t *sim, const connection_t *connection, es_msg_t *msg)
{
    es_sender_stats_t stats;
    if (sim->off == SAFE_EPOCH) {
        es_sender_stats(connection->sender, &stats);
        msg->epoch = stats.epoch;
    }
    if (sim->off == SAFE_CONTIGUITY && msg->kind == ES_FINAL && msg->from_seq > connection->committed)
        msg->from_seq = connection->committed + 1;
    if (sim->off == SAFE_PARTIALS && msg->kind == ES_PARTIAL) msg->end = ++sim->partials;
    if (sim->off == SAFE_TWICE) pass_for_next(connection, msg);
    return true;
}

bool bend_to_receiver(sim_t *sim, stream_t *stream, es_msg_t *msg)
{
    if (sim->off == SAFE_CHECKPOINT) msg->present &= ~ES_BIT(ES_M_CHECKPOINT);
    if (sim->off == SAFE_ORDER && stream && msg->epoch == stream->epoch) {
        es_receiver_stats_t stats;
        es_receiver_stats(stream->receiver, &stats);
        if (msg->seq > stats.expected) msg->seq = stats.expected;
    }
    if (sim->off == SAFE_START && (!stream || stream->epoch < msg->epoch) && !(msg->flags & ES_F_START)) {
        msg->flags |= ES_F_START;
        ES_SET(msg, ES_M_BASE, base, msg->seq - 1);
        msg->committed = msg->base;
    }
    return true;
}

bool bend_from_receiver(sim_t *sim, stream_t *stream, const es_msg_t *msg)
{
    return !(sim->off == SAFE_REPUBLISH && msg->kind == ES_FINAL && msg->to_seq <= stream->published);
}
