/*   brokers --DEALER--> by kind:  FRAME, CLOSE, DROP  -> the stream of that key and its receiver -> the actor's ops
 *                                 PING                -> HEARTBEAT, and ACKs of streams that have been quiet
 *                                 WHO_ARE_YOU         -> HELLO
 *   receivers ------PUB--> every broker: whoever owns the stream hears its own
 */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "keymap.h"
#include "log.h"
#include "broker_link.h"
#include "worker_text.h"

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
static ES_METRIC_COUNTER(frames_in, "earshot_worker_frames_total", "Frames received from brokers.");
static ES_METRIC_COUNTER(finals_out, "earshot_worker_finals_total", "Finals given by the engine.");
static ES_METRIC_COUNTER(refused, "earshot_worker_refused_total{why=\"unknown\"}",
                         "Frames refused: their stream is not open here, or there is no room.");
static ES_METRIC_COUNTER(refused_full, "earshot_worker_refused_total{why=\"full\"}", "");
static ES_METRIC_COUNTER(malformed, "earshot_worker_malformed_total", "Messages from brokers that are not valid.");
static ES_METRIC_COUNTER(unsent, "earshot_worker_unsent_total", "Answers that could not leave.");
static ES_METRIC_COUNTER(hellos, "earshot_worker_hellos_total", "HELLOs said.");

es_metric_t *const *es_worker_metrics(void)
{
    static es_metric_t *const list[] = {&streams_open, &frames_in, &finals_out,       &refused, &refused_full,
                                        &malformed,    &unsent,    &es_worker_mended, &hellos,  NULL};
    return list;
}

struct es_stream {
    es_worker_t *worker;
    char key[ES_CLIENT_ID_LEN + 1];
    es_receiver_t *receiver;
    void *state; /* the actor's */
    bool open;
    bool mended; /* said once a stream */
    uint64_t epoch;
    char trace[ES_TRACE_LEN]; /* of the START: what is answered belongs to the same trace */
    bool traced;
    uint64_t due_us;     /* when the receiver wants to be called */
    uint64_t said_us;    /* last message published */
    uint64_t waiting_us; /* since when there is audio without a final; 0: none */
};

struct es_worker {
    const es_worker_ops_t *ops;
    void *ctx;
    char name[ES_NAME_MAX + 1], service[ES_NAME_MAX + 1];
    uint32_t capacity;
    uint64_t idle_us;
    bool draining;
    uint64_t incarnation;
    char hex[17];
    es_decoder_t *decoder;
    es_keymap_t *streams;
    int n_links;
    es_broker_link_t links[ES_BROKERS_MAX];
    uint64_t frames;     /* since the start */
    es_bundle_t *bundle; /* answers of this turn */
    uint64_t due_us;     /* earliest of the streams' */
    uint64_t look_us;    /* for idle streams */
    struct {
        uint64_t hash, at_us;
    } refused[REFUSED_SLOTS];
};

static void flush(void *ctx)
{
    es_worker_t *self = ctx;
    if (self->bundle->count == 0) return;
    for (int i = 0; i < self->n_links; i++)
        if (es_wire_send_bundle(self->links[i].results, NULL, es_span(ES_BUNDLE_KEY), self->bundle) != 0)
            es_metric_add(&unsent, self->bundle->count);
    es_bundle_clear(self->bundle);
}

static void publish(es_worker_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    es_msg_t signed_msg = *msg;
    ES_SET(&signed_msg, ES_M_INC, inc, self->incarnation);
    signed_msg.time_us = es_wall_us();
    es_bundle_add_t added = es_bundle_add(self->bundle, key, &signed_msg, body, len);
    if (added == ES_BUNDLE_TAKEN) return;
    flush(self);
    if (added == ES_BUNDLE_FULL && es_bundle_add(self->bundle, key, &signed_msg, body, len) == ES_BUNDLE_TAKEN) return;
    for (int i = 0; i < self->n_links; i++)
        if (es_wire_send(self->links[i].results, NULL, key, &signed_msg, body, len) != 0) es_metric_add(&unsent, 1);
}

