#include "hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "broker_metrics.h"
#include "bundles.h"
#include "curve.h"
#include "doors.h"
#include "lock.h"
#include "log.h"
#include "relay.h"
#include "wire.h"

enum {
    DRAIN_ROUNDS = 64,   /* of ES_LOOP_BATCH messages a socket */
    MENDING_US = 1000000 /* for peers to come back after every connection over tcp was ended */
};

struct es_hub {
    es_doors_t *doors;
    void *sockets[ES_SOCKETS]; /* the doors' */
    es_access_t *access;       /* NULL: tcp is not served with keys */
    uint64_t mending_us;       /* until then who cannot be reached may be on its way back */
    int lock;                  /* < 0: none */
    es_endpoints_t base;
    es_house_t *house;
    es_relay_t relay;
    es_bundles_t *to_workers; /* of this turn */
    es_decoder_t *decoder;
    es_dead_letters_t *dead; /* or NULL */
    es_loop_t *loop;         /* where attached */
    void (*drain)(void *ctx, uint64_t now_us);
    void *drain_ctx;
};

/* ---- out ---- */

/* A send was refused: is there no such peer any more? Those whose connections we have ended are given time to come back; what they miss is said again. */
static bool is_gone(const es_hub_t *self)
{
    return errno == EHOSTUNREACH && (self->mending_us == 0 || es_now_us() >= self->mending_us);
}

static bool tell(void *ctx, uint64_t inc, es_span_t key, const es_msg_t *msg)
{
    es_hub_t *self = ctx;
    char route[17];
    es_hex16(inc, route);
    es_span_t to = es_span_of(route, 16);
    return es_wire_send(self->sockets[ES_AT_BACKEND], &to, key, msg, NULL, 0) == 0 || !is_gone(self);
}

static void publish(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    es_hub_t *self = ctx;
    es_relay_say(&self->relay, key, msg, body, len);
}

static void drain(void *ctx, uint64_t now_us)
{
    es_hub_t *self = ctx;
    if (self->drain) self->drain(self->drain_ctx, now_us);
}

/* The outcome of a send to a worker, of so many messages. */
static void forwarded(es_hub_t *self, uint64_t worker, int rc, unsigned count)
{
    bool gone = rc != 0 && is_gone(self);
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
    int rc = es_wire_send_bundle(self->sockets[ES_AT_BACKEND], &to, es_span(ES_BUNDLE_KEY), bundle);
    forwarded(self, worker, rc, bundle->count);
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
    forwarded(self, worker, es_wire_forward(wire, self->sockets[ES_AT_BACKEND], &to), 1);
}

/* ---- in: each takes at most ES_LOOP_BATCH messages and returns how many ---- */

static void refuse(es_hub_t *self, es_socket_t at, es_wire_t *wire, const char *reason)
{
    es_speaker_t speaker = es_access_speaker_of(self->access, &wire->key);
    const es_span_t parts[] = {es_wire_key(wire),
                               es_span_of(zmq_msg_data(&wire->envelope), zmq_msg_size(&wire->envelope)),
                               es_wire_body(wire)};
    const es_malformed_t what = {
        .socket = at, .speaker = &speaker, .parts = parts, .count = wire->has_body ? 3 : 2, .fragment = wire->cut};
    es_relay_malformed(self->dead, at == ES_AT_FRONTEND ? &es_broker_malformed_frontend : &es_broker_malformed_backend,
                       &what, reason);
}

static void refuse_item(es_hub_t *self, const es_speaker_t *speaker, const es_bundle_item_t *item, const char *reason)
{
    const es_span_t parts[] = {item->key, item->envelope, item->body};
    const es_malformed_t what = {.socket = ES_AT_FRONTEND,
                                 .speaker = speaker,
                                 .parts = parts,
                                 .count = sizeof parts / sizeof *parts,
                                 .fragment = true};
    es_relay_malformed(self->dead, &es_broker_malformed_frontend, &what, reason);
}

/* May it say this, and in this sender's name? */
static bool sender_may(es_hub_t *self, const es_speaker_t *speaker, es_span_t key, const es_msg_t *msg, uint64_t now_us)
{
    return !self->access ||
           (es_access_may(speaker, ES_AT_FRONTEND, msg->kind) &&
            es_access_may_send(speaker, msg->kind, es_house_sender(self->house, key, msg, speaker->who, now_us)));
}

