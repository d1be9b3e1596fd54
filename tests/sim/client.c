/* Clients: they speak, keep each frame until it is committed, and go on over another connection where theirs breaks or is to be left. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

uint32_t client_word(const client_t *client, uint64_t seq)
{
    if (client->script.flags[seq] & ES_F_MARK) return 0;
    return (uint32_t)world_mix((uint64_t)client->id << 40 ^ (uint64_t)client->stream << 32 ^ seq);
}

uint64_t client_pos(uint64_t seq)
{
    return (seq - 1) * 320;
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
        engine_feed(&engine, client_word(c, seq), script->flags[seq], client_pos(seq));
        while (engine_next(&engine, &final)) script->ends[final.to_seq] = 1;
    }
}

static connection_t *connection_of(const client_t *c)
{
    return c->key >= 0 ? &c->sim->connections[c->key] : NULL;
}

static bool served(const client_t *c)
{
    const connection_t *at = connection_of(c);
    return at && !c->lost && !at->gone && c->sim->nodes[NODE_EDGE + at->edge].state == RUNNING;
}

void client_wake(client_t *c, uint64_t at)
{
    if (at >= c->step_at) return;
    c->step_at = at;
    world_at(&c->sim->world, at, EV_CLIENT, c->id, NULL);
}

static void begin_stream(client_t *c)
{
    world_t *world = &c->sim->world;
    c->spoken = c->sent = c->committed = c->marked = c->carry = 0;
    c->connections = 0;
    c->done = c->refused = false;
    c->poisoned = c->id == c->sim->plan.poisoned && c->stream == 0;
    write_script(c->sim, c);
    uint64_t slowest = c->batch ? c->sim->plan.batch_interval_us : MS(40);
    c->interval_us = world_chance(world, 200) ? 0 : 1000 + world_below(world, slowest);
    c->abandon_seq = world_chance(world, 80) ? 1 + world_below(world, c->script.frames) : 0;
    c->speak_at = world->now + world_below(world, MS(500));
    client_wake(c, c->speak_at);
}

/* Once it speaks again on the connection that it has. */
static void start_stream(client_t *c)
{
    c->connections++;
    c->sent = c->committed;
    if (c->marked < c->committed) c->marked = c->committed; /* what is committed is behind every mark in it */
    if (c->sim->off == SAFE_KEEP) c->sent = c->spoken;
    connection_begin(connection_of(c), c);
    if (c->connections > 1) c->sim->figures.resumes++;
    client_wake(c, c->sim->world.now);
}

void client_open(sim_t *sim, int id)
{
    client_t *c = &sim->clients[id];
    c->sim = sim;
    c->id = id;
    c->key = connection_new(sim, id, edge_pick(sim))->key;
    c->step_at = c->connect_at = UINT64_MAX;
    c->streams = 1 + (int)world_below(&sim->world, 3);
    c->batch = world_chance(&sim->world, sim->plan.batch);
    begin_stream(c);
    start_stream(c);
}

/* ---- connections come and go ---- */

void client_reconnect(sim_t *sim, int id, bool lost, uint64_t at)
{
    client_t *c = &sim->clients[id];
    if (c->finished) return;
    c->lost = c->lost || lost;
    if (at >= c->connect_at) return;
    c->connect_at = at;
    world_at(&sim->world, at, EV_CONNECT, id, NULL);
}

/* An edge sees the end of a connection soon, or when it times out. */
static void notice_later(sim_t *sim, int key)
{
    uint64_t lag = world_below(&sim->world, world_chance(&sim->world, 150) ? SECONDS(4) : MS(100));
    world_at(&sim->world, sim->world.now + lag, EV_HANGUP, key, NULL);
}

void client_connect(sim_t *sim, int id)
{
    client_t *c = &sim->clients[id];
    connection_t *old = connection_of(c);
    if (c->finished || sim->world.now != c->connect_at) return;
    c->connect_at = UINT64_MAX;
    bool gone = c->lost || (old && old->gone);
    if (old && !gone && sim->edges[old->edge].draining_until == 0) return;
    int edge = edge_pick(sim);
    if (old && (gone || edge >= 0)) {
        notice_later(sim, old->key);
        c->key = -1;
    }
    if (edge < 0) {
        client_reconnect(sim, id, false, sim->world.now + MS(50) + world_below(&sim->world, MS(200)));
        return;
    }
    c->key = connection_new(sim, id, edge)->key;
    c->lost = false;
    world_trace(&sim->world, "c%d goes on with edge-%d, key %d, after %" PRIu64, id, edge + 1, c->key, c->committed);
    if (c->committed == c->script.frames) c->done = true; /* only the word of it was lost */
    if (c->done || c->refused)
        client_wake(c, sim->world.now);
    else
        start_stream(c);
}

/* ---- what it hears ---- */

