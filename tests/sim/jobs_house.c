/* Broker and workers: a stream has a worker or waits; the worker is a real receiver with an engine that cuts after every fifth frame and knows what each frame must hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "jobs_sim.h"

/* ---- letters */

static void keep(letter_t *letter, es_span_t *span)
{
    if (span->len == 0) return;
    memcpy(letter->spans + letter->used, span->ptr, span->len);
    span->ptr = letter->spans + letter->used;
    letter->used += span->len;
}

letter_t *letter_new(const char *key, const es_msg_t *msg, const void *body, size_t len)
{
    letter_t *letter = es_alloc(sizeof *letter + len);
    letter->msg = *msg;
    letter->len = len;
    letter->used = 0;
    snprintf(letter->key, sizeof letter->key, "%s", key);
    keep(letter, &letter->msg.checkpoint);
    keep(letter, &letter->msg.text);
    keep(letter, &letter->msg.service);
    keep(letter, &letter->msg.reason);
    if (len > 0) memcpy(letter->body, body, len);
    return letter;
}

static void post(sim_t *sim, event_kind_t way, letter_t *letter)
{
    uint64_t at = sim->world.now + 1000 + world_below(&sim->world, sim->plan.latency_us);
    uint64_t *last = &sim->last_arrival[way == EV_TO_RUN];
    if (at < *last) at = *last;
    *last = at;
    world_at(&sim->world, at, (int)way, 0, letter);
}

void letter_send(sim_t *sim, event_kind_t way, letter_t *letter)
{
    bool calm = sim->world.now >= sim->quiet_at;
    bool deaf = sim->world.now < sim->deaf_until;
    if (deaf || (!calm && world_chance(&sim->world, sim->plan.loss))) {
        free(letter);
        return;
    }
    if (!calm && world_chance(&sim->world, sim->plan.duplicates))
        post(sim, way, letter_new(letter->key, &letter->msg, letter->body, letter->len));
    post(sim, way, letter);
}

/* ---- the engine */

static void to_owner(stream_t *s, const es_msg_t *msg, const void *body, size_t len)
{
    letter_send(s->sim, EV_TO_RUN, letter_new(s->key, msg, body, len));
}

static void on_send(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    stream_t *s = ctx;
    es_msg_t signed_ = *msg;
    ES_SET(&signed_, ES_M_INC, inc, s->inc);
    to_owner(s, &signed_, body, len);
}

static void on_begin(void *ctx, const es_msg_t *start)
{
    stream_t *s = ctx;
    uint64_t carried = 0;
    if (start->checkpoint.len == sizeof carried) memcpy(&carried, start->checkpoint.ptr, sizeof carried);
    if (!s->analysis && carried != start->pos)
        world_fail(&s->sim->world, "begins at %d with the state of %d", (int)start->pos, (int)carried);
    s->next_pos = s->covered = start->pos;
    s->in_segment = 0;
    s->document = 0;
}

/* What is said of a segment depends on where it lies alone. */
static void say_final(stream_t *s, uint64_t seq)
{
    char text[64];
    uint64_t which = s->covered / FRAME / CUT;
    bool failed = which % 11 == 7, silence = which % 7 == 3 || s->next_pos == s->covered;
    snprintf(text, sizeof text, "%d-%d", (int)s->covered, (int)s->next_pos);
    es_final_t final = {.to_seq = seq,
                        .flags = silence  ? ES_F_SILENCE
                                 : failed ? ES_F_FAILED
                                          : 0,
                        .text = silence || failed ? (es_span_t){0} : es_span(text),
                        .reason = failed ? es_span(text) : (es_span_t){0},
                        .start = s->covered,
                        .end = s->next_pos,
                        .checkpoint = es_span_of(&s->next_pos, sizeof s->next_pos)};
    s->covered = s->next_pos;
    s->in_segment = 0;
    es_receiver_final(s->receiver, &final, s->sim->world.now);
}

static void take_document(stream_t *s, const es_msg_t *msg, size_t len)
{
    char analysis[64];
    s->document += len;
    if (!(msg->flags & ES_F_EOS)) return;
    int n = snprintf(analysis, sizeof analysis, "{\"bytes\":%zu}", s->document);
    es_receiver_final(s->receiver, &(es_final_t){.to_seq = msg->seq, .words = analysis, .words_len = (size_t)n},
                      s->sim->world.now);
}