/* Returns how many messages were in it, at least 1: it was one. */
static unsigned take_bundle(es_hub_t *self, es_wire_t *wire, const es_speaker_t *speaker, uint64_t now_us)
{
    es_span_t rest = es_wire_body(wire);
    es_bundle_item_t item;
    es_msg_t msg;
    unsigned n = 0;
    for (int rc; (rc = es_wire_unbundle(&rest, self->decoder, &item, &msg)) != 0; n++) {
        uint64_t worker = 0;
        if (rc != 1) {
            if (rc == -1) {
                refuse(self, ES_AT_FRONTEND, wire, "the rest of a bundle is malformed");
                break;
            }
            refuse_item(self, speaker, &item, "not a message that may be bundled");
            continue;
        }
        if (!sender_may(self, speaker, item.key, &msg, now_us)) continue;
        es_house_verdict_t verdict = es_house_frontend(self->house, item.key, &msg, now_us, &worker);
        if (verdict == ES_FORWARD) es_bundles_add(self->to_workers, worker, &item);
        if (verdict == ES_NOT_FOR_US) {
            es_metric_add(&es_broker_refused_total, 1);
            refuse_item(self, speaker, &item, "kind or key of a bundled message does not belong here");
        }
    }
    return n > 0 ? n : 1;
}

static void take_request(es_hub_t *self, es_wire_t *wire, uint64_t now_us)
{
    uint64_t worker = 0;
    es_house_verdict_t verdict = es_house_frontend(self->house, es_wire_key(wire), &wire->msg, now_us, &worker);
    if (verdict == ES_FORWARD) forward(self, wire, worker);
    if (verdict != ES_NOT_FOR_US) return;
    es_metric_add(&es_broker_refused_total, 1);
    refuse(self, ES_AT_FRONTEND, wire, "kind or key does not belong here");
}

static unsigned take_frontend(es_hub_t *self, uint64_t now_us)
{
    unsigned n = 0;
    for (es_wire_t wire; n < ES_LOOP_BATCH; n++) {
        if (es_wire_recv(&wire, self->sockets[ES_AT_FRONTEND], false, self->decoder) != 0) break;
        es_speaker_t speaker = es_access_speaker_of(self->access, &wire.key);
        if (!wire.ok)
            refuse(self, ES_AT_FRONTEND, &wire, wire.reason);
        else if (wire.msg.kind == ES_BUNDLE)
            n += take_bundle(self, &wire, &speaker, now_us) - 1;
        else if (sender_may(self, &speaker, es_wire_key(&wire), &wire.msg, now_us))
            take_request(self, &wire, now_us);
        es_wire_close(&wire);
    }
    es_metric_add(&es_broker_frontend_total, n);
    return n;
}

/* May it say this, and as this incarnation? */
static bool worker_may(es_hub_t *self, const es_speaker_t *speaker, uint64_t inc, const es_msg_t *msg)
{
    if (!speaker->who) return true;
    return es_access_may(speaker, ES_AT_BACKEND, msg->kind) &&
           (msg->kind != ES_HELLO || es_access_may_serve(speaker, msg->service)) &&
           es_access_may_be(speaker, ES_AT_BACKEND, es_house_owner(self->house, inc));
}

/* What is wrong with it, or NULL. */
static const char *take_worker(es_hub_t *self, es_wire_t *wire, uint64_t now_us)
{
    uint64_t inc = 0;
    if (!wire->ok) return wire->reason;
    if (!es_hex16_parse(es_wire_route(wire), &inc) || !es_span_eq(es_wire_key(wire), es_wire_route(wire)) ||
        inc != wire->msg.inc)
        return "key, routing id and incarnation are not the same";
    es_speaker_t speaker = es_access_speaker_of(self->access, &wire->key);
    if (!worker_may(self, &speaker, inc, &wire->msg)) return NULL;
    if (es_house_backend(self->house, inc, &wire->msg, es_wire_body(wire), now_us) != ES_TAKEN)
        return "kind or list of streams does not belong here";
    if (speaker.who && wire->msg.kind == ES_HELLO) es_house_belongs(self->house, inc, speaker.who);
    return NULL;
}

