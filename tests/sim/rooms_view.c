/* What one client sees of a room: a run of the log without a gap and without a repeat, or told honestly what is gone. */
#include <inttypes.h>
#include <string.h>

#include "rooms_sim.h"

/* Told that what follows the last that it saw is gone, up to this: it must be. */
static void check_gone(sim_t *sim, int c, uint64_t log_id, uint64_t last)
{
    const log_t *log = store_log(sim, sim->clients[c].room, log_id);
    for (uint64_t rseq = sim->clients[c].next; rseq <= last; rseq++)
        if (!log || !store_gave_up(log, rseq))
            world_fail(&sim->world, "c%d: event %" PRIu64 " is said to be gone; it is there", c, rseq);
    sim->figures.missed++;
}

void view_joined(sim_t *sim, int c, const es_msg_t *msg)
{
    client_t *client = &sim->clients[c];
    bool goes_on = client->has_view && client->log == msg->log, complete = msg->flags != 0;
    if (goes_on && (msg->from_seq < client->next || (complete && msg->from_seq > client->next)))
        world_fail(&sim->world, "c%d: wanted what follows %" PRIu64 ", is to get it from %" PRIu64 "%s", c,
                   client->next - 1, msg->from_seq, complete ? ", complete" : "");
    if (goes_on && msg->from_seq > client->next) check_gone(sim, c, msg->log, msg->from_seq - 1);
    memset(client->seen_ms, 0, sizeof client->seen_ms);
    memset(client->seen_end, 0, sizeof client->seen_end);
    client->has_view = true;
    client->log = msg->log;
    client->next = msg->from_seq;
    client->joined_rseq = msg->rseq;
}

/* What is spoken: never what is older than what was seen. */
static void see_spoken(sim_t *sim, int c, const es_room_event_t *event)
{
    client_t *client = &sim->clients[c];
    int who = event->member.ptr[event->member.len - 1] - '0', stream = event->stream.ptr[event->stream.len - 1] - '0';
    uint64_t *ms = &client->seen_ms[who][stream], *end = &client->seen_end[who][stream];
    bool newer = event->at_ms > *ms || (event->at_ms == *ms && event->end > *end);
    if (event->rseq == 0 && !newer)
        world_fail(&sim->world,
                   "c%d: a partial of %.*s, %" PRIu64 " ms up to %" PRIu64 ", after one of %" PRIu64
                   " ms up to %" PRIu64,
                   c, (int)event->member.len, event->member.ptr, event->at_ms, event->end, *ms, *end);
    *ms = event->at_ms;
    *end = event->end;
}

static bool same(const es_room_event_t *a, const es_room_event_t *b)
{
    return a->type == b->type && a->at_ms == b->at_ms && a->start == b->start && a->end == b->end &&
           es_span_eq(a->member, b->member) && es_span_eq(a->name, b->name) && es_span_eq(a->text, b->text) &&
           es_span_eq(a->msg_id, b->msg_id) && es_span_eq(a->stream, b->stream);
}

void view_event(sim_t *sim, int c, const es_msg_t *msg, const packet_t *packet)
{
    client_t *client = &sim->clients[c];
    es_room_event_t event;
    int n = es_room_events_decode(sim->decoder, packet_body(packet), packet->body_len, &event, 1);
    if (n != 1 || !client->has_view || msg->log != client->log) {
        world_fail(&sim->world, "c%d: an event of log %" PRIu64 " out of nowhere", c, msg->log);
        return;
    }
    if (event.rseq == 0 || event.type == ES_EVENT_CAPTION) see_spoken(sim, c, &event);
    if (event.rseq == 0) return;
    const row_t *row = store_row(store_log(sim, client->room, client->log), event.rseq);
    if (event.rseq != client->next)
        world_fail(&sim->world, "c%d: event %" PRIu64 " instead of %" PRIu64, c, event.rseq, client->next);
    else if (!row)
        world_fail(&sim->world, "c%d: event %" PRIu64 " is not stored", c, event.rseq);
    else if (!same(&row->event, &event))
        world_fail(&sim->world, "c%d: event %" PRIu64 " is another in the store", c, event.rseq);
    client->next++;
    sim->figures.deliveries++;
}

void view_gone(sim_t *sim, int c, const es_msg_t *msg)
{
    client_t *client = &sim->clients[c];
    if (msg->from_seq != client->next || msg->to_seq < msg->from_seq)
        world_fail(&sim->world, "c%d: %" PRIu64 "..%" PRIu64 " are said to be gone, next is %" PRIu64, c, msg->from_seq,
                   msg->to_seq, client->next);
    check_gone(sim, c, client->log, msg->to_seq);
    client->next = msg->to_seq + 1;
}
