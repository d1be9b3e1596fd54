#include "actor_link.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "broker_link.h"
#include "health.h"
#include "log.h"
#include "wire.h"

enum { HEALTH_US = 500000, QUIET_US = 2000000, ROW_MAX = 24 }; /* bytes of a stream in HELLO's list, less its key */

ES_METRIC_COUNTER(es_actor_link_malformed, "earshot_worker_malformed_total",
                  "Messages from brokers that are not valid.");
ES_METRIC_COUNTER(es_actor_link_unsent, "earshot_worker_unsent_total", "Answers that could not leave.");
ES_METRIC_COUNTER(es_actor_link_hellos, "earshot_worker_hellos_total", "HELLOs said.");

es_metric_t *const *es_actor_link_metrics(void)
{
    static es_metric_t *const list[] = {&es_actor_link_malformed, &es_actor_link_unsent, &es_actor_link_hellos, NULL};
    return list;
}

struct es_actor_link {
    const es_actor_link_ops_t *ops;
    void *ctx;
    char name[ES_NAME_MAX + 1], service[ES_NAME_MAX + 1];
    uint32_t capacity; /* 0 once it drains */
    bool draining;
    uint64_t incarnation;
    char hex[17];
    es_decoder_t *decoder;
    es_bundle_t *bundle; /* of this turn */
    int n_brokers;
    es_broker_link_t brokers[ES_BROKERS_MAX];
    void (*on_drain)(void *ctx, uint64_t now_us);
    void *drain_ctx;
    uint64_t heard_us, health_us; /* last message of any broker, or the start; when health is told next */
    bool heard;
};

/* --- what we say --- */

static void flush(void *ctx)
{
    es_actor_link_t *self = ctx;
    if (self->bundle->count == 0) return;
    for (int i = 0; i < self->n_brokers; i++)
        if (es_wire_send_bundle(self->brokers[i].results, NULL, es_span(ES_BUNDLE_KEY), self->bundle) != 0)
            es_metric_add(&es_actor_link_unsent, self->bundle->count);
    es_bundle_clear(self->bundle);
}

void es_actor_link_publish(es_actor_link_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    es_msg_t own = *msg;
    ES_SET(&own, ES_M_INC, inc, self->incarnation);
    own.time_us = es_wall_us();
    es_bundle_add_t added = es_bundle_add(self->bundle, key, &own, body, len);
    if (added == ES_BUNDLE_TAKEN) return;
    flush(self);
    if (added == ES_BUNDLE_FULL && es_bundle_add(self->bundle, key, &own, body, len) == ES_BUNDLE_TAKEN) return;
    for (int i = 0; i < self->n_brokers; i++)
        if (es_wire_send(self->brokers[i].results, NULL, key, &own, body, len) != 0)
            es_metric_add(&es_actor_link_unsent, 1);
}

static int tell(es_actor_link_t *self, es_broker_link_t *broker, es_msg_t *msg, const void *body, size_t len)
{
    ES_SET(msg, ES_M_INC, inc, self->incarnation);
    return es_wire_send(broker->dealer, NULL, es_span_of(self->hex, 16), msg, body, len);
}

static es_actor_figures_t figures(es_actor_link_t *self, uint64_t now_us)
{
    es_actor_figures_t out = {0};
    self->ops->figures(self->ctx, &out, now_us);
    return out;
}

/* HELLO's list, into a malloc'ed *body. Returns its bytes. */
static size_t list_streams(es_actor_link_t *self, size_t *count, char **body)
{
    es_stream_ref_t *refs = NULL;
    size_t cap = ROW_MAX;
    *count = self->ops->streams ? self->ops->streams(self->ctx, &refs) : 0;
    for (size_t i = 0; i < *count; i++) cap += refs[i].key.len + ROW_MAX;
    *body = es_alloc(cap);
    size_t len = es_streams_encode(refs, *count, *body, cap);
    free(refs);
    return len;
}

static void say_goodbye(void *ctx, es_broker_link_t *broker)
{
    es_msg_t msg = {.kind = ES_GOODBYE};
    tell(ctx, broker, &msg, NULL, 0);
}

