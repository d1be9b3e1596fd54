#include "hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "broker_metrics.h"
#include "bundles.h"
#include "lock.h"
#include "log.h"
#include "wire.h"

enum {
    LINGER_MS = 200, /* for what was accepted before the end */
    /* Subscribers say nothing but topics, which are no longer than a key; each byte of one costs libzmq a hundred. Handshakes have room in it. */
    SUBSCRIPTION_MAX = 1024,
    PREFIX_SHIFT = 4 * (ES_CLIENT_ID_LEN - ES_PREFIX_LEN),
    DRAIN_ROUNDS = 64 /* of ES_LOOP_BATCH messages a socket */
};

enum { FRONTEND, BACKEND, RESULTS, PUBLISH, SOCKETS };

struct es_hub {
    void *sockets[SOCKETS];
    int lock; /* < 0: none */
    es_endpoints_t base;
    es_house_t *house;
    es_bundles_t *to_workers, *to_edges; /* of this turn */
    size_t observers; /* subscriptions to single client_ids: those must see every message on its own key */
    es_decoder_t *decoder;
    es_loop_t *loop; /* where attached */
    void (*drain)(void *ctx, uint64_t now_us);
    void *drain_ctx;
};

/* ---- out ---- */

static bool tell(void *ctx, uint64_t inc, es_span_t key, const es_msg_t *msg)
{
    es_hub_t *self = ctx;
    char route[17];
    es_hex16(inc, route);
    es_span_t to = es_span_of(route, 16);
    return es_wire_send(self->sockets[BACKEND], &to, key, msg, NULL, 0) == 0 || errno != EHOSTUNREACH;
}

static void publish(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    es_hub_t *self = ctx;
    uint64_t client;
    if (es_hex16_parse(key, &client)) es_bundles_flush_one(self->to_edges, client >> PREFIX_SHIFT);
    if (es_wire_send(self->sockets[PUBLISH], NULL, key, msg, body, len) != 0)
        es_metric_add(&es_broker_publish_failed_total, 1);
}

static void drain(void *ctx, uint64_t now_us)
{
    es_hub_t *self = ctx;
    if (self->drain) self->drain(self->drain_ctx, now_us);
}

/* The outcome of a send to a worker, of so many messages. */
static void forwarded(es_hub_t *self, uint64_t worker, int rc, unsigned count)
{
    bool gone = rc != 0 && errno == EHOSTUNREACH;
    es_metric_add(rc == 0 ? &es_broker_forwarded_total
                  : gone  ? &es_broker_unreachable_total
                          : &es_broker_full_total,
                  count);
    if (gone) es_house_unreachable(self->house, worker);
}

static void send_to_worker(void *ctx, uint64_t worker, const es_bundle_t *bundle)
{
    es_hub_t *self = ctx;
    char route[17];
    es_hex16(worker, route);
    es_span_t to = es_span_of(route, 16);
    int rc = es_wire_send_bundle(self->sockets[BACKEND], &to, es_span(ES_BUNDLE_KEY), bundle);
    forwarded(self, worker, rc, bundle->count);
}

/* An edge subscribes to its prefix, which its bundles' key begins with. */
static void send_to_edge(void *ctx, uint64_t prefix, const es_bundle_t *bundle)
{
    es_hub_t *self = ctx;
    char key[17];
    es_hex16(prefix << PREFIX_SHIFT, key);
    key[ES_PREFIX_LEN] = ES_BUNDLE_KEY[0];
    if (es_wire_send_bundle(self->sockets[PUBLISH], NULL, es_span_of(key, ES_PREFIX_LEN + 1), bundle) != 0)
        es_metric_add(&es_broker_publish_failed_total, bundle->count);
}

static void forward(es_hub_t *self, es_wire_t *wire, uint64_t worker)
{
    es_bundle_item_t item = {.key = es_wire_key(wire),
                             .envelope = es_span_of(zmq_msg_data(&wire->envelope), zmq_msg_size(&wire->envelope)),
                             .body = es_wire_body(wire)};
    if (es_bundle_admits(&wire->msg, item.body.len) && es_bundles_add(self->to_workers, worker, &item)) return;
    char route[17];
    es_hex16(worker, route);
    es_span_t to = es_span_of(route, 16);
    es_bundles_flush_one(self->to_workers, worker); /* what came before goes before */
    forwarded(self, worker, es_wire_forward(wire, self->sockets[BACKEND], &to), 1);
}

/* ---- in: each takes at most ES_LOOP_BATCH messages and returns how many ---- */

static void malformed(es_metric_t *counter, const char *socket, const char *reason)
{
    es_metric_add(counter, 1);
    es_log_warn("message dropped", ES_S("socket", socket), ES_S("reason", reason));
}

static void refuse_frontend(const char *reason)
{
    malformed(&es_broker_malformed_frontend, "frontend", reason);
}