static void on_frame(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    stream_t *s = ctx;
    int16_t first = 0;
    if (s->analysis) {
        take_document(s, msg, len);
        return;
    }
    if (msg->pos != s->next_pos) world_fail(&s->sim->world, "audio at %d, not %d", (int)msg->pos, (int)s->next_pos);
    if (len >= sizeof first) memcpy(&first, body, sizeof first);
    if (len > 0 && first != (int16_t)(msg->pos / FRAME)) world_fail(&s->sim->world, "wrong audio at %d", (int)msg->pos);
    s->next_pos += len / 2;
    s->in_segment++;
    bool eos = (msg->flags & ES_F_EOS) != 0;
    if (eos || s->next_pos / FRAME % CUT == 0) say_final(s, msg->seq);
}

/* ---- the broker */

static stream_t *find(sim_t *sim, const char *key)
{
    for (int i = 0; i < sim->n_streams; i++)
        if (strcmp(sim->streams[i].key, key) == 0) return &sim->streams[i];
    return NULL;
}

static stream_t *stream_new(sim_t *sim, const char *key)
{
    if (sim->n_streams == SIM_STREAMS) {
        world_fail(&sim->world, "more streams than the simulation has room for");
        return NULL;
    }
    stream_t *s = &sim->streams[sim->n_streams++];
    *s = (stream_t){.sim = sim, .worker = -1};
    snprintf(s->key, sizeof s->key, "%s", key);
    return s;
}

static void forget(stream_t *s)
{
    es_receiver_destroy(&s->receiver);
    s->worker = -1;
}

static bool place(stream_t *s, const es_msg_t *start)
{
    static const es_receiver_ops_t ops = {.send = on_send, .begin = on_begin, .frame = on_frame};
    sim_t *sim = s->sim;
    bool full = sim->world.now < sim->quiet_at && world_chance(&sim->world, 300);
    s->analysis = es_span_eq(start->service, es_span("analyze"));
    if (full || (s->analysis && sim->house.no_analysis)) return false;
    s->worker = s->analysis ? SIM_WORKERS - 1 : (int)world_below(&sim->world, SIM_WORKERS - 1);
    s->inc = sim->inc[s->worker];
    s->receiver = es_receiver_new(NULL, &ops, s);
    world_trace(&sim->world, "stream %s at worker %d epoch %d", s->key, s->worker, (int)start->epoch);
    return true;
}

static void from_broker(stream_t *s, es_kind_t kind, uint64_t epoch, uint64_t place)
{
    es_msg_t msg = {.kind = kind, .epoch = epoch};
    if (place > 0) ES_SET(&msg, ES_M_PLACE, place, place);
    if (kind == ES_WORKER_LOST) ES_SET(&msg, ES_M_LOAD, load, 1);
    to_owner(s, &msg, NULL, 0);
}

static void take_frame(sim_t *sim, letter_t *letter)
{
    stream_t *s = find(sim, letter->key);
    bool start = (letter->msg.flags & ES_F_START) != 0;
    if (!s && start) s = stream_new(sim, letter->key);
    if (!s) return;
    if (letter->msg.epoch > s->epoch) s->epoch = letter->msg.epoch;
    if (s->worker < 0 && !start)
        from_broker(s, ES_REWIND, letter->msg.epoch, 0);
    else if (s->worker < 0 && !place(s, &letter->msg))
        from_broker(s, ES_WAIT, letter->msg.epoch, 1 + world_below(&sim->world, 3));
    else if (s->receiver)
        es_receiver_frame(s->receiver, &letter->msg, letter->body, letter->len, sim->world.now);
    if (s->receiver) world_at(&sim->world, sim->world.now + MS(100), EV_RECEIVER, (int)(s - sim->streams), NULL);
}

void house_take(sim_t *sim, letter_t *letter)
{
    stream_t *s = find(sim, letter->key);
    if (letter->msg.kind == ES_FRAME) take_frame(sim, letter);
    if (letter->msg.kind == ES_CLOSE && s && letter->msg.epoch >= s->epoch) forget(s);
    free(letter);
}

void house_tick(sim_t *sim, int stream)
{
    if (sim->streams[stream].receiver) es_receiver_tick(sim->streams[stream].receiver, sim->world.now);
}

void house_lose_worker(sim_t *sim, int worker)
{
    sim->inc[worker] = world_random(&sim->world);
    for (int i = 0; i < sim->n_streams; i++) {
        stream_t *s = &sim->streams[i];
        if (s->worker != worker) continue;
        forget(s);
        from_broker(s, ES_WORKER_LOST, s->epoch, 0);
    }
}

void house_yield(sim_t *sim)
{
    for (int i = 0; i < sim->n_streams; i++)
        if (sim->streams[i].worker >= 0) from_broker(&sim->streams[i], ES_YIELD, sim->streams[i].epoch, 0);
}

void house_end(sim_t *sim)
{
    for (int i = 0; i < sim->n_streams; i++) forget(&sim->streams[i]);
    sim->n_streams = 0;
}