static int say_hello(void *ctx, es_broker_link_t *broker)
{
    es_actor_link_t *self = ctx;
    es_msg_t msg = {.kind = ES_HELLO};
    size_t streams;
    char *body;
    ES_SET(&msg, ES_M_SERVICE, service, es_span(self->service));
    ES_SET(&msg, ES_M_NAME, name, es_span(self->name));
    ES_SET(&msg, ES_M_CAPACITY, capacity, self->capacity);
    ES_SET(&msg, ES_M_LOAD, load, figures(self, es_now_us()).load);
    size_t len = list_streams(self, &streams, &body);
    int rc = tell(self, broker, &msg, body, len);
    free(body);
    if (rc != 0) return -1;
    es_metric_add(&es_actor_link_hellos, 1);
    es_log_debug("HELLO", ES_S("broker", broker->broker), ES_U("streams", streams));
    return 0;
}

/* --- what brokers say --- */

static void drop(const es_broker_link_t *broker, const char *reason)
{
    es_metric_add(&es_actor_link_malformed, 1);
    es_log_warn("message from the broker dropped", ES_S("broker", broker->broker), ES_S("reason", reason));
}

static void hand_over(es_actor_link_t *self, es_broker_link_t *broker, es_span_t key, const es_msg_t *msg,
                      es_span_t body, uint64_t now_us)
{
    if (!self->ops->message(self->ctx, key, msg, body, now_us)) drop(broker, "its kind or key is not for this actor");
}

static void on_bundle(es_actor_link_t *self, es_broker_link_t *broker, es_wire_t *wire, uint64_t now_us)
{
    es_span_t rest = es_wire_body(wire);
    es_bundle_item_t item;
    es_msg_t msg;
    int rc;
    while ((rc = es_wire_unbundle(&rest, self->decoder, &item, &msg)) != 0 && rc != -1)
        if (rc == 1)
            hand_over(self, broker, item.key, &msg, item.body, now_us);
        else
            drop(broker, "not a message that may be bundled");
    if (rc != 0) drop(broker, "the rest of a bundle is malformed");
}

static void on_ping(es_actor_link_t *self, es_broker_link_t *broker, es_wire_t *wire, uint64_t now_us)
{
    es_msg_t msg = {.kind = ES_HEARTBEAT};
    es_actor_figures_t now = figures(self, now_us);
    (void)wire;
    ES_SET(&msg, ES_M_LOAD, load, now.load);
    ES_SET(&msg, ES_M_COUNT, count, now.count);
    ES_SET(&msg, ES_M_LAG_US, lag_us, now.lag_us);
    bool stays = es_broker_link_mute(broker, now_us) == 0;
    if (stays && tell(self, broker, &msg, NULL, 0) != 0) es_metric_add(&es_actor_link_unsent, 1);
    if (self->ops->pinged) self->ops->pinged(self->ctx, now_us);
}

static void on_who(es_actor_link_t *self, es_broker_link_t *broker, es_wire_t *wire, uint64_t now_us)
{
    (void)self;
    (void)wire;
    (void)now_us;
    es_broker_link_hello_soon(broker);
}

static void on_drain(es_actor_link_t *self, es_broker_link_t *broker, es_wire_t *wire, uint64_t now_us)
{
    (void)wire;
    if (self->on_drain)
        self->on_drain(self->drain_ctx, now_us);
    else
        drop(broker, "this actor does not drain on request");
}

static const struct {
    uint32_t kind;
    void (*fn)(es_actor_link_t *self, es_broker_link_t *broker, es_wire_t *wire, uint64_t now_us);
} handlers[] = {{ES_BUNDLE, on_bundle}, {ES_PING, on_ping}, {ES_WHO_ARE_YOU, on_who}, {ES_DRAIN, on_drain}};

static void take_message(void *ctx, es_broker_link_t *broker, es_wire_t *wire, uint64_t now_us)
{
    es_actor_link_t *self = ctx;
    self->heard_us = now_us;
    if (!self->heard && !self->draining) es_health_unready(NULL);
    self->heard = true;
    if (!wire->ok) {
        drop(broker, wire->reason);
        return;
    }
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        if (handlers[i].kind != wire->msg.kind) continue;
        handlers[i].fn(self, broker, wire, now_us);
        return;
    }
    hand_over(self, broker, es_wire_key(wire), &wire->msg, es_wire_body(wire), now_us);
}

/* --- life --- */

static bool name_valid(const char *what, const char *name)
{
    es_span_t text = es_span(name);
    if (text.len > 0 && text.len <= ES_NAME_MAX && es_utf8_valid(text.ptr, text.len)) return true;
    es_log_error("no actor without a valid name and service: 1 to 64 bytes of UTF-8 each", ES_S(what, name));
    return false;
}

