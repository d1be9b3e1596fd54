/* Clients with their senders, and what must hold for them: each word once, in order, cut as an undisturbed engine cuts; marks in place; done. */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

void client_key(int id, char key[ES_CLIENT_ID_LEN + 1])
{
    memcpy(key, "00000000000000c0", ES_CLIENT_ID_LEN + 1);
    key[ES_CLIENT_ID_LEN - 1] = (char)('0' + id);
}

uint32_t client_word(const client_t *client, uint64_t seq)
{
    if (client->script.flags[seq] & ES_F_MARK) return 0;
    return (uint32_t)world_mix((uint64_t)client->id << 40 ^ (uint64_t)client->stream << 32 ^ seq);
}

static uint64_t pos_of(uint64_t seq)
{
    return (seq - 1) * 320;
}

static void text_of(const client_t *client, uint64_t from, uint64_t to, char text[ENGINE_TEXT])
{
    text[0] = '\0';
    for (uint64_t seq = from; seq <= to; seq++)
        engine_append(text, client_word(client, seq), client->script.flags[seq]);
}

static void write_script(sim_t *sim, client_t *c)
{
    script_t *script = &c->script;
    memset(script, 0, sizeof *script);
    script->frames = 1 + (uint32_t)world_below(&sim->world, SIM_FRAMES);
    engine_t engine;
    engine_final_t final;
    engine_begin(&engine, 0, 0, sim->plan.max_segment, 0);
    for (uint32_t seq = 1; seq <= script->frames; seq++) {
        if (seq == script->frames)
            script->flags[seq] = ES_F_EOS;
        else if (world_chance(&sim->world, 60))
            script->flags[seq] = ES_F_MARK;
        engine_feed(&engine, client_word(c, seq), script->flags[seq], pos_of(seq));
        while (engine_next(&engine, &final)) script->ends[final.to_seq] = 1;
    }
}

static void on_transmit(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    client_t *c = ctx;
    sim_send(c->sim, NODE_EDGE, NODE_BROKER, 0, c->id, msg, body, len);
}

static void check_cuts(client_t *c, const es_msg_t *final)
{
    for (uint64_t seq = final->from_seq; seq <= final->to_seq; seq++)
        if ((c->script.ends[seq] != 0) != (seq == final->to_seq))
            world_fail(&c->sim->world, "c%d: final %" PRIu64 "..%" PRIu64 " is not cut as an undisturbed engine cuts",
                       c->id, final->from_seq, final->to_seq);
}

static void on_deliver(void *ctx, const es_msg_t *final, const void *words, size_t len)
{
    (void)words;
    (void)len;
    client_t *c = ctx;
    c->sim->figures.deliveries++;
    if (final->from_seq != c->committed + 1 || final->to_seq < final->from_seq || final->to_seq > c->pushed) {
        world_fail(&c->sim->world, "c%d: final %" PRIu64 "..%" PRIu64 " after commit %" PRIu64, c->id, final->from_seq,
                   final->to_seq, c->committed);
        return;
    }
    char want[ENGINE_TEXT];
    text_of(c, final->from_seq, final->to_seq, want);
    if (!es_span_eq(final->text, es_span(want)))
        world_fail(&c->sim->world, "c%d: words of %" PRIu64 "..%" PRIu64 " are '%.*s', not '%s'", c->id,
                   final->from_seq, final->to_seq, (int) final->text.len, final->text.ptr ? final->text.ptr : "", want);
    if (final->start != pos_of(final->from_seq)) world_fail(&c->sim->world, "c%d: position moved", c->id);
    if (!c->sim->plan.whimsical) check_cuts(c, final);
    for (uint64_t seq = c->marked + 1; seq < final->from_seq; seq++)
        if (c->script.flags[seq] & ES_F_MARK)
            world_fail(&c->sim->world, "c%d: mark %" PRIu64 " came too late", c->id, seq);
    c->committed = final->to_seq;
}

