/* What the house does for its workers: those who come, live, go and are lost, and what they say on the backend. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker_metrics.h"
#include "house_state.h"
#include "log.h"
#include "requests.h"

bool es_house_tell(es_house_t *self, uint64_t inc, es_span_t key, es_kind_t kind, uint64_t epoch)
{
    char own[17];
    es_msg_t msg = {.kind = kind, .epoch = epoch};
    snprintf(own, sizeof own, "%016" PRIx64, inc);
    return self->ops->tell(self->ctx, inc, key.len > 0 ? key : es_span(own), &msg);
}

/* ---- workers come and go ---- */

static const es_span_t own_key = {NULL, 0};

typedef struct {
    es_house_t *house;
    const char *reason;
    uint64_t streams;     /* of a worker that died; 0: it did not */
    char key[ES_KEY_MAX]; /* of the one that is to blame */
    size_t key_len;       /* 0: all alike */
} loss_t;

static void stream_lost(void *ctx, es_span_t key, uint64_t epoch)
{
    loss_t *loss = ctx;
    es_msg_t msg = {.kind = ES_WORKER_LOST, .epoch = epoch};
    bool guilty = loss->key_len > 0 && es_span_eq(key, es_span_of(loss->key, loss->key_len));
    ES_SET(&msg, ES_M_REASON, reason, es_span(loss->reason));
    if (loss->streams) ES_SET(&msg, ES_M_LOAD, load, guilty ? 1 : loss->streams);
    loss->house->ops->publish(loss->house->ctx, key, &msg, NULL, 0);
}

/* A worker drains: those of its streams that find a place elsewhere begin anew there. Said again with each sign of life of it, until they have. */
static void move_away(es_house_t *self, uint64_t inc, uint64_t now_us)
{
    loss_t loss = {.house = self, .reason = "draining"};
    es_placement_worker_movable(self->placement, inc, now_us, stream_lost, &loss);
}

/* Says so to its streams' senders. The registry is the caller's. */
static size_t give_up(es_house_t *self, uint64_t inc, const char *reason)
{
    loss_t loss = {.house = self, .reason = reason};
    return es_placement_worker_lost(self->placement, inc, stream_lost, &loss);
}

/* The same for a worker that did not leave by itself. */
static size_t bury(es_house_t *self, uint64_t inc, const char *reason)
{
    uint64_t open = es_placement_worker_open(self->placement, inc);
    loss_t loss = {.house = self, .reason = reason, .streams = open < UINT32_MAX ? open : UINT32_MAX};
    loss.key_len = es_placement_worker_suspect(self->placement, inc, loss.key);
    return es_placement_worker_lost(self->placement, inc, stream_lost, &loss);
}

void es_house_unreachable(es_house_t *self, uint64_t inc)
{
    const es_actor_t *actor = es_registry_find(self->registry, inc);
    if (!actor) return;
    es_actor_t was = *actor;
    es_registry_remove(self->registry, inc);
    size_t streams = bury(self, inc, "unreachable");
    es_metric_add(&es_broker_lost_total, 1);
    es_log_warn("worker lost", ES_S("worker", was.name), ES_S("reason", "unreachable"), ES_U("streams", streams));
}

static void ping(void *ctx, uint64_t inc)
{
    es_house_t *self = ctx;
    if (!es_house_tell(self, inc, own_key, ES_PING, 0)) es_house_unreachable(self, inc);
}

static void silent(void *ctx, uint64_t inc, uint64_t silence_us)
{
    es_house_t *self = ctx;
    const es_actor_t *actor = es_registry_find(self->registry, inc);
    size_t streams = bury(self, inc, "silent");
    es_metric_add(&es_broker_lost_total, 1);
    es_log_warn("worker lost", ES_S("worker", actor->name), ES_S("reason", "silent"), ES_U("streams", streams),
                ES_U("silence_ms", silence_us / 1000));
}

const es_registry_ops_t es_house_registry_ops = {.ping = ping, .lost = silent};

/* ---- whose keys they came with ---- */

const char *es_house_owner(const es_house_t *self, uint64_t inc)
{
    const es_actor_t *actor = es_registry_find(self->registry, inc);
    return actor ? actor->who : NULL;
}

const char *es_house_holder(const es_house_t *self, es_span_t key, uint64_t epoch)
{
    uint64_t placed, inc = es_placement_holder(self->placement, key, &placed);
    return inc && placed <= epoch ? es_house_owner(self, inc) : NULL;
}

void es_house_belongs(es_house_t *self, uint64_t inc, const char *who)
{
    es_registry_belongs(self->registry, inc, who);
}

void es_house_evict(es_house_t *self, const char *who)
{
    for (size_t i = es_registry_count(self->registry); i-- > 0;) {
        es_actor_t actor = *es_registry_at(self->registry, i);
        if (strcmp(actor.who, who) != 0) continue;
        es_registry_remove(self->registry, actor.inc);
        size_t streams = give_up(self, actor.inc, "revoked");
        es_metric_add(&es_broker_lost_total, 1);
        es_log_warn("worker lost", ES_S("worker", actor.name), ES_S("reason", "revoked"), ES_U("streams", streams));
    }
}

/* An incarnation that is not known: it may have been lost by mistake, or we are new. */
static void who_are_you(es_house_t *self, uint64_t inc)
{
    es_metric_add(&es_broker_unknown_total, 1);
    es_house_tell(self, inc, own_key, ES_WHO_ARE_YOU, 0);
}

/* ---- backend ---- */