static int tell(es_worker_t *self, es_broker_link_t *link, es_msg_t *msg, const void *body, size_t len)
{
    ES_SET(msg, ES_M_INC, inc, self->incarnation);
    return es_wire_send(link->dealer, NULL, es_span_of(self->hex, 16), msg, body, len);
}

/* --- streams --- */

static void stream_send(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    es_stream_t *stream = ctx;
    es_msg_t traced = *msg;
    stream->said_us = es_now_us();
    if (stream->traced) traced.trace = es_span_of(stream->trace, ES_TRACE_LEN);
    publish(stream->worker, es_span(stream->key), &traced, body, len);
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
    stream->waiting_us = 0;
    stream->traced = start->trace.len == ES_TRACE_LEN;
    if (stream->traced) memcpy(stream->trace, start->trace.ptr, ES_TRACE_LEN);
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
    uint64_t hash = es_keymap_hash(self->incarnation, key) ^ frame->epoch;
    size_t slot = hash % REFUSED_SLOTS;
    es_metric_add(why, 1);
    if (self->refused[slot].hash == hash && now_us < self->refused[slot].at_us + REFUSE_US) return;
    self->refused[slot].hash = hash;
    self->refused[slot].at_us = now_us;
    publish(self, key, &(es_msg_t){.kind = ES_REWIND, .epoch = frame->epoch, .seq = frame->seq}, NULL, 0);
}

/* client_ids are lowercase hex digits; whatever else comes must not get into HELLO's list. */
static bool client_id(es_span_t key)
{
    for (size_t i = 0; i < key.len; i++)
        if (!strchr("0123456789abcdef", key.ptr[i]) || key.ptr[i] == 0) return false;
    return key.len == ES_CLIENT_ID_LEN;
}

static void take_frame(es_worker_t *self, es_span_t key, const es_msg_t *frame, es_span_t body, uint64_t now_us)
{
    es_metric_add(&frames_in, 1);
    if (!client_id(key)) {
        es_metric_add(&malformed, 1);
        return;
    }
    es_stream_t *stream = es_keymap_get(self->streams, key);
    if (!stream && !(frame->flags & ES_F_START)) {
        refuse(self, &refused, key, frame, now_us);
        return;
    }
    if (!stream && es_keymap_count(self->streams) >= (size_t)OVERLOAD * self->capacity) {
        refuse(self, &refused_full, key, frame, now_us);
        return;
    }
    if (!stream) stream = stream_new(self, key);
    es_receiver_frame(stream->receiver, frame, body.ptr, body.len, now_us);
    if (stream->open)
        stream_timer(stream, now_us);
    else
        stream_destroy(stream); /* not a START that a receiver accepts */
}

static void on_frame(es_worker_t *self, es_broker_link_t *link, es_wire_t *wire, uint64_t now_us)
{
    (void)link;
    take_frame(self, es_wire_key(wire), &wire->msg, es_wire_body(wire), now_us);
}

static void on_bundle(es_worker_t *self, es_broker_link_t *link, es_wire_t *wire, uint64_t now_us)
{
    es_span_t rest = es_wire_body(wire);
    es_bundle_item_t item;
    es_msg_t msg;
    int rc;
    while ((rc = es_wire_unbundle(&rest, self->decoder, &item, &msg)) != 0 && rc != -1)
        if (rc == 1 && msg.kind == ES_FRAME)
            take_frame(self, item.key, &msg, item.body, now_us);
        else
            es_metric_add(&malformed, 1);
    if (rc == 0) return;
    es_metric_add(&malformed, 1);
    es_log_warn("rest of a bundle dropped", ES_S("broker", link->broker));
}

static void on_close(es_worker_t *self, es_broker_link_t *link, es_wire_t *wire, uint64_t now_us)
{
    es_stream_t *stream = es_keymap_get(self->streams, es_wire_key(wire));
    (void)link;
    (void)now_us;
    if (stream && wire->msg.epoch >= stream->epoch) stream_destroy(stream);
}