static void on_partial(void *ctx, const es_msg_t *partial)
{
    client_t *c = ctx;
    char want[ENGINE_TEXT];
    text_of(c, partial->from_seq, partial->to_seq, want);
    if (partial->from_seq != c->committed + 1 || !es_span_eq(partial->text, es_span(want)))
        world_fail(&c->sim->world, "c%d: partial of %" PRIu64 "..%" PRIu64 " is stale", c->id, partial->from_seq,
                   partial->to_seq);
}

static void on_marked(void *ctx, uint64_t seq)
{
    client_t *c = ctx;
    bool skipped = false;
    for (uint64_t s = c->marked + 1; s < seq; s++) skipped = skipped || (c->script.flags[s] & ES_F_MARK);
    if (skipped || seq <= c->marked || seq > c->committed + 1 || !(c->script.flags[seq] & ES_F_MARK))
        world_fail(&c->sim->world, "c%d: mark %" PRIu64 " out of place", c->id, seq);
    c->marked = seq;
}

static void on_done(void *ctx)
{
    client_t *c = ctx;
    if (c->done || c->committed != c->script.frames) world_fail(&c->sim->world, "c%d: done at the wrong time", c->id);
    c->done = true;
}

static void on_writable(void *ctx)
{
    client_t *c = ctx;
    if (c->blocked) world_at(&c->sim->world, c->sim->world.now, EV_CLIENT, c->id, NULL);
    c->blocked = false;
}

static void on_waiting(void *ctx, uint64_t place)
{
    client_t *c = ctx;
    if (place > 0) c->sim->figures.waits++;
}

void client_open(sim_t *sim, int id)
{
    static const es_sender_ops_t ops = {.transmit = on_transmit,
                                        .deliver = on_deliver,
                                        .partial = on_partial,
                                        .marked = on_marked,
                                        .done = on_done,
                                        .writable = on_writable,
                                        .waiting = on_waiting};
    client_t *c = &sim->clients[id];
    es_sender_config_t config = es_sender_defaults();
    config.window_frames = sim->plan.window_frames;
    config.window_bytes = sim->plan.window_bytes;
    config.retain_frames = sim->plan.retain_frames;
    config.partials = sim->plan.partials;
    c->sim = sim;
    c->id = id;
    c->timer_at = UINT64_MAX;
    c->pushed = c->committed = c->marked = 0;
    c->done = c->blocked = false;
    write_script(sim, c);
    c->interval_us = world_chance(&sim->world, 200) ? 0 : 1000 + world_below(&sim->world, MS(40));
    c->abandon_seq = world_chance(&sim->world, 80) ? 1 + world_below(&sim->world, c->script.frames) : 0;
    c->sender = es_sender_new(&config, &ops, c, c->last_epoch);
    world_at(&sim->world, sim->world.now + world_below(&sim->world, MS(500)), EV_CLIENT, id, NULL);
}

void client_rearm(sim_t *sim, int id)
{
    client_t *c = &sim->clients[id];
    if (!c->sender) return;
    uint64_t at = sim->off == SAFE_RETRANSMIT ? UINT64_MAX : es_sender_deadline(c->sender);
    if (at >= c->timer_at) return; /* one event is on its way; too early is harmless */
    c->timer_at = at < sim->world.now ? sim->world.now : at;
    world_at(&sim->world, c->timer_at, EV_SENDER, id, NULL);
}

void client_timer(sim_t *sim, int id)
{
    client_t *c = &sim->clients[id];
    if (!c->sender || sim->world.now != c->timer_at) return;
    c->timer_at = UINT64_MAX;
    if (sim->nodes[NODE_EDGE].state != RUNNING) {
        c->timer_at = sim->world.now + MS(20);
        world_at(&sim->world, c->timer_at, EV_SENDER, id, NULL);
        return;
    }
    es_sender_tick(c->sender, sim->world.now);
    client_rearm(sim, id);
}

