/* Workers: a real receiver and an engine for each stream; what actors/runtime/worker.c does around them. */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "sim.h"

enum { REF_MAX = SIM_KEYS, OVERLOAD = 2 /* times the capacity */ };

typedef struct outcome_node {
    struct outcome_node *next;
    uint64_t due_us;
    engine_final_t final;
} outcome_node_t;

static int node_of(int w)
{
    return NODE_WORKER + w;
}

/* To one broker. */
static void say(sim_t *sim, int w, int b, es_msg_t *msg, const void *body, size_t len)
{
    ES_SET(msg, ES_M_INC, inc, sim->workers[w].inc);
    sim_send(sim, node_of(w), NODE_BROKER + b, 0, -1, msg, body, len);
}

/* Through all brokers: whoever owns the stream hears it as often. */
static void publish_everywhere(sim_t *sim, int w, int key, es_msg_t *msg, const void *body, size_t len)
{
    ES_SET(msg, ES_M_INC, inc, sim->workers[w].inc);
    for (int b = 0; b < sim->plan.brokers; b++) sim_send(sim, node_of(w), NODE_BROKER + b, 1, key, msg, body, len);
}

static void on_send(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    stream_t *s = ctx;
    es_msg_t copy = *msg;
    if (!bend_from_receiver(s->sim, s, msg)) return;
    if (msg->kind == ES_FINAL && msg->to_seq > s->published) s->published = msg->to_seq;
    publish_everywhere(s->sim, s->worker, s->key, &copy, body, len);
}

static void forget_outcomes(stream_t *s)
{
    for (outcome_node_t *node = s->first, *next; node; node = next) {
        next = node->next;
        free(node);
    }
    s->first = NULL;
    s->last = &s->first;
}

static void on_begin(void *ctx, const es_msg_t *start)
{
    stream_t *s = ctx;
    uint64_t carry = 0;
    if (ES_HAS(start, ES_M_CHECKPOINT) && start->checkpoint.len == sizeof carry)
        memcpy(&carry, start->checkpoint.ptr, sizeof carry);
    forget_outcomes(s);
    s->open = true;
    s->epoch = start->epoch;
    s->priority = (uint32_t)start->priority;
    s->published = 0;
    engine_begin(&s->engine, start->base, carry, s->sim->plan.max_segment,
                 s->sim->plan.whimsical ? s->sim->workers[s->worker].inc : 0);
}

static void publish(stream_t *s, const engine_final_t *final)
{
    es_receiver_final(s->receiver,
                      &(es_final_t){.to_seq = final->to_seq,
                                    .flags = final->silence ? ES_F_SILENCE : 0,
                                    .text = es_span(final->text),
                                    .checkpoint = es_span_of(&final->carry, sizeof final->carry),
                                    .start = final->start,
                                    .end = final->end},
                      s->sim->world.now);
}

static void on_frame(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    stream_t *s = ctx;
    uint32_t word = 0;
    const client_t *c = &s->sim->clients[s->sim->connections[s->key].client];
    if (c->poisoned && msg->seq == c->script.frames / 2 + 1) s->sim->workers[s->worker].doomed = true;
    if (s->sim->workers[s->worker].doomed) return;
    if (len >= sizeof word) memcpy(&word, body, sizeof word);
    engine_feed(&s->engine, word, (uint8_t)(msg->flags & (ES_F_MARK | ES_F_EOS)), msg->pos);
    uint64_t decode = s->sim->plan.decode_us;
    for (engine_final_t final; engine_next(&s->engine, &final);) {
        if (decode == 0) {
            publish(s, &final);
            continue;
        }
        outcome_node_t *node = es_alloc_zero(sizeof *node);
        node->final = final;
        node->due_us = s->sim->world.now + world_below(&s->sim->world, decode);
        *s->last = node;
        s->last = &node->next;
    }
    if (!s->sim->plan.partials || s->first || s->engine.n == 0) return;
    char text[ENGINE_TEXT] = "";
    for (int i = 0; i < s->engine.n; i++) engine_append(text, s->engine.items[i].word, s->engine.items[i].flags);
    es_receiver_partial(s->receiver, msg->seq, es_span(text), s->engine.items[0].pos, msg->pos);
}

