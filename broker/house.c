#include "house_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "beacon.h"
#include "broker_metrics.h"
#include "log.h"
#include "rendezvous.h"
#include "requests.h"

es_house_t *es_house_new(const es_house_config_t *config, const es_house_ops_t *ops, void *ctx, uint64_t now_us)
{
    es_house_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    self->ops = ops;
    self->ctx = ctx;
    self->registry = es_registry_new(&config->registry, now_us);
    self->placement = es_placement_new(&config->placement, now_us);
    self->owners = es_owners_new(config->placement.seed);
    self->decoder = es_decoder_new();
    self->refs = es_alloc(ES_HOUSE_REFS_MAX * sizeof *self->refs);
    self->beacon = es_alloc(ES_HOUSE_MAX);
    self->start_us = self->beacon_us = now_us;
    snprintf(self->topic, sizeof self->topic, "sys/%016" PRIx64, config->inc);
    return self;
}

void es_house_destroy(es_house_t **self_p)
{
    es_house_t *self = self_p ? *self_p : NULL;
    if (!self) return;
    es_registry_destroy(&self->registry);
    es_placement_destroy(&self->placement);
    es_owners_destroy(&self->owners);
    es_decoder_destroy(&self->decoder);
    free(self->refs);
    free(self->beacon);
    free(self);
    *self_p = NULL;
}

bool es_hex16_parse(es_span_t text, uint64_t *value)
{
    if (text.len != ES_CLIENT_ID_LEN) return false;
    uint64_t v = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
        v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    if (value) *value = v;
    return true;
}

/* ---- frontend ---- */

static void answer(es_house_t *self, es_span_t key, const es_route_t *route)
{
    bool waits = route->verdict == ES_ROUTE_WAIT;
    es_msg_t msg = {.kind = waits ? ES_WAIT : ES_REWIND, .epoch = route->epoch};
    if (waits) ES_SET(&msg, ES_M_PLACE, place, route->place);
    self->ops->publish(self->ctx, key, &msg, NULL, 0);
    if (route->yields.len == 0) return;
    es_msg_t yield = {.kind = ES_YIELD, .epoch = route->yields_epoch};
    self->ops->publish(self->ctx, route->yields, &yield, NULL, 0);
}

/* There is a place for one that waits: it need not wait until it would ask again. */
static void call(es_house_t *self, const es_route_t *route)
{
    es_msg_t msg = {.kind = ES_WAIT, .epoch = route->calls_epoch};
    ES_SET(&msg, ES_M_PLACE, place, 0);
    self->ops->publish(self->ctx, route->calls, &msg, NULL, 0);
}

static void refuse(es_house_t *self, es_span_t key, const es_msg_t *start, uint64_t now_us)
{
    es_msg_t msg = {.kind = ES_REFUSED, .epoch = start->epoch};
    const char *reason = es_quarantine_add(&self->quarantine, key, start->deaths, now_us);
    ES_SET(&msg, ES_M_REASON, reason, es_span(reason));
    es_log_warn("stream in quarantine", ES_B("client", key.ptr, key.len), ES_S("reason", reason));
    self->ops->publish(self->ctx, key, &msg, NULL, 0);
}

static es_house_verdict_t on_stream(es_house_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us,
                                    uint64_t *worker)
{
    es_route_t route = es_placement_route(self->placement, key, msg, now_us);
    if (route.displaced) es_house_tell(self, route.displaced, key, ES_DROP, msg->epoch - 1);
    if (route.calls.len > 0) call(self, &route);
    if (route.verdict == ES_ROUTE_FORWARD) {
        if (route.placed && es_log_enabled(ES_LOG_DEBUG)) {
            const es_actor_t *actor = es_registry_find(self->registry, route.worker);
            es_log_debug("stream placed", ES_B("client", key.ptr, key.len), ES_U("epoch", msg->epoch),
                         ES_S("worker", actor ? actor->name : "?"));
        }
        *worker = route.worker;
        return ES_FORWARD;
    }
    if (route.verdict == ES_ROUTE_REFUSE)
        refuse(self, key, msg, now_us);
    else if (route.verdict == ES_ROUTE_DROP)
        es_log_debug("frame dropped", ES_B("client", key.ptr, key.len), ES_S("reason", es_route_reason(route.reason)));
    else
        answer(self, key, &route);
    return ES_TAKEN;
}

/* Workers that take more of what is asked for; where nothing is named, of streams. */
static uint64_t taking(const es_house_t *self, es_span_t service)
{
    return service.len > 0 ? es_registry_taking(self->registry, service) : es_requests_none_taking(self->registry);
}

