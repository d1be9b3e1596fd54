/* What must hold for what a client hears, over all its connections: each word once, in order, at its place in time, cut as an undisturbed engine cuts; marks in
 * place; done at the end. */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

static void text_of(const client_t *client, uint64_t from, uint64_t to, char text[ENGINE_TEXT])
{
    text[0] = '\0';
    for (uint64_t seq = from; seq <= to; seq++)
        engine_append(text, client_word(client, seq), client->script.flags[seq]);
}

static void check_cuts(client_t *c, const es_msg_t *final)
{
    for (uint64_t seq = final->from_seq; seq <= final->to_seq; seq++)
        if ((c->script.ends[seq] != 0) != (seq == final->to_seq))
            world_fail(&c->sim->world, "c%d: final %" PRIu64 "..%" PRIu64 " is not cut as an undisturbed engine cuts",
                       c->id, final->from_seq, final->to_seq);
}

void check_final(client_t *c, const es_msg_t *final)
{
    if (final->from_seq != c->committed + 1 || final->to_seq < final->from_seq || final->to_seq > c->spoken) {
        world_fail(&c->sim->world, "c%d: final %" PRIu64 "..%" PRIu64 " after commit %" PRIu64, c->id, final->from_seq,
                   final->to_seq, c->committed);
        return;
    }
    char want[ENGINE_TEXT];
    text_of(c, final->from_seq, final->to_seq, want);
    if (!es_span_eq(final->text, es_span(want)))
        world_fail(&c->sim->world, "c%d: words of %" PRIu64 "..%" PRIu64 " are '%.*s', not '%s'", c->id,
                   final->from_seq, final->to_seq, (int) final->text.len, final->text.ptr ? final->text.ptr : "", want);
    if (final->start != client_pos(final->from_seq)) world_fail(&c->sim->world, "c%d: position moved", c->id);
    if (!c->sim->plan.whimsical) check_cuts(c, final);
    for (uint64_t seq = c->marked + 1; seq < final->from_seq; seq++)
        if (c->script.flags[seq] & ES_F_MARK)
            world_fail(&c->sim->world, "c%d: mark %" PRIu64 " came too late", c->id, seq);
}

void check_partial(client_t *c, const es_msg_t *partial)
{
    char want[ENGINE_TEXT];
    text_of(c, partial->from_seq, partial->to_seq, want);
    if (partial->from_seq != c->committed + 1 || !es_span_eq(partial->text, es_span(want)))
        world_fail(&c->sim->world, "c%d: partial of %" PRIu64 "..%" PRIu64 " is stale", c->id, partial->from_seq,
                   partial->to_seq);
}

void check_mark(client_t *c, uint64_t seq)
{
    bool skipped = false;
    for (uint64_t s = c->marked + 1; s < seq; s++) skipped = skipped || (c->script.flags[s] & ES_F_MARK);
    bool again = seq <= c->marked && c->connections == 1; /* one that was sent again comes back again */
    if (skipped || again || seq > c->committed + 1 || !(c->script.flags[seq] & ES_F_MARK))
        world_fail(&c->sim->world, "c%d: mark %" PRIu64 " out of place", c->id, seq);
}

void check_done(client_t *c)
{
    if (c->committed != c->script.frames) world_fail(&c->sim->world, "c%d: done at the wrong time", c->id);
    for (uint64_t seq = c->marked + 1; seq <= c->script.frames; seq++)
        if (c->script.flags[seq] & ES_F_MARK)
            world_fail(&c->sim->world, "c%d: mark %" PRIu64 " never came", c->id, seq);
}

/* As long as it may take a batch stream to come to a final, or to give up waiting for one, where messages are lost besides. */
#define YIELDS_WITHIN SECONDS(12)

/* Does this worker hear a batch stream whose sender is there and means this epoch? */
static bool serves_batch(const sim_t *sim, int w)
{
    for (int k = 0; k < sim->keys; k++) {
        const stream_t *s = sim->workers[w].streams[k];
        const connection_t *at = &sim->connections[k];
        es_sender_stats_t stats;
        if (!s || s->priority == 0 || !at->sender || sim->nodes[NODE_EDGE + at->edge].state != RUNNING) continue;
        es_sender_stats(at->sender, &stats);
        if (stats.epoch == s->epoch && stats.place == 0 && !stats.done) return true;
    }
    return false;
}

/* With two brokers, one does not know the other's; suspects wait for other reasons. */
void check_live_first(const connection_t *connection)
{
    sim_t *sim = connection->sim;
    uint64_t since = connection->waiting_at > sim->plan.calm_at ? connection->waiting_at : sim->plan.calm_at;
    if (sim->plan.brokers > 1 || sim->plan.poisoned >= 0 || sim->world.now < since + YIELDS_WITHIN) return;
    for (int w = 0; w < sim->plan.workers; w++)
        if (serves_batch(sim, w))
            world_fail(&sim->world, "key %d: waits for %d ms while a batch stream has a place", connection->key,
                       (int)((sim->world.now - connection->waiting_at) / 1000));
}

void check_stuck(sim_t *sim)
{
    for (int i = 0; i < sim->plan.clients; i++) {
        const client_t *c = &sim->clients[i];
        if (c->finished) continue;
        es_sender_stats_t s = {0};
        if (c->key >= 0 && sim->connections[c->key].sender) es_sender_stats(sim->connections[c->key].sender, &s);
        world_fail(&sim->world,
                   "c%d: stuck: key %d, epoch %" PRIu64 ", spoken %" PRIu64 " of %u, sent %" PRIu64
                   ", received %" PRIu64 ", committed %" PRIu64 ", place %" PRIu64,
                   i, c->key, s.epoch, c->spoken, c->script.frames, s.sent, s.received, s.committed, s.place);
    }
}