static void close_stream(sim_t *sim, client_t *c)
{
    es_sender_stats_t stats;
    es_sender_stats(c->sender, &stats);
    if (c->done &&
        (stats.retained_frames > 0 || stats.retained_bytes > 0 || es_sender_deadline(c->sender) != UINT64_MAX))
        world_fail(&sim->world, "c%d: done, yet %zu frames retained", c->id, stats.retained_frames);
    for (uint64_t seq = c->marked + 1; c->done && seq <= c->script.frames; seq++)
        if (c->script.flags[seq] & ES_F_MARK) world_fail(&sim->world, "c%d: mark %" PRIu64 " never came", c->id, seq);
    sim->figures.raises += stats.raises;
    sim->figures.probes += stats.probes;
    c->last_epoch = stats.epoch;
    es_sender_close(c->sender);
    es_sender_destroy(&c->sender);
    c->stream++;
    c->finished = c->stream >= c->streams;
    if (!c->finished) client_open(sim, c->id);
}

void client_step(sim_t *sim, int id)
{
    client_t *c = &sim->clients[id];
    if (!c->sender) return;
    if (sim->nodes[NODE_EDGE].state != RUNNING) {
        world_at(&sim->world, sim->world.now + MS(20), EV_CLIENT, id, NULL);
        return;
    }
    if (c->done || (c->abandon_seq > 0 && c->pushed == c->abandon_seq)) {
        close_stream(sim, c);
        return;
    }
    if (c->pushed == c->script.frames) return; /* woken again when done */
    uint64_t seq = c->pushed + 1;
    struct {
        uint32_t word;
        char more[60];
    } body = {.word = client_word(c, seq)};
    size_t len = c->script.flags[seq] & ES_F_MARK ? 0 : 4 + body.word % 60;
    c->pushed = seq;
    if (es_sender_push(c->sender, c->script.flags[seq], pos_of(seq), &body, len, 0, sim->world.now) != seq) {
        c->pushed = seq - 1;
        c->blocked = true;
        if (!es_sender_full(c->sender)) world_fail(&sim->world, "c%d: push refused without need", id);
        return;
    }
    world_trace(&sim->world, "c%d pushes %" PRIu64 "%s", id, seq, c->script.flags[seq] & ES_F_MARK ? " MARK" : "");
    client_rearm(sim, id);
    if (c->pushed < c->script.frames) world_at(&sim->world, sim->world.now + c->interval_us, EV_CLIENT, id, NULL);
}

static void check_bounds(sim_t *sim, client_t *c)
{
    es_sender_stats_t stats;
    es_sender_stats(c->sender, &stats);
    if (stats.received > stats.sent || stats.committed > stats.received || stats.sent >= stats.next_seq ||
        stats.committed != c->committed || stats.retained_frames != stats.next_seq - 1 - stats.committed)
        world_fail(&sim->world, "c%d: the sender's numbers contradict one another", c->id);
}

void client_receive(sim_t *sim, const packet_t *packet)
{
    client_t *c = &sim->clients[packet->client];
    es_msg_t msg = packet->msg;
    if (!c->sender || !bend_to_sender(sim, c, &msg)) return;
    es_sender_receive(c->sender, &msg, packet->data, packet->len, sim->world.now);
    check_bounds(sim, c);
    client_rearm(sim, c->id);
    if (c->done) world_at(&sim->world, sim->world.now + world_below(&sim->world, MS(50)), EV_CLIENT, c->id, NULL);
}

bool client_all_finished(const sim_t *sim)
{
    for (int i = 0; i < sim->plan.clients; i++)
        if (!sim->clients[i].finished) return false;
    return true;
}

void client_check_end(sim_t *sim)
{
    for (int i = 0; i < sim->plan.clients; i++) {
        client_t *c = &sim->clients[i];
        if (c->finished || !c->sender) continue;
        es_sender_stats_t s;
        es_sender_stats(c->sender, &s);
        world_fail(&sim->world,
                   "c%d: stuck: epoch %" PRIu64 ", pushed %" PRIu64 " of %u, sent %" PRIu64 ", received %" PRIu64
                   ", committed %" PRIu64 ", place %" PRIu64,
                   i, s.epoch, c->pushed, c->script.frames, s.sent, s.received, s.committed, s.place);
    }
}
