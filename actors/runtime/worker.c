/*   actor_link --> by kind:  FRAME, CLOSE, DROP  -> the stream of that key and its receiver -> the actor's ops
 *                            a PING was answered -> ACKs of streams that have been quiet
 *   receivers  --> actor_link --> every broker: whoever owns the stream hears its own
 */
#include "worker.h"

#include <stdlib.h>
#include <string.h>

#include "actor_link.h"
#include "alloc.h"
#include "health.h"
#include "keymap.h"
#include "log.h"
#include "wire.h"
#include "worker_text.h"
#include "worker_trace.h"

enum {
    REFUSED_SLOTS = 256, /* keys whose last REWIND{none} is remembered, by hash */
    REFUSE_US = 100000,  /* at most one REWIND{none} a key in this time */
    QUIET_US = 400000,   /* a stream that said nothing for so long repeats its ACK with the heartbeat */
    SWEEP_US = 5000,     /* between two looks through all streams for due acknowledgements */
    IDLE_LOOK_US = 1000000,
    OVERLOAD =
        2 /* times the capacity: the broker's placement respects the capacity, a restarted one may err for a while */
};
#define IDLE_DEFAULT_US UINT64_C(600000000)

static ES_METRIC_GAUGE(streams_open, "earshot_worker_streams", "Streams open now.");
static ES_METRIC_GAUGE(places, "earshot_worker_capacity", "Streams that may be open at once.");
static ES_METRIC_GAUGE(oldest_audio, "earshot_worker_lag_microseconds", "Age of the oldest audio without a final.");
static ES_METRIC_COUNTER(frames_in, "earshot_worker_frames_total", "Frames received from brokers.");
static ES_METRIC_COUNTER(finals_out, "earshot_worker_finals_total", "Finals given by the engine.");
static ES_METRIC_COUNTER(idled, "earshot_worker_idled_total", "Streams forgotten for want of frames.");
static ES_METRIC_COUNTER(refused, "earshot_worker_refused_total{why=\"unknown\"}",
                         "Frames refused: their stream is not open here, or there is no room.");
static ES_METRIC_COUNTER(refused_full, "earshot_worker_refused_total{why=\"full\"}", "");

es_metric_t *const *es_worker_metrics(void)
{
    static es_metric_t *const list[] = {&streams_open,
                                        &places,
                                        &oldest_audio,
                                        &frames_in,
                                        &finals_out,
                                        &idled,
                                        &refused,
                                        &refused_full,
                                        &es_actor_link_malformed,
                                        &es_actor_link_unsent,
                                        &es_worker_mended,
                                        &es_actor_link_hellos,
                                        NULL};
    return list;
}

struct es_stream {
    es_worker_t *worker;
    char key[ES_CLIENT_ID_LEN + 1];
    es_receiver_t *receiver;
    void *state; /* the actor's */
    bool open;
    bool ended;  /* by its sender */
    bool mended; /* said once a stream */
    uint64_t epoch;
    uint32_t priority;
    es_trace_t trace; /* of the START: what is answered belongs to the same trace */
    bool traced;
    uint64_t due_us;     /* when the receiver wants to be called */
    uint64_t said_us;    /* last message published */
    uint64_t waiting_us; /* since when there is audio without a final; 0: none */
};

struct es_worker {
    const es_worker_ops_t *ops;
    void *ctx;
    es_actor_link_t *link;
    es_keymap_t *streams;
    uint32_t capacity;
    uint64_t idle_us;
    uint64_t frames;  /* since the start */
    uint64_t due_us;  /* earliest of the streams' */
    uint64_t look_us; /* for idle streams */
    struct {
        uint64_t hash, at_us;
    } refused[REFUSED_SLOTS];
};

/* --- streams --- */

static void stream_send(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    es_stream_t *stream = ctx;
    es_msg_t traced = *msg;
    char trace[ES_TRACE_LEN];
    stream->said_us = es_now_us();
    if (stream->traced) es_trace_pack(&stream->trace, trace);
    if (stream->traced) traced.trace = es_span_of(trace, ES_TRACE_LEN);
    es_actor_link_publish(stream->worker->link, es_span(stream->key), &traced, body, len);
}