/* Returns how many messages were in it, at least 1: it was one. */
static unsigned take_bundle(es_hub_t *self, es_wire_t *wire, uint64_t now_us)
{
    es_span_t rest = es_wire_body(wire);
    es_bundle_item_t item;
    es_msg_t msg;
    unsigned n = 0;
    for (int rc; (rc = es_wire_unbundle(&rest, self->decoder, &item, &msg)) != 0; n++) {
        uint64_t worker = 0;
        if (rc != 1) {
            refuse_frontend(rc == -1 ? "rest of a bundle is malformed" : "not a message that may be bundled");
            if (rc == -1) break;
            continue;
        }
        es_house_verdict_t verdict = es_house_frontend(self->house, item.key, &msg, now_us, &worker);
        if (verdict == ES_FORWARD) es_bundles_add(self->to_workers, worker, &item);
        if (verdict == ES_NOT_FOR_US) {
            es_metric_add(&es_broker_refused_total, 1);
            refuse_frontend("kind or key of a bundled message does not belong here");
        }
    }
    return n > 0 ? n : 1;
}

static unsigned take_frontend(es_hub_t *self, uint64_t now_us)
{
    unsigned n = 0;
    for (es_wire_t wire; n < ES_LOOP_BATCH; n++) {
        if (es_wire_recv(&wire, self->sockets[FRONTEND], false, self->decoder) != 0) break;
        uint64_t worker = 0;
        if (wire.ok && wire.msg.kind == ES_BUNDLE) {
            n += take_bundle(self, &wire, now_us) - 1;
            es_wire_close(&wire);
            continue;
        }
        es_house_verdict_t verdict =
            wire.ok ? es_house_frontend(self->house, es_wire_key(&wire), &wire.msg, now_us, &worker) : ES_TAKEN;
        if (verdict == ES_FORWARD) forward(self, &wire, worker);
        if (verdict == ES_NOT_FOR_US) es_metric_add(&es_broker_refused_total, 1);
        if (!wire.ok || verdict == ES_NOT_FOR_US)
            refuse_frontend(wire.ok ? "kind or key does not belong here" : wire.reason);
        es_wire_close(&wire);
    }
    es_metric_add(&es_broker_frontend_total, n);
    return n;
}

static unsigned take_backend(es_hub_t *self, uint64_t now_us)
{
    unsigned n = 0;
    for (es_wire_t wire; n < ES_LOOP_BATCH; n++) {
        if (es_wire_recv(&wire, self->sockets[BACKEND], true, self->decoder) != 0) break;
        uint64_t inc = 0;
        const char *wrong = wire.reason;
        if (wire.ok && (!es_hex16_parse(es_wire_route(&wire), &inc) ||
                        !es_span_eq(es_wire_key(&wire), es_wire_route(&wire)) || inc != wire.msg.inc))
            wrong = "key, routing id and incarnation are not the same";
        else if (wire.ok && es_house_backend(self->house, inc, &wire.msg, es_wire_body(&wire), now_us) != ES_TAKEN)
            wrong = "kind or list of streams does not belong here";
        if (wrong) malformed(&es_broker_malformed_backend, "backend", wrong);
        es_wire_close(&wire);
    }
    es_metric_add(&es_broker_backend_total, n);
    return n;
}

/* Receives the parts of one message, keeping the first three. Returns how many there were, 0: no message. */
static unsigned receive_parts(void *socket, zmq_msg_t parts[3])
{
    unsigned n = 0;
    for (bool more = true; more; n++) {
        zmq_msg_t rest, *part = n < 3 ? &parts[n] : &rest;
        zmq_msg_init(part);
        if (zmq_msg_recv(part, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(part);
            break;
        }
        more = zmq_msg_more(part);
        if (part == &rest) zmq_msg_close(&rest);
    }
    return n;
}

static es_span_t span_of_part(zmq_msg_t *part)
{
    return es_span_of(zmq_msg_data(part), zmq_msg_size(part));
}

/* All that is asked of a result: a key, not one of ours, and an envelope that is not too long. */
static bool result_well_formed(const es_bundle_item_t *item)
{
    return item->key.len > 0 && item->key.len <= ES_KEY_MAX && item->envelope.len <= ES_ENVELOPE_MAX &&
           !(item->key.len >= 4 && memcmp(item->key.ptr, "sys/", 4) == 0);
}

/* Small results of streams leave together, one message an edge. False: this one must go alone, now. */
static bool result_bundled(es_hub_t *self, const es_bundle_item_t *item)
{
    uint64_t client;
    if (!es_hex16_parse(item->key, &client)) return false;
    if (self->observers == 0 && es_bundles_add(self->to_edges, client >> PREFIX_SHIFT, item)) return true;
    es_bundles_flush_one(self->to_edges, client >> PREFIX_SHIFT);
    return false;
}

/* Returns how many results were in it, or -1 where what follows them is malformed. */
static int relay_bundle(es_hub_t *self, es_span_t rest)
{
    es_bundle_item_t item;
    int n = 0;
    for (int rc; (rc = es_bundle_next(&rest, &item)) != 0; n++) {
        if (rc < 0 || !result_well_formed(&item)) return -1;
        if (result_bundled(self, &item)) continue;
        if (es_wire_send_item(self->sockets[PUBLISH], NULL, &item) != 0)
            es_metric_add(&es_broker_publish_failed_total, 1);
    }
    return n;
}

static void relay(es_hub_t *self, zmq_msg_t parts[3], unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0);
        if (zmq_msg_send(&parts[i], self->sockets[PUBLISH], flags) >= 0) continue;
        es_metric_add(&es_broker_publish_failed_total, 1);
        zmq_msg_close(&parts[i]);
    }
}