static stream_t *stream_new(sim_t *sim, int w, int key)
{
    static const es_receiver_ops_t ops = {.send = on_send, .begin = on_begin, .frame = on_frame};
    stream_t *s = es_alloc_zero(sizeof *s);
    s->sim = sim;
    s->worker = w;
    s->key = key;
    s->due_us = UINT64_MAX;
    s->last = &s->first;
    s->receiver = es_receiver_new(NULL, &ops, s);
    sim->workers[w].streams[key] = s;
    return s;
}

void worker_forget(sim_t *sim, int w, int key)
{
    stream_t *s = sim->workers[w].streams[key];
    if (!s) return;
    sim->workers[w].streams[key] = NULL;
    forget_outcomes(s);
    es_receiver_destroy(&s->receiver);
    free(s);
}

static void arm(sim_t *sim, int w, uint64_t at)
{
    node_t *node = &sim->nodes[node_of(w)];
    if (at >= node->timer_at) return;
    node->timer_at = at;
    world_at(&sim->world, at, EV_WORKER, w, NULL);
}

static void run_stream(sim_t *sim, stream_t *s)
{
    for (outcome_node_t *node; (node = s->first) && node->due_us <= sim->world.now;) {
        s->first = node->next;
        if (!s->first) s->last = &s->first;
        publish(s, &node->final);
        free(node);
    }
    s->due_us = es_receiver_tick(s->receiver, sim->world.now);
    if (s->first && s->first->due_us < s->due_us) s->due_us = s->first->due_us;
    arm(sim, s->worker, s->due_us);
}

static size_t streams_of(const sim_t *sim, int w)
{
    size_t n = 0;
    for (int i = 0; i < sim->keys; i++) n += sim->workers[w].streams[i] != NULL;
    return n;
}

static void say_hello(sim_t *sim, int w, int b)
{
    es_stream_ref_t refs[REF_MAX];
    char keys[REF_MAX][ES_CLIENT_ID_LEN + 1], body[32 * REF_MAX];
    size_t n = 0;
    for (int i = 0; i < sim->keys; i++) {
        const stream_t *s = sim->workers[w].streams[i];
        if (!s) continue;
        key_text(i, keys[n]);
        refs[n] = (es_stream_ref_t){.key = es_span(keys[n]), .epoch = s->epoch, .priority = s->priority};
        n++;
    }
    es_msg_t msg = {.kind = ES_HELLO};
    ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
    ES_SET(&msg, ES_M_CAPACITY, capacity, sim->workers[w].leave_at > 0 ? 0 : sim->plan.capacity[w]);
    ES_SET(&msg, ES_M_LOAD, load, n);
    say(sim, w, b, &msg, body, es_streams_encode(refs, n, body, sizeof body));
    sim->workers[w].pinged_us[b] = sim->world.now;
}

static void say_hello_to_all(sim_t *sim, int w)
{
    for (int b = 0; b < sim->plan.brokers; b++) say_hello(sim, w, b);
}

static void answer_ping(sim_t *sim, int w, int b)
{
    es_msg_t msg = {.kind = ES_HEARTBEAT};
    sim->workers[w].pinged_us[b] = sim->world.now;
    ES_SET(&msg, ES_M_LOAD, load, streams_of(sim, w));
    say(sim, w, b, &msg, NULL, 0);
    for (int i = 0; i < sim->keys; i++)
        if (sim->workers[w].streams[i]) es_receiver_repeat(sim->workers[w].streams[i]->receiver, sim->world.now);
}

/* Each kept final covers a frame beyond what the sender has told. */
static void check_kept(sim_t *sim, const stream_t *s, const es_msg_t *msg)
{
    es_receiver_stats_t stats;
    es_receiver_stats(s->receiver, &stats);
    if (msg->epoch == stats.epoch && msg->committed <= stats.committed && stats.kept > stats.committed - msg->committed)
        world_fail(&sim->world, "key %d: %zu finals kept", s->key, stats.kept);
}

static void refuse(sim_t *sim, int w, const packet_t *packet)
{
    es_msg_t rewind = {.kind = ES_REWIND, .epoch = packet->msg.epoch, .seq = packet->msg.seq};
    publish_everywhere(sim, w, packet->key, &rewind, NULL, 0);
}