static es_house_verdict_t on_probe(es_house_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us,
                                   uint64_t *worker)
{
    (void)worker;
    es_msg_t out = {.kind = ES_PROBED, .epoch = msg->epoch, .seq = msg->seq};
    ES_SET(&out, ES_M_LOAD, load, taking(self, msg->service));
    ES_SET(&out, ES_M_CAPACITY, capacity, es_placement_free(self->placement, msg->service, now_us));
    self->ops->publish(self->ctx, key, &out, NULL, 0);
    return ES_TAKEN;
}

static es_house_verdict_t on_request(es_house_t *self, const es_request_service_t *to, es_span_t key, uint64_t *worker)
{
    es_span_t id;
    if (!to->subject(key, &id)) return ES_NOT_FOR_US;
    const es_actor_t *actor = es_rendezvous_actor(self->registry, es_span(to->service), id);
    if (!actor) {
        es_metric_add(to->unserved, 1);
        es_log_debug("request dropped: nobody serves it", ES_S("service", to->service), ES_B("id", id.ptr, id.len));
        return ES_TAKEN;
    }
    *worker = actor->inc;
    return ES_FORWARD;
}

static void orphan(void *ctx, uint64_t worker, es_span_t key)
{
    es_house_tell(ctx, worker, key, ES_DROP, 0);
}

const char *es_house_sender(es_house_t *self, es_span_t key, const es_msg_t *msg, const char *who, uint64_t now_us)
{
    bool request = es_request_service_for(msg->kind) != NULL;
    es_span_t sender = request ? msg->client : key;
    if (who && msg->kind == ES_REPORT && !es_hex16_parse(key, NULL)) return "";
    /* What asks by mistake in another's name shall not take it from him; a machine's own need not even ask. */
    if ((request && !who) || !es_hex16_parse(sender, NULL)) return NULL;
    return es_owners_claim(self->owners, sender, who ? who : "", now_us);
}

/* A sender that has left, and closed its streams; or one that its successor calls dead. */
static void sender_left(es_house_t *self, es_span_t key)
{
    size_t n = es_placement_sender_gone(self->placement, es_span_of(key.ptr, ES_PREFIX_LEN), UINT64_MAX, orphan, self);
    es_senders_left(&self->senders, key);
    es_owners_release(self->owners, key);
    if (n > 0) es_log_info("what a dead sender has left gives its places back", ES_U("streams", n));
}

/* The sender lives. */
static void sender_heard(es_house_t *self, es_span_t key, es_span_t name, uint64_t now_us)
{
    for (const es_report_t *other = NULL; (other = es_reports_named(&self->reports, name, other));) {
        es_span_t before = es_span_of(other->key, sizeof other->key);
        if (other->reachable && !es_span_eq(before, key) && es_owners_same(self->owners, before, key))
            es_senders_replaced(&self->senders, before, now_us);
    }
    es_senders_take(&self->senders, key, now_us);
}

static es_house_verdict_t on_report(es_house_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us,
                                    uint64_t *worker)
{
    (void)worker;
    bool own = es_hex16_parse(key, NULL);
    if (own && msg->flags & ES_F_LEAVING)
        sender_left(self, key);
    else if (own)
        sender_heard(self, key, msg->name, now_us);
    if (es_reports_take(&self->reports, own ? key : es_span(NULL), msg, now_us))
        es_log_warn("two senders report under one name; give each its own --name",
                    ES_B("name", msg->name.ptr, msg->name.len), ES_B("key", key.ptr, key.len));
    return ES_TAKEN;
}

static bool is_meant(const es_msg_t *drain, es_span_t name, uint64_t inc)
{
    return es_span_eq(drain->name, name) && (!ES_HAS(drain, ES_M_INC) || drain->inc == inc);
}

/* Tells the workers and edges that are meant. From last to first: one that cannot be reached is lost, and taken out. */
static uint64_t hand_on(es_house_t *self, const es_msg_t *drain)
{
    uint64_t told = 0;
    es_msg_t msg = {.kind = ES_DRAIN};
    ES_SET(&msg, ES_M_NAME, name, drain->name);
    for (size_t i = es_registry_count(self->registry); i-- > 0;) {
        const es_actor_t *actor = es_registry_at(self->registry, i);
        char own[17];
        uint64_t inc = actor->inc;
        if (!is_meant(drain, es_span(actor->name), inc)) continue;
        snprintf(own, sizeof own, "%016" PRIx64, inc);
        if (self->ops->tell(self->ctx, inc, es_span(own), &msg))
            told++;
        else
            es_house_unreachable(self, inc);
    }
    for (size_t i = 0; i < self->reports.count; i++) {
        const es_report_t *edge = &self->reports.list[i];
        if (!edge->reachable || !is_meant(drain, es_span_of(edge->name, edge->name_len), edge->inc)) continue;
        self->ops->publish(self->ctx, es_span_of(edge->key, sizeof edge->key), &msg, NULL, 0);
        told++;
    }
    return told;
}