static void stream_shut(es_stream_t *stream)
{
    if (!stream->open) return;
    stream->open = false;
    stream->worker->ops->close(stream->state, stream);
    stream->state = NULL;
}

static void stream_begin(void *ctx, const es_msg_t *start)
{
    es_stream_t *stream = ctx;
    stream_shut(stream);
    stream->epoch = start->epoch;
    stream->priority = ES_HAS(start, ES_M_PRIORITY) ? (uint32_t)start->priority : 0;
    stream->waiting_us = 0;
    stream->traced = es_trace_unpack(&stream->trace, start->trace);
    if (stream->traced) es_worker_trace_begin(stream->key, &stream->trace, stream->epoch);
    stream->state = stream->worker->ops->open(stream->worker->ctx, stream, start);
    stream->open = true;
}

static void stream_frame(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    es_stream_t *stream = ctx;
    if (!stream->waiting_us) stream->waiting_us = es_now_us();
    stream->worker->frames++;
    stream->worker->ops->frame(stream->state, stream, msg, body, len);
}

static es_stream_t *stream_new(es_worker_t *self, es_span_t key)
{
    static const es_receiver_ops_t ops = {.send = stream_send, .begin = stream_begin, .frame = stream_frame};
    es_receiver_config_t config = es_receiver_defaults();
    es_stream_t *stream = es_alloc_zero(sizeof *stream);
    stream->worker = self;
    stream->due_us = UINT64_MAX;
    memcpy(stream->key, key.ptr, key.len);
    stream->receiver = es_receiver_new(&config, &ops, stream);
    es_keymap_put(self->streams, key, stream);
    es_metric_add(&streams_open, 1);
    return stream;
}

static void stream_destroy(es_stream_t *stream)
{
    es_keymap_remove(stream->worker->streams, es_span(stream->key));
    es_metric_add(&streams_open, UINT64_MAX); /* one less */
    stream_shut(stream);
    es_receiver_destroy(&stream->receiver);
    free(stream);
}

static void stream_timer(es_stream_t *stream, uint64_t now_us)
{
    stream->due_us = es_receiver_tick(stream->receiver, now_us);
    if (stream->due_us < stream->worker->due_us) stream->worker->due_us = stream->due_us;
}

const char *es_stream_key(const es_stream_t *stream)
{
    return stream->key;
}

uint64_t es_stream_epoch(const es_stream_t *stream)
{
    return stream->epoch;
}

bool es_stream_ended(const es_stream_t *stream)
{
    return stream->ended;
}

static es_span_t mend(es_stream_t *stream, es_span_t text, char *buf, size_t cap)
{
    return es_worker_text(text, buf, cap, stream->key, &stream->mended);
}

void es_stream_final(es_stream_t *stream, const es_final_t *final)
{
    es_receiver_stats_t stats;
    es_final_t sayable = *final;
    char text[ES_TEXT_MAX], reason[ES_REASON_MAX];
    uint64_t now = es_now_us();
    es_metric_add(&finals_out, 1);
    sayable.text = mend(stream, final->text, text, sizeof text);
    sayable.reason = mend(stream, final->reason, reason, sizeof reason);
    es_receiver_final(stream->receiver, &sayable, now);
    if (stream->traced)
        es_worker_trace_final(stream->key, &stream->trace, final, stream->waiting_us ? now - stream->waiting_us : 0);
    es_receiver_stats(stream->receiver, &stats);
    /* What came after this final waits since now at the latest; when exactly is not worth a list of times. */
    stream->waiting_us = stats.committed + 1 < stats.expected ? now : 0;
}

void es_stream_partial(es_stream_t *stream, uint64_t to_seq, es_span_t text, uint64_t start, uint64_t end)
{
    char sayable[ES_TEXT_MAX];
    es_receiver_partial(stream->receiver, to_seq, mend(stream, text, sayable, sizeof sayable), start, end);
}

/* --- what brokers say --- */