static void take_frame(sim_t *sim, int w, const packet_t *packet)
{
    stream_t *s = sim->workers[w].streams[packet->key];
    es_msg_t msg = packet->msg;
    bend_to_receiver(sim, s, &msg);
    bool full = streams_of(sim, w) >= (size_t)OVERLOAD * sim->plan.capacity[w];
    if (!s && (full || !(msg.flags & ES_F_START))) {
        refuse(sim, w, packet);
        return;
    }
    if (!s) s = stream_new(sim, w, packet->key);
    es_receiver_frame(s->receiver, &msg, packet->data, packet->len, sim->world.now);
    check_kept(sim, s, &msg);
    if (s->open)
        run_stream(sim, s);
    else
        worker_forget(sim, w, packet->key);
    if (sim->workers[w].doomed) {
        world_trace(&sim->world, "worker %d dies of key %d", (int)sim->workers[w].inc, packet->key);
        faults_kill(sim, node_of(w));
        world_at(&sim->world, sim->world.now + MS(200), EV_START, node_of(w), NULL);
    }
}

void worker_receive(sim_t *sim, const packet_t *packet)
{
    int w = packet->to - NODE_WORKER, b = packet->from - NODE_BROKER;
    const es_msg_t *msg = &packet->msg;
    stream_t *s = packet->key >= 0 ? sim->workers[w].streams[packet->key] : NULL;
    switch (msg->kind) {
    case ES_FRAME:
        take_frame(sim, w, packet);
        break;
    case ES_PING:
        answer_ping(sim, w, b);
        break;
    case ES_WHO_ARE_YOU:
        say_hello(sim, w, b);
        break;
    case ES_CLOSE:
    case ES_DROP:
        if (s && (msg->epoch == 0 || msg->epoch >= s->epoch)) worker_forget(sim, w, packet->key);
        break;
    default:
        world_fail(&sim->world, "worker got kind %u", msg->kind);
    }
}

/* True: it has left. */
static bool leave_if_time(sim_t *sim, int w)
{
    const worker_t *worker = &sim->workers[w];
    size_t left = streams_of(sim, w);
    if (worker->leave_at == 0 || (sim->world.now < worker->leave_at && left > 0)) return false;
    for (int b = 0; b < sim->plan.brokers; b++) say(sim, w, b, &(es_msg_t){.kind = ES_GOODBYE}, NULL, 0);
    world_trace(&sim->world, "worker %d has drained, %zu streams left", (int)worker->inc, left);
    faults_kill(sim, node_of(w));
    world_at(&sim->world, sim->world.now + MS(100), EV_START, node_of(w), NULL);
    return true;
}

void worker_drain(sim_t *sim, int w, uint64_t leave_at)
{
    if (sim->workers[w].leave_at > 0) return;
    sim->workers[w].leave_at = leave_at;
    say_hello_to_all(sim, w);
}

/* Brokers that are new, or lost our HELLO. */
static void say_hello_where_silent(sim_t *sim, int w)
{
    for (int b = 0; b < sim->plan.brokers; b++)
        if (sim->world.now >= sim->workers[w].pinged_us[b] + MS(1500)) say_hello(sim, w, b);
}

void worker_timer(sim_t *sim, int w)
{
    node_t *node = &sim->nodes[node_of(w)];
    if (node->state != RUNNING || sim->world.now < node->timer_at) return;
    node->timer_at = UINT64_MAX;
    if (leave_if_time(sim, w)) return;
    for (int i = 0; i < sim->keys; i++) {
        stream_t *s = sim->workers[w].streams[i];
        if (!s) continue;
        es_receiver_stats_t stats;
        es_receiver_stats(s->receiver, &stats);
        if (sim->world.now >= stats.last_us + SECONDS(15))
            worker_forget(sim, w, i);
        else
            run_stream(sim, s);
    }
    say_hello_where_silent(sim, w);
    arm(sim, w, sim->world.now + (sim->workers[w].leave_at > 0 ? MS(20) : MS(500)));
}

void worker_start(sim_t *sim, int w)
{
    node_t *node = &sim->nodes[node_of(w)];
    node->life++;
    node->state = RUNNING;
    node->timer_at = UINT64_MAX;
    sim->workers[w].inc = (uint64_t)(w + 1) * 1000 + node->life;
    sim->workers[w].leave_at = 0;
    sim->workers[w].doomed = false;
    say_hello_to_all(sim, w);
    arm(sim, w, sim->world.now + MS(500));
}

void worker_stop(sim_t *sim, int w)
{
    for (int i = 0; i < SIM_KEYS; i++) worker_forget(sim, w, i);
}