static unsigned take_results(es_hub_t *self, uint64_t now_us)
{
    (void)now_us;
    unsigned n = 0;
    for (zmq_msg_t parts[3]; n < ES_LOOP_BATCH; n++) {
        unsigned got = receive_parts(self->sockets[RESULTS], parts);
        if (got == 0) break;
        es_bundle_item_t item = {.key = span_of_part(&parts[0])};
        bool right = got == 2 || got == 3;
        if (right) item.envelope = span_of_part(&parts[1]);
        if (right && got == 3) item.body = span_of_part(&parts[2]);
        bool bundle = right && es_span_eq(item.key, es_span(ES_BUNDLE_KEY));
        int within = bundle ? relay_bundle(self, item.body) : 0;
        if (right && !bundle && result_well_formed(&item) && !result_bundled(self, &item)) {
            relay(self, parts, got);
            continue;
        }
        if (!right || within < 0 || (!bundle && !result_well_formed(&item)))
            malformed(&es_broker_malformed_results, "results",
                      "not a key that is ours to relay, an envelope and a body");
        if (within > 0) n += (unsigned)within - 1;
        for (unsigned i = 0; i < got && i < 3; i++) zmq_msg_close(&parts[i]);
    }
    es_metric_add(&es_broker_results_total, n);
    return n;
}

/* Is this a subscription to a single client_id, or to a part of it longer than an edge's prefix? */
static bool of_an_observer(es_span_t topic)
{
    for (size_t i = 0; i < topic.len; i++)
        if (topic.ptr[i] == 0 || !strchr("0123456789abcdef", topic.ptr[i])) return false;
    return topic.len > ES_PREFIX_LEN && topic.len <= ES_CLIENT_ID_LEN;
}

/* XPUB keeps subscriptions itself, and tells of the first and of the end of the last one to a topic. */
static unsigned take_subscriptions(es_hub_t *self, uint64_t now_us)
{
    (void)now_us;
    unsigned n = 0;
    for (zmq_msg_t parts[3]; n < ES_LOOP_BATCH; n++) {
        unsigned got = receive_parts(self->sockets[PUBLISH], parts);
        if (got == 0) break;
        const unsigned char *first = zmq_msg_data(&parts[0]);
        if (got > 1 || zmq_msg_size(&parts[0]) == 0 || first[0] > 1)
            malformed(&es_broker_malformed_subscribe, "publish", "not a subscription");
        else if (of_an_observer(es_span_of(first + 1, zmq_msg_size(&parts[0]) - 1)))
            self->observers += first[0] ? 1 : (self->observers ? SIZE_MAX : 0);
        for (unsigned i = 0; i < got && i < 3; i++) zmq_msg_close(&parts[i]);
    }
    es_metric_add(&es_broker_subscribe_total, n);
    return n;
}

/* ---- loop ---- */

#define ES_HUB_HANDLER(name, take)                              \
    static bool name(void *ctx, uint64_t now_us)                \
    {                                                           \
        es_hub_t *self = ctx;                                   \
        unsigned n = take(self, now_us);                        \
        es_loop_count(self->loop, n);                           \
        return n >= ES_LOOP_BATCH; /* a bundle may exceed it */ \
    }
ES_HUB_HANDLER(on_frontend, take_frontend)
ES_HUB_HANDLER(on_backend, take_backend)
ES_HUB_HANDLER(on_results, take_results)
ES_HUB_HANDLER(on_publish, take_subscriptions)

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    return es_house_tick(((es_hub_t *)ctx)->house, now_us);
}

static void flush(void *ctx)
{
    es_hub_t *self = ctx;
    es_bundles_flush(self->to_workers);
    es_bundles_flush(self->to_edges);
}