static es_house_verdict_t on_drain(es_house_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us,
                                   uint64_t *worker)
{
    (void)worker;
    bool ourselves = is_meant(msg, es_span(self->config.name), self->config.inc);
    es_msg_t out = {.kind = ES_DRAINED, .epoch = msg->epoch, .seq = msg->seq};
    ES_SET(&out, ES_M_COUNT, count, hand_on(self, msg) + ourselves);
    es_log_info("asked to drain", ES_B("actor", msg->name.ptr, msg->name.len), ES_U("told", out.count));
    self->ops->publish(self->ctx, key, &out, NULL, 0);
    if (ourselves) self->ops->drain(self->ctx, now_us);
    return ES_TAKEN;
}

es_house_verdict_t es_house_frontend(es_house_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us,
                                     uint64_t *worker)
{
    static const struct {
        es_kind_t kind;
        es_house_verdict_t (*fn)(es_house_t *, es_span_t, const es_msg_t *, uint64_t, uint64_t *);
    } handlers[] = {{ES_FRAME, on_stream},
                    {ES_CLOSE, on_stream},
                    {ES_PROBE, on_probe},
                    {ES_REPORT, on_report},
                    {ES_DRAIN, on_drain}};
    const es_request_service_t *service = es_request_service_for(msg->kind);
    if (service) return on_request(self, service, key, worker);
    if (!es_hex16_parse(key, NULL) && msg->kind != ES_REPORT) return ES_NOT_FOR_US;
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        if (handlers[i].kind == msg->kind) return handlers[i].fn(self, key, msg, now_us, worker);
    return ES_NOT_FOR_US;
}

/* ---- time ---- */

/* An edge is gone: its clients come back elsewhere, as other streams that need the places. */
static void bury_senders(es_house_t *self, uint64_t now_us)
{
    char prefix[ES_PREFIX_LEN];
    es_metric_set(&es_broker_senders_unknown, self->senders.unknown);
    while (es_senders_silent(&self->senders, now_us, prefix)) {
        size_t n = es_placement_sender_gone(self->placement, es_span_of(prefix, sizeof prefix),
                                            now_us - ES_SENDER_PROOF_US, orphan, self);
        es_log_info("an edge is silent; its streams give their places back", ES_B("prefix", prefix, sizeof prefix),
                    ES_U("streams", n));
    }
}

static void beacon(es_house_t *self, uint64_t now_us)
{
    es_broker_metrics_tell(self->placement, self->registry, now_us);
    es_reports_tick(&self->reports, now_us);
    es_owners_tick(self->owners, now_us);
    es_metric_set(&es_broker_senders_pushed_out, es_owners_pushed_out(self->owners));
    es_metric_set(&es_broker_reports_refused, self->reports.refused);
    es_quarantine_tick(&self->quarantine, now_us);
    es_beacon_t state = {.name = self->config.name,
                         .start_us = self->start_us,
                         .heartbeat_us = self->config.registry.heartbeat_us,
                         .leaving = self->leaving,
                         .registry = self->registry,
                         .placement = self->placement,
                         .reports = &self->reports,
                         .quarantine = &self->quarantine,
                         .metrics = es_broker_metrics()};
    size_t len = es_beacon_encode(&state, now_us, self->beacon, ES_HOUSE_MAX);
    es_msg_t msg = {.kind = ES_BEACON};
    ES_SET(&msg, ES_M_INC, inc, self->config.inc);
    ES_SET(&msg, ES_M_NAME, name, es_span(self->config.name));
    if (self->leaving) ES_SET(&msg, ES_M_FLAGS, flags, ES_F_LEAVING);
    self->ops->publish(self->ctx, es_span(self->topic), &msg, self->beacon, len);
}

void es_house_leave(es_house_t *self, uint64_t now_us)
{
    self->leaving = true;
    beacon(self, now_us);
}

uint64_t es_house_tick(es_house_t *self, uint64_t now_us)
{
    uint64_t next = es_registry_tick(self->registry, &es_house_registry_ops, self, now_us);
    if (now_us >= self->beacon_us) {
        bury_senders(self, now_us);
        beacon(self, now_us);
        self->beacon_us = now_us + ES_HOUSE_BEACON_US;
        self->placement_us = now_us; /* what came since may want an earlier call */
    }
    if (now_us >= self->placement_us) self->placement_us = es_placement_tick(self->placement, now_us);
    if (self->placement_us < next) next = self->placement_us;
    return next < self->beacon_us ? next : self->beacon_us;
}