/* epoch 0: whatever we have of it. */
static void on_drop(es_worker_t *self, es_broker_link_t *link, es_wire_t *wire, uint64_t now_us)
{
    es_stream_t *stream = es_keymap_get(self->streams, es_wire_key(wire));
    (void)link;
    (void)now_us;
    if (!stream || (wire->msg.epoch && wire->msg.epoch < stream->epoch)) return;
    es_log_info("stream moved to another worker", ES_S("client", stream->key), ES_U("epoch", stream->epoch));
    stream_destroy(stream);
}

static uint64_t lag(const es_worker_t *self, uint64_t now_us)
{
    uint64_t oldest = now_us;
    es_stream_t *stream;
    for (size_t at = 0; (stream = es_keymap_next(self->streams, &at));)
        if (stream->waiting_us && stream->waiting_us < oldest) oldest = stream->waiting_us;
    return now_us - oldest;
}

static void on_ping(es_worker_t *self, es_broker_link_t *link, es_wire_t *wire, uint64_t now_us)
{
    es_msg_t msg = {.kind = ES_HEARTBEAT};
    es_stream_t *stream;
    (void)wire;
    ES_SET(&msg, ES_M_LOAD, load, es_keymap_count(self->streams));
    ES_SET(&msg, ES_M_COUNT, count, self->frames);
    ES_SET(&msg, ES_M_LAG_US, lag_us, lag(self, now_us));
    if (tell(self, link, &msg, NULL, 0) != 0) es_metric_add(&unsent, 1);
    for (size_t at = 0; (stream = es_keymap_next(self->streams, &at));)
        if (now_us >= stream->said_us + QUIET_US) es_receiver_repeat(stream->receiver, now_us);
}

static void on_who(es_worker_t *self, es_broker_link_t *link, es_wire_t *wire, uint64_t now_us)
{
    (void)self;
    (void)wire;
    (void)now_us;
    es_broker_link_hello_soon(link);
}

static const struct {
    uint32_t kind;
    void (*fn)(es_worker_t *self, es_broker_link_t *link, es_wire_t *wire, uint64_t now_us);
} handlers[] = {{ES_FRAME, on_frame}, {ES_BUNDLE, on_bundle},   {ES_PING, on_ping},
                {ES_CLOSE, on_close}, {ES_WHO_ARE_YOU, on_who}, {ES_DROP, on_drop}};

static void link_message(void *ctx, es_broker_link_t *link, es_wire_t *wire, uint64_t now_us)
{
    es_worker_t *self = ctx;
    for (size_t i = 0; wire->ok && i < sizeof handlers / sizeof handlers[0]; i++) {
        if (handlers[i].kind != wire->msg.kind) continue;
        handlers[i].fn(self, link, wire, now_us);
        return;
    }
    es_metric_add(&malformed, 1);
    es_log_warn("message from the broker dropped", ES_S("broker", link->broker),
                ES_S("reason", wire->ok ? "not for a worker" : wire->reason));
}

static int link_hello(void *ctx, es_broker_link_t *link)
{
    es_worker_t *self = ctx;
    size_t count = es_keymap_count(self->streams), n = 0, cap = 16 + count * (ES_CLIENT_ID_LEN + 16), len = 0;
    es_stream_ref_t *refs = es_alloc((count + 1) * sizeof *refs);
    char *body = es_alloc(cap);
    es_stream_t *stream;
    for (size_t at = 0; (stream = es_keymap_next(self->streams, &at));)
        refs[n++] = (es_stream_ref_t){.key = es_span(stream->key), .epoch = stream->epoch};
    len = es_streams_encode(refs, n, body, cap);
    es_msg_t msg = {.kind = ES_HELLO};
    ES_SET(&msg, ES_M_SERVICE, service, es_span(self->service));
    ES_SET(&msg, ES_M_NAME, name, es_span(self->name));
    ES_SET(&msg, ES_M_CAPACITY, capacity, self->draining ? 0 : self->capacity);
    ES_SET(&msg, ES_M_LOAD, load, count);
    int rc = tell(self, link, &msg, body, len);
    free(body);
    free(refs);
    if (rc != 0) return -1;
    es_metric_add(&hellos, 1);
    es_log_debug("HELLO", ES_S("broker", link->broker), ES_U("streams", count));
    return 0;
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
        stream_destroy(stream);
        at = 0; /* removing ends the iteration; idle ones are few */
    }
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
    if (now_us >= self->look_us) look_for_idle(self, now_us);
    uint64_t next = self->due_us;
    if (es_keymap_count(self->streams) && self->look_us < next) next = self->look_us;
    for (int i = 0; i < self->n_links; i++) {
        uint64_t at = es_broker_link_tick(&self->links[i], now_us);
        if (at < next) next = at;
    }
    return next;
}