es_actor_link_t *es_actor_link_new(const es_actor_link_config_t *config, const es_actor_link_ops_t *ops, void *ctx)
{
    static const es_broker_link_ops_t of_streams = {
        .message = take_message, .hello = say_hello, .goodbye = say_goodbye};
    static const es_broker_link_ops_t of_requests = {.message = take_message, .hello = say_hello};
    es_endpoints_t brokers[ES_BROKERS_MAX];
    char err[512];
    int n = es_endpoints_parse_list(brokers, config->brokers, err, sizeof err);
    if (n < 0) {
        es_log_error("no actor without a valid broker", ES_S("error", err));
        return NULL;
    }
    if (!name_valid("name", config->name) || !name_valid("service", config->service)) return NULL;
    es_actor_link_t *self = es_alloc_zero(sizeof *self);
    self->ops = ops;
    self->ctx = ctx;
    snprintf(self->name, sizeof self->name, "%s", config->name);
    snprintf(self->service, sizeof self->service, "%s", config->service);
    self->capacity = config->capacity;
    self->incarnation = es_random_u64();
    es_hex16(self->incarnation, self->hex);
    self->decoder = es_decoder_new();
    self->bundle = es_alloc_zero(sizeof *self->bundle);
    self->n_brokers = n;
    for (int i = 0; i < n; i++)
        es_broker_link_init(&self->brokers[i], &brokers[i], self->hex, ops->streams ? &of_streams : &of_requests, self,
                            self->decoder);
    return self;
}

void es_actor_link_destroy(es_actor_link_t **self_p)
{
    es_actor_link_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    flush(self);
    for (int i = 0; i < self->n_brokers; i++) {
        say_goodbye(self, &self->brokers[i]);
        es_broker_link_fini(&self->brokers[i]);
    }
    free(self->bundle);
    es_decoder_destroy(&self->decoder);
    free(self);
}

/* The broker that has not heard us for longest, though we hear it; NULL: there is none. */
static const es_broker_link_t *find_mute(const es_actor_link_t *self, uint64_t now_us)
{
    const es_broker_link_t *longest = NULL;
    uint64_t mute_us = 0;
    for (int i = 0; i < self->n_brokers; i++) {
        uint64_t us = es_broker_link_mute(&self->brokers[i], now_us);
        if (us <= mute_us) continue;
        longest = &self->brokers[i];
        mute_us = us;
    }
    return longest;
}

/* Brokers PING every second, and more often where somebody told them to. */
static void tell_health(es_actor_link_t *self, uint64_t now_us)
{
    const es_broker_link_t *mute = find_mute(self, now_us);
    self->health_us = now_us + HEALTH_US;
    if (mute) {
        uint64_t mute_us = es_broker_link_mute(mute, now_us);
        es_health_lag(ES_HEALTH_LINK, mute_us,
                      "no streams from %s: its results endpoint has been out of reach for %.1f s", mute->broker,
                      (double)mute_us / 1e6);
        return;
    }
    uint64_t silent_us = now_us - self->heard_us;
    if (silent_us < QUIET_US) silent_us = 0;
    es_health_lag(ES_HEALTH_LINK, silent_us, "no broker has been heard for %.1f s: is %s running?",
                  (double)silent_us / 1e6, self->brokers[0].broker);
}

static uint64_t tick(void *ctx, uint64_t now_us)
{
    es_actor_link_t *self = ctx;
    uint64_t next = UINT64_MAX;
    if (now_us >= self->health_us) tell_health(self, now_us);
    for (int i = 0; i < self->n_brokers; i++) {
        uint64_t at = es_broker_link_tick(&self->brokers[i], now_us);
        if (at < next) next = at;
    }
    return next;
}

void es_actor_link_attach(es_actor_link_t *self, es_loop_t *loop)
{
    for (int i = 0; i < self->n_brokers; i++) es_broker_link_attach(&self->brokers[i], loop);
    self->heard_us = es_now_us();
    es_health_unready("no broker has been heard yet");
    es_loop_add_tick(loop, tick, self);
    es_loop_add_flush(loop, flush, self);
}

void es_actor_link_drain(es_actor_link_t *self)
{
    if (self->draining) return;
    self->draining = true;
    self->capacity = 0;
    for (int i = 0; i < self->n_brokers; i++) es_broker_link_hello_soon(&self->brokers[i]);
}

void es_actor_link_on_drain(es_actor_link_t *self, void (*fn)(void *ctx, uint64_t now_us), void *ctx)
{
    self->on_drain = fn;
    self->drain_ctx = ctx;
}

uint64_t es_actor_link_incarnation(const es_actor_link_t *self)
{
    return self->incarnation;
}