/* "I have no state of this stream": its sender begins anew. Nothing is kept but the time, so that a window full of frames is answered once. */
static void refuse(es_worker_t *self, es_metric_t *why, es_span_t key, const es_msg_t *frame, uint64_t now_us)
{
    uint64_t hash = es_keymap_hash(es_worker_incarnation(self), key) ^ frame->epoch;
    size_t slot = hash % REFUSED_SLOTS;
    es_metric_add(why, 1);
    if (self->refused[slot].hash == hash && now_us < self->refused[slot].at_us + REFUSE_US) return;
    self->refused[slot].hash = hash;
    self->refused[slot].at_us = now_us;
    es_msg_t rewind = {.kind = ES_REWIND, .epoch = frame->epoch, .seq = frame->seq};
    es_actor_link_publish(self->link, key, &rewind, NULL, 0);
}

/* client_ids are lowercase hex digits; whatever else comes must not get into HELLO's list. */
static bool client_id(es_span_t key)
{
    for (size_t i = 0; i < key.len; i++)
        if (!strchr("0123456789abcdef", key.ptr[i]) || key.ptr[i] == 0) return false;
    return key.len == ES_CLIENT_ID_LEN;
}

static bool on_frame(es_worker_t *self, es_span_t key, const es_msg_t *frame, es_span_t body, uint64_t now_us)
{
    es_metric_add(&frames_in, 1);
    if (!client_id(key)) return false;
    es_stream_t *stream = es_keymap_get(self->streams, key);
    if (!stream && !(frame->flags & ES_F_START)) {
        refuse(self, &refused, key, frame, now_us);
        return true;
    }
    if (!stream && es_keymap_count(self->streams) >= (size_t)OVERLOAD * self->capacity) {
        refuse(self, &refused_full, key, frame, now_us);
        return true;
    }
    if (!stream) stream = stream_new(self, key);
    es_receiver_frame(stream->receiver, frame, body.ptr, body.len, now_us);
    if (stream->open)
        stream_timer(stream, now_us);
    else
        stream_destroy(stream); /* not a START that a receiver accepts */
    return true;
}

static bool on_close(es_worker_t *self, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    es_stream_t *stream = es_keymap_get(self->streams, key);
    (void)body;
    (void)now_us;
    if (!stream || msg->epoch < stream->epoch) return true;
    stream->ended = true;
    stream_destroy(stream);
    return true;
}

/* epoch 0: whatever we have of it. */
static bool on_drop(es_worker_t *self, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    es_stream_t *stream = es_keymap_get(self->streams, key);
    (void)body;
    (void)now_us;
    if (!stream || (msg->epoch && msg->epoch < stream->epoch)) return true;
    es_log_info("stream moved to another worker", ES_S("client", stream->key), ES_U("epoch", stream->epoch));
    stream_destroy(stream);
    return true;
}

static const struct {
    uint32_t kind;
    bool (*fn)(es_worker_t *self, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us);
} handlers[] = {{ES_FRAME, on_frame}, {ES_CLOSE, on_close}, {ES_DROP, on_drop}};

static bool link_message(void *ctx, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        if (handlers[i].kind == msg->kind) return handlers[i].fn(ctx, key, msg, body, now_us);
    return false;
}

/* --- what brokers ask --- */

static void link_figures(void *ctx, es_actor_figures_t *out, uint64_t now_us)
{
    es_worker_t *self = ctx;
    uint64_t oldest = now_us;
    es_stream_t *stream;
    for (size_t at = 0; (stream = es_keymap_next(self->streams, &at));)
        if (stream->waiting_us && stream->waiting_us < oldest) oldest = stream->waiting_us;
    *out =
        (es_actor_figures_t){.load = es_keymap_count(self->streams), .count = self->frames, .lag_us = now_us - oldest};
}

static size_t link_streams(void *ctx, es_stream_ref_t **refs)
{
    es_worker_t *self = ctx;
    size_t n = 0;
    es_stream_t *stream;
    *refs = es_alloc((es_keymap_count(self->streams) + 1) * sizeof **refs);
    for (size_t at = 0; (stream = es_keymap_next(self->streams, &at));)
        (*refs)[n++] =
            (es_stream_ref_t){.key = es_span(stream->key), .epoch = stream->epoch, .priority = stream->priority};
    return n;
}