static bool name_valid(const char *what, const char *name)
{
    es_span_t text = es_span(name);
    if (text.len > 0 && text.len <= ES_NAME_MAX && es_utf8_valid(text.ptr, text.len)) return true;
    es_log_error("no worker without a valid name and service: 1 to 64 bytes of UTF-8 each", ES_S(what, name));
    return false;
}

es_worker_t *es_worker_new(const es_worker_config_t *config, const es_worker_ops_t *ops, void *ctx)
{
    static const es_broker_link_ops_t link_ops = {.message = link_message, .hello = link_hello};
    es_endpoints_t brokers[ES_BROKERS_MAX];
    char err[512];
    int n = es_endpoints_parse_list(brokers, config->brokers, err, sizeof err);
    if (n < 0) {
        es_log_error("no worker without a valid broker", ES_S("error", err));
        return NULL;
    }
    if (!name_valid("name", config->name) || !name_valid("service", config->service)) return NULL;
    es_worker_t *self = es_alloc_zero(sizeof *self);
    self->ops = ops;
    self->ctx = ctx;
    snprintf(self->name, sizeof self->name, "%s", config->name);
    snprintf(self->service, sizeof self->service, "%s", config->service);
    self->capacity = config->capacity;
    self->idle_us = config->idle_us ? config->idle_us : IDLE_DEFAULT_US;
    self->due_us = UINT64_MAX;
    self->incarnation = es_random_u64();
    es_hex16(self->incarnation, self->hex);
    self->decoder = es_decoder_new();
    self->bundle = es_alloc_zero(sizeof *self->bundle);
    self->streams = es_keymap_new();
    self->n_links = n;
    for (int i = 0; i < n; i++)
        es_broker_link_init(&self->links[i], &brokers[i], self->hex, &link_ops, self, self->decoder);
    return self;
}

void es_worker_destroy(es_worker_t **self_p)
{
    es_worker_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_stream_t *stream;
    for (size_t at = 0; (stream = es_keymap_next(self->streams, &at)); at = 0) stream_destroy(stream);
    flush(self);
    for (int i = 0; i < self->n_links; i++) {
        es_msg_t msg = {.kind = ES_GOODBYE};
        tell(self, &self->links[i], &msg, NULL, 0);
        es_broker_link_fini(&self->links[i]);
    }
    free(self->bundle);
    es_keymap_destroy(&self->streams);
    es_decoder_destroy(&self->decoder);
    free(self);
}

void es_worker_attach(es_worker_t *self, es_loop_t *loop)
{
    for (int i = 0; i < self->n_links; i++) es_broker_link_attach(&self->links[i], loop);
    es_loop_add_tick(loop, worker_tick, self);
    es_loop_add_flush(loop, flush, self);
}

void es_worker_drain(es_worker_t *self)
{
    if (self->draining) return;
    self->draining = true;
    for (int i = 0; i < self->n_links; i++) es_broker_link_hello_soon(&self->links[i]);
}

size_t es_worker_streams(const es_worker_t *self)
{
    return es_keymap_count(self->streams);
}

uint64_t es_worker_incarnation(const es_worker_t *self)
{
    return self->incarnation;
}