static void hear_final(client_t *c, const es_msg_t *final)
{
    c->sim->figures.deliveries++;
    check_final(c, final);
    if (c->sim->world.failed) return;
    c->committed = final->to_seq;
    c->carry = 0;
    if (final->checkpoint.len == sizeof c->carry) memcpy(&c->carry, final->checkpoint.ptr, sizeof c->carry);
    client_wake(c, c->sim->world.now); /* there may be room for more */
}

static void hear_done(client_t *c)
{
    check_done(c);
    c->done = true;
    client_wake(c, c->sim->world.now + world_below(&c->sim->world, MS(50)));
}

static void hear_refused(client_t *c)
{
    if (!c->poisoned) world_fail(&c->sim->world, "c%d: refused, yet no worker died of it", c->id);
    c->sim->figures.refused++;
    c->refused = true;
    client_wake(c, c->sim->world.now);
}

void client_hear(sim_t *sim, packet_t *packet)
{
    client_t *c = &sim->clients[sim->connections[packet->key].client];
    const es_msg_t *msg = &packet->msg;
    bool heard = packet->key == c->key || sim->off == SAFE_ONE_LINE;
    /* to: which stream of the client it is about */
    if (heard && !c->lost && !c->finished && packet->to == c->stream) {
        world_trace(&sim->world, "c%d hears %s %" PRIu64 "..%" PRIu64, c->id, es_catalogue_find(msg->kind)->name,
                    msg->from_seq, msg->to_seq > 0 ? msg->to_seq : msg->seq);
        if (msg->kind == ES_FINAL) hear_final(c, msg);
        if (msg->kind == ES_PARTIAL) check_partial(c, msg);
        if (msg->kind == ES_FRAME) {
            check_mark(c, msg->seq);
            if (msg->seq > c->marked) c->marked = msg->seq;
        }
        if (msg->kind == ES_CLOSE) hear_done(c);
        if (msg->kind == ES_REFUSED) hear_refused(c);
    }
    free(packet);
}

/* ---- what it says ---- */

/* Nothing is left of the stream, neither here nor at its edge. */
static void close_stream(client_t *c)
{
    connection_t *at = connection_of(c);
    if (c->done && c->spoken != c->committed)
        world_fail(&c->sim->world, "c%d: done, yet keeps %" PRIu64 " frames", c->id, c->spoken - c->committed);
    connection_end(at);
    c->stream++;
    c->finished = c->stream >= c->streams;
    if (c->finished) return;
    begin_stream(c);
    start_stream(c);
}

static bool keeps_too_much(const client_t *c)
{
    return c->spoken - c->committed >= c->sim->plan.retain_frames + SIM_KEEP_MORE;
}

static uint64_t last_frame(const client_t *c)
{
    return c->abandon_seq > 0 ? c->abandon_seq : c->script.frames;
}

static bool abandons(const client_t *c)
{
    return c->abandon_seq > 0 && c->sent >= c->abandon_seq;
}

static void speak(client_t *c)
{
    while (c->spoken < last_frame(c) && c->speak_at <= c->sim->world.now && !keeps_too_much(c)) {
        c->spoken++;
        c->speak_at = c->sim->world.now + c->interval_us;
    }
}

/* False: the edge takes no more now. */
static bool send_frame(client_t *c, uint64_t seq)
{
    struct {
        uint32_t word;
        char more[60];
    } body = {.word = client_word(c, seq)};
    connection_t *at = connection_of(c);
    uint8_t flags = c->script.flags[seq];
    size_t len = flags & ES_F_MARK ? 0 : 4 + body.word % 60;
    uint64_t got = es_sender_push(at->sender, flags, client_pos(seq), &body, len, 0, c->sim->world.now);
    if (got != seq && !es_sender_full(at->sender))
        world_fail(&c->sim->world, "c%d: frame %" PRIu64 " was taken as %" PRIu64, c->id, seq, got);
    if (got == 0) return false;
    world_trace(&c->sim->world, "c%d sends %" PRIu64 "%s", c->id, seq, flags & ES_F_MARK ? " MARK" : "");
    return true;
}

void client_step(sim_t *sim, int id)
{
    client_t *c = &sim->clients[id];
    if (c->finished || sim->world.now != c->step_at) return;
    c->step_at = UINT64_MAX;
    if (!served(c)) { /* a connection that comes will wake it */
        if (c->key >= 0) client_wake(c, sim->world.now + MS(20));
        return;
    }
    if (c->done || c->refused || abandons(c)) {
        close_stream(c);
        return;
    }
    speak(c);
    connection_t *at = connection_of(c);
    while (at->sender && c->sent < c->spoken && send_frame(c, c->sent + 1)) c->sent++;
    connection_rearm(at);
    if (abandons(c)) client_wake(c, sim->world.now);
    if (c->spoken < last_frame(c) && !keeps_too_much(c)) client_wake(c, c->speak_at);
}

bool client_all_finished(const sim_t *sim)
{
    for (int i = 0; i < sim->plan.clients; i++)
        if (!sim->clients[i].finished) return false;
    return true;
}