static void link_pinged(void *ctx, uint64_t now_us)
{
    es_worker_t *self = ctx;
    es_stream_t *stream;
    for (size_t at = 0; (stream = es_keymap_next(self->streams, &at));)
        if (now_us >= stream->said_us + QUIET_US) es_receiver_repeat(stream->receiver, now_us);
}

/* --- life --- */

static void look_for_idle(es_worker_t *self, uint64_t now_us)
{
    es_stream_t *stream;
    self->look_us = now_us + IDLE_LOOK_US;
    for (size_t at = 0; (stream = es_keymap_next(self->streams, &at));) {
        es_receiver_stats_t stats;
        es_receiver_stats(stream->receiver, &stats);
        if (now_us < stats.last_us + self->idle_us) continue;
        es_log_debug("idle stream forgotten", ES_S("client", stream->key));
        es_metric_add(&idled, 1);
        stream_destroy(stream);
        at = 0; /* removing ends the iteration; idle ones are few */
    }
}

/* Once a second, at least. */
static void tell(es_worker_t *self, uint64_t now_us)
{
    es_actor_figures_t now;
    link_figures(self, &now, now_us);
    es_metric_set(&oldest_audio, now.lag_us);
    es_health_say("%zu of %u streams", es_keymap_count(self->streams), self->capacity);
}

static void sweep(es_worker_t *self, uint64_t now_us)
{
    es_stream_t *stream;
    self->due_us = UINT64_MAX;
    for (size_t at = 0; (stream = es_keymap_next(self->streams, &at));) {
        if (stream->due_us <= now_us)
            stream_timer(stream, now_us);
        else if (stream->due_us < self->due_us)
            self->due_us = stream->due_us;
    }
    if (self->due_us < now_us + SWEEP_US) self->due_us = now_us + SWEEP_US;
}

static uint64_t worker_tick(void *ctx, uint64_t now_us)
{
    es_worker_t *self = ctx;
    if (now_us >= self->due_us) sweep(self, now_us);
    if (now_us >= self->look_us) {
        look_for_idle(self, now_us);
        tell(self, now_us);
    }
    uint64_t next = self->due_us;
    return es_keymap_count(self->streams) && self->look_us < next ? self->look_us : next;
}

es_worker_t *es_worker_new(const es_worker_config_t *config, const es_worker_ops_t *ops, void *ctx)
{
    static const es_actor_link_ops_t link_ops = {
        .message = link_message, .figures = link_figures, .streams = link_streams, .pinged = link_pinged};
    es_actor_link_config_t link = {
        .name = config->name, .service = config->service, .brokers = config->brokers, .capacity = config->capacity};
    es_worker_t *self = es_alloc_zero(sizeof *self);
    self->link = es_actor_link_new(&link, &link_ops, self);
    if (!self->link) {
        free(self);
        return NULL;
    }
    self->ops = ops;
    self->ctx = ctx;
    self->capacity = config->capacity;
    es_metric_add(&places, config->capacity);
    self->idle_us = config->idle_us ? config->idle_us : IDLE_DEFAULT_US;
    self->due_us = UINT64_MAX;
    self->streams = es_keymap_new();
    return self;
}

void es_worker_destroy(es_worker_t **self_p)
{
    es_worker_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_stream_t *stream;
    es_metric_add(&places, -(uint64_t)self->capacity);
    for (size_t at = 0; (stream = es_keymap_next(self->streams, &at)); at = 0) stream_destroy(stream);
    es_actor_link_destroy(&self->link);
    es_keymap_destroy(&self->streams);
    free(self);
}

void es_worker_attach(es_worker_t *self, es_loop_t *loop)
{
    es_loop_add_tick(loop, worker_tick, self);
    es_actor_link_attach(self->link, loop);
}

void es_worker_on_drain(es_worker_t *self, void (*fn)(void *ctx, uint64_t now_us), void *ctx)
{
    es_actor_link_on_drain(self->link, fn, ctx);
}

void es_worker_drain(es_worker_t *self)
{
    es_actor_link_drain(self->link);
}

size_t es_worker_streams(const es_worker_t *self)
{
    return es_keymap_count(self->streams);
}

uint64_t es_worker_incarnation(const es_worker_t *self)
{
    return es_actor_link_incarnation(self->link);
}