/* The streams that a HELLO lists are in refs then: how many, or -1 where that is no such list. */
static int listed(es_house_t *self, es_span_t body)
{
    int n = body.len > 0 ? es_streams_decode(self->decoder, body.ptr, body.len, self->refs, ES_HOUSE_REFS_MAX) : 0;
    for (int i = 0; i < n; i++)
        if (!es_hex16_parse(self->refs[i].key, NULL)) return -1;
    return n;
}

static void learn(es_house_t *self, uint64_t inc, int n, uint64_t now_us)
{
    for (int i = 0; i < n; i++) {
        const es_stream_ref_t *ref = &self->refs[i];
        if (es_placement_learn(self->placement, inc, ref, now_us)) continue;
        es_log_debug("stream has another worker", ES_B("client", ref->key.ptr, ref->key.len),
                     ES_U("epoch", ref->epoch));
        es_house_tell(self, inc, ref->key, ES_DROP, ref->epoch);
    }
    es_placement_worker_listed(self->placement, inc);
}

static const char too_many_workers[] = "worker refused: there are as many as may be; raise --max-workers";
static const char too_many_services[] = "worker refused: as many services have workers as may be; raise "
                                        "--max-services, or see who serves what nobody needs";

/* Who gets requests is none of placement's business: it would give it streams. */
static int admit(es_house_t *self, uint64_t inc, const es_msg_t *msg)
{
    if (!es_request_service(msg->service))
        return es_placement_worker_up(self->placement, inc, msg->service, msg->capacity);
    give_up(self, inc, "refused"); /* what it had as another service's */
    return 0;
}

static void refuse_worker(es_house_t *self, uint64_t inc, const es_msg_t *msg, const char *sentence)
{
    es_registry_remove(self->registry, inc);
    give_up(self, inc, "refused");
    es_metric_add(&es_broker_workers_refused, 1);
    es_log_warn(sentence, ES_B("worker", msg->name.ptr, msg->name.len),
                ES_B("service", msg->service.ptr, msg->service.len), ES_U("capacity", msg->capacity));
}

static es_house_verdict_t on_hello(es_house_t *self, uint64_t inc, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    int streams = msg->service.len > 0 ? listed(self, body) : -1;
    if (streams < 0) return ES_NOT_FOR_US; /* before anything is known of who said it */
    const es_actor_t *before = es_registry_find(self->registry, inc);
    bool drained = before && before->draining;
    es_hello_t hello = es_registry_hello(self->registry, inc, msg, now_us);
    bool full = hello == ES_HELLO_FULL;
    if (full || admit(self, inc, msg) != 0) {
        refuse_worker(self, inc, msg, full ? too_many_workers : too_many_services);
        return ES_TAKEN;
    }
    learn(self, inc, streams, now_us);
    es_placement_worker_load(self->placement, inc, msg->load);
    const es_actor_t *actor = es_registry_find(self->registry, inc);
    if (hello == ES_HELLO_NEW) {
        es_metric_add(&es_broker_joined_total, 1);
        es_log_info("worker joined", ES_S("worker", actor->name), ES_S("service", actor->service),
                    ES_U("capacity", actor->capacity),
                    ES_U("streams", es_placement_worker_streams(self->placement, inc)));
    } else if (actor->draining && !drained) {
        es_log_info("worker drains", ES_S("worker", actor->name),
                    ES_U("streams", es_placement_worker_streams(self->placement, inc)));
    }
    if (actor->draining) move_away(self, inc, now_us);
    return ES_TAKEN;
}

static es_house_verdict_t on_heartbeat(es_house_t *self, uint64_t inc, const es_msg_t *msg, es_span_t body,
                                       uint64_t now_us)
{
    (void)body;
    if (!es_registry_heartbeat(self->registry, inc, msg, now_us)) {
        who_are_you(self, inc);
        return ES_TAKEN;
    }
    if (ES_HAS(msg, ES_M_LOAD) && es_placement_worker_load(self->placement, inc, msg->load))
        es_house_tell(self, inc, own_key, ES_WHO_ARE_YOU, 0);
    if (es_registry_find(self->registry, inc)->draining) move_away(self, inc, now_us);
    return ES_TAKEN;
}

static es_house_verdict_t on_goodbye(es_house_t *self, uint64_t inc, const es_msg_t *msg, es_span_t body,
                                     uint64_t now_us)
{
    (void)msg, (void)body, (void)now_us;
    const es_actor_t *actor = es_registry_find(self->registry, inc);
    if (!actor) return ES_TAKEN;
    size_t streams = give_up(self, inc, "goodbye");
    es_metric_add(&es_broker_goodbye_total, 1);
    es_log_info("worker left", ES_S("worker", actor->name), ES_U("streams", streams));
    es_registry_remove(self->registry, inc);
    return ES_TAKEN;
}

es_house_verdict_t es_house_backend(es_house_t *self, uint64_t inc, const es_msg_t *msg, es_span_t body,
                                    uint64_t now_us)
{
    static const struct {
        es_kind_t kind;
        es_house_verdict_t (*fn)(es_house_t *, uint64_t, const es_msg_t *, es_span_t, uint64_t);
    } handlers[] = {{ES_HELLO, on_hello}, {ES_HEARTBEAT, on_heartbeat}, {ES_GOODBYE, on_goodbye}};
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        if (handlers[i].kind == msg->kind) return handlers[i].fn(self, inc, msg, body, now_us);
    return ES_NOT_FOR_US;
}