static unsigned take_backend(es_hub_t *self, uint64_t now_us)
{
    unsigned n = 0;
    for (es_wire_t wire; n < ES_LOOP_BATCH; n++) {
        if (es_wire_recv(&wire, self->sockets[ES_AT_BACKEND], true, self->decoder) != 0) break;
        const char *wrong = take_worker(self, &wire, now_us);
        if (wrong) refuse(self, ES_AT_BACKEND, &wire, wrong);
        es_wire_close(&wire);
    }
    es_metric_add(&es_broker_backend_total, n);
    return n;
}

static unsigned take_results(es_hub_t *self, uint64_t now_us)
{
    (void)now_us;
    return es_relay_results(&self->relay);
}

static unsigned take_subscriptions(es_hub_t *self, uint64_t now_us)
{
    (void)now_us;
    return es_relay_subscriptions(&self->relay);
}

/* ---- keys ---- */

static void on_revoked(void *ctx, const char *who, uint64_t now_us)
{
    (void)now_us;
    es_house_evict(((es_hub_t *)ctx)->house, who);
}

static void on_prove(void *ctx, uint64_t now_us)
{
    es_hub_t *self = ctx;
    self->mending_us = now_us + MENDING_US;
    es_doors_reopen(self->doors, now_us);
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
    es_hub_t *self = ctx;
    uint64_t house = es_house_tick(self->house, now_us), doors = es_doors_tick(self->doors, now_us);
    return house < doors ? house : doors;
}

static void flush(void *ctx)
{
    es_hub_t *self = ctx;
    es_bundles_flush(self->to_workers);
    es_relay_flush(&self->relay);
}

void es_hub_attach(es_hub_t *self, es_loop_t *loop)
{
    self->loop = loop;
    es_loop_add_socket(loop, self->sockets[ES_AT_PUBLISH], on_publish, self);
    es_loop_add_socket(loop, self->sockets[ES_AT_BACKEND], on_backend, self);
    es_loop_add_socket(loop, self->sockets[ES_AT_RESULTS], on_results, self);
    es_loop_add_socket(loop, self->sockets[ES_AT_FRONTEND], on_frontend, self);
    es_loop_add_tick(loop, on_tick, self);
    if (self->access) es_access_attach(self->access, loop);
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

/* ---- life ---- */

/* Who may come is known before the first one can. */
static int open_doors(es_hub_t *self, const es_hub_config_t *config)
{
    static const es_access_ops_t ops = {.revoked = on_revoked, .prove = on_prove};
    es_doors_config_t doors = {
        .base = config->base, .tcp = config->tcp, .queue = config->queue, .max_descriptors = config->max_connections};
    self->doors = es_doors_new(&doors);
    if (!self->doors) return -1;
    for (es_socket_t i = 0; i < ES_SOCKETS; i++) self->sockets[i] = es_doors_socket(self->doors, i);
    if (es_curve_on()) self->access = es_access_new(config->keys, &ops, self);
    if (es_curve_on() && !self->access) return -1;
    return es_doors_open(self->doors);
}

es_hub_t *es_hub_new(const es_hub_config_t *config)
{
    es_hub_t *self = es_alloc_zero(sizeof *self);
    self->base = config->base;
    self->lock = es_lock_take(config->base.base);
    if (self->lock == -1 || open_doors(self, config) != 0) {
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
    es_relay_init(&self->relay, self->sockets[ES_AT_RESULTS], self->sockets[ES_AT_PUBLISH], self->access,
                  self->decoder);
    self->relay.house = self->house;
    self->dead = self->relay.dead = es_dead_letters_new(&config->dead);
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
    es_doors_destroy(&self->doors);
    es_access_destroy(&self->access);
    if (self->lock >= 0) {
        remove_files(&self->base);
        close(self->lock);
    }
    es_bundles_destroy(&self->to_workers);
    es_relay_fini(&self->relay);
    es_house_destroy(&self->house);
    es_dead_letters_destroy(&self->dead);
    es_decoder_destroy(&self->decoder);
    free(self);
    *self_p = NULL;
}