void es_hub_attach(es_hub_t *self, es_loop_t *loop)
{
    self->loop = loop;
    es_loop_add_socket(loop, self->sockets[PUBLISH], on_publish, self);
    es_loop_add_socket(loop, self->sockets[BACKEND], on_backend, self);
    es_loop_add_socket(loop, self->sockets[RESULTS], on_results, self);
    es_loop_add_socket(loop, self->sockets[FRONTEND], on_frontend, self);
    es_loop_add_tick(loop, on_tick, self);
    es_loop_add_flush(loop, flush, self);
}

void es_hub_on_drain(es_hub_t *self, void (*fn)(void *ctx, uint64_t now_us), void *ctx)
{
    self->drain = fn;
    self->drain_ctx = ctx;
}

void es_hub_leave(es_hub_t *self, uint64_t now_us)
{
    es_house_leave(self->house, now_us);
}

void es_hub_drain(es_hub_t *self)
{
    for (int round = 0; round < DRAIN_ROUNDS; round++) {
        uint64_t now = es_now_us();
        if (take_backend(self, now) + take_results(self, now) + take_frontend(self, now) == 0) break;
    }
    flush(self);
}

/* ---- sockets ---- */

static int bind_one(void *socket, const char *endpoint)
{
    if (zmq_bind(socket, endpoint) == 0) return 0;
    es_log_error(errno == EADDRINUSE ? "endpoint is in use; is another broker there? choose another address"
                                     : "cannot bind; check the address",
                 ES_S("endpoint", endpoint), ES_S("error", zmq_strerror(errno)));
    return -1;
}

static int bind_all(es_hub_t *self, const es_endpoints_t *at)
{
    if (bind_one(self->sockets[FRONTEND], at->frontend) != 0 || bind_one(self->sockets[BACKEND], at->backend) != 0 ||
        bind_one(self->sockets[RESULTS], at->results) != 0 || bind_one(self->sockets[PUBLISH], at->publish) != 0)
        return -1;
    es_log_info("serving", ES_S("broker", at->base));
    return 0;
}

static int open_sockets(es_hub_t *self, int queue)
{
    static const int types[SOCKETS] = {ZMQ_PULL, ZMQ_ROUTER, ZMQ_XSUB, ZMQ_XPUB};
    static const int linger = LINGER_MS;
    static const int64_t subscription = SUBSCRIPTION_MAX;
    for (int i = 0; i < SOCKETS; i++) {
        self->sockets[i] = zmq_socket(zsys_init(), types[i]);
        if (!self->sockets[i]) {
            es_log_error("cannot make a socket; raise the limit of open files", ES_S("error", zmq_strerror(errno)));
            return -1;
        }
        es_wire_options(self->sockets[i], queue);
        zmq_setsockopt(self->sockets[i], ZMQ_LINGER, &linger, sizeof linger);
    }
    zmq_setsockopt(self->sockets[PUBLISH], ZMQ_MAXMSGSIZE, &subscription, sizeof subscription);
    return zmq_send(self->sockets[RESULTS], "\x01", 1, 0) == 1 ? 0 : -1; /* subscribe to everything */
}

es_hub_t *es_hub_new(const es_hub_config_t *config)
{
    es_hub_t *self = es_alloc_zero(sizeof *self);
    self->base = config->base;
    self->lock = es_lock_take(config->base.base);
    if (self->lock == -1 || open_sockets(self, config->queue) != 0 || bind_all(self, &config->base) != 0 ||
        (config->tcp.base[0] && bind_all(self, &config->tcp) != 0)) {
        es_hub_destroy(&self);
        return NULL;
    }
    static const es_house_ops_t ops = {.tell = tell, .publish = publish, .drain = drain};
    es_house_config_t house = config->house;
    house.inc = es_random_u64();
    house.placement.seed = es_random_u64();
    self->house = es_house_new(&house, &ops, self, es_now_us());
    self->decoder = es_decoder_new();
    self->to_workers = es_bundles_new(send_to_worker, self);
    self->to_edges = es_bundles_new(send_to_edge, self);
    return self;
}

/* libzmq leaves an ipc socket's file behind. While we hold the lock it can only be ours. */
static void remove_files(const es_endpoints_t *base)
{
    const char *const endpoints[] = {base->frontend, base->backend, base->results, base->publish};
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) unlink(endpoints[i] + strlen("ipc://"));
}

void es_hub_destroy(es_hub_t **self_p)
{
    es_hub_t *self = self_p ? *self_p : NULL;
    if (!self) return;
    for (int i = 0; i < SOCKETS; i++)
        if (self->sockets[i]) zmq_close(self->sockets[i]);
    if (self->lock >= 0) {
        remove_files(&self->base);
        close(self->lock);
    }
    es_bundles_destroy(&self->to_workers);
    es_bundles_destroy(&self->to_edges);
    es_house_destroy(&self->house);
    es_decoder_destroy(&self->decoder);
    free(self);
    *self_p = NULL;
}
