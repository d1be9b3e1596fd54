#include "sender_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "endpoints.h"
#include "health.h"
#include "keymap.h"
#include "leg.h"
#include "log.h"
#include "wire.h"

enum {
    LINK_HWM = 32768,          /* messages */
    BEACON_FRESH_US = 2000000, /* brokers send one each 500 ms */
    PROBE_US = 1000000,
    PROBE_EARLY_US = 100000, /* until the first answer */
    READY_US = 3000000,
    STOOD_STILL_US = 1500000, /* ticks come every second at the latest */
    REPORT_US = 1000000,
    HEALTH_US = 500000
};

static ES_METRIC_COUNTER(sent, "earshot_sender_link_sent_total", "Messages sent to brokers.");
static ES_METRIC_COUNTER(unsent, "earshot_sender_link_unsent_total",
                         "Messages that no broker could take at once; retransmission mends it.");
static ES_METRIC_COUNTER(received, "earshot_sender_link_received_total", "Messages received from brokers.");
static ES_METRIC_COUNTER(malformed, "earshot_sender_link_malformed_total", "Messages received that are not valid.");
static ES_METRIC_COUNTER(astray, "earshot_sender_link_astray_total",
                         "Messages of streams dropped: through another broker than theirs, and no copies.");
static ES_METRIC_GAUGE(live, "earshot_sender_link_brokers", "Brokers whose beacon is fresh.");

es_metric_t *const *es_sender_link_metrics(void)
{
    static es_metric_t *const list[] = {&sent, &unsent, &received, &malformed, &astray, &live, NULL};
    return list;
}

typedef struct {
    void *push, *sub;
    es_leg_t push_leg, sub_leg;
    uint64_t rank;      /* hash of its base: the same for every sender that names it alike */
    uint64_t beacon_us; /* last beacon; 0: none, or too old */
    uint64_t inc;       /* of that beacon */
    uint64_t probe_us;  /* when to ask next */
    uint64_t probed_us; /* last answer; 0: none */
    uint64_t workers;
    es_bundle_t *bundle; /* frames of this turn */
    bool told;           /* of our predecessor */
    char base[ES_ENDPOINT_MAX];
} broker_t;

struct es_sender_link {
    const es_sender_link_ops_t *ops;
    void *ctx;
    es_decoder_t *decoder;
    char own_key[ES_CLIENT_ID_LEN + 1]; /* prefix and zeros: for PROBE and REPORT */
    uint64_t inc;
    bool changed;
    int n;
    broker_t brokers[ES_BROKERS_MAX];
    struct {
        char name[ES_NAME_MAX + 1];
        const char *service; /* NULL: an edge */
        uint64_t streams, frames, lag_us, due_us;
    } report;
    struct {
        char key[ES_CLIENT_ID_LEN + 1]; /* empty: none */
        char name[ES_NAME_MAX + 1];
    } predecessor;
    uint64_t now_us;              /* of the last call that was told the time */
    uint64_t start_us, health_us; /* the first tick; when health is told next */
    bool probed;                  /* an answer has come */
};

static void broker_init(broker_t *self, const es_endpoints_t *at, const char *prefix)
{
    *self = (broker_t){.rank = es_keymap_hash(0, es_span(at->base))};
    memcpy(self->base, at->base, sizeof self->base);
    self->bundle = es_alloc_zero(sizeof *self->bundle);
    self->push = es_wire_socket(ZMQ_PUSH, LINK_HWM);
    self->sub = es_wire_socket(ZMQ_SUB, LINK_HWM);
    zmq_setsockopt(self->sub, ZMQ_SUBSCRIBE, prefix, strlen(prefix));
    zmq_setsockopt(self->sub, ZMQ_SUBSCRIBE, "sys/", 4);
    es_leg_init(&self->push_leg, self->push, at->frontend);
    es_leg_init(&self->sub_leg, self->sub, at->publish);
}

es_sender_link_t *es_sender_link_new(const char *brokers, const char *prefix, const es_sender_link_ops_t *ops,
                                     void *ctx)
{
    es_endpoints_t list[ES_BROKERS_MAX];
    char err[512];
    int n = es_endpoints_parse_list(list, brokers, err, sizeof err);
    if (n < 0) {
        es_log_error("no link without a valid broker", ES_S("error", err));
        return NULL;
    }
    es_sender_link_t *self = es_alloc_zero(sizeof *self);
    self->ops = ops;
    self->ctx = ctx;
    self->decoder = es_decoder_new();
    self->inc = es_random_u64();
    self->n = n;
    snprintf(self->own_key, sizeof self->own_key, "%.*s0000000000", (int)ES_PREFIX_LEN, prefix);
    es_health_unready("no probe through a broker has come back yet");
    for (int i = 0; i < n; i++) broker_init(&self->brokers[i], &list[i], prefix);
    return self;
}

static bool any_live(const es_sender_link_t *self)
{
    for (int i = 0; i < self->n; i++)
        if (self->brokers[i].beacon_us) return true;
    return false;
}

int es_sender_link_broker(const es_sender_link_t *self, es_span_t key)
{
    if (self->n == 1) return 0;
    bool all = !any_live(self);
    int best = 0;
    uint64_t most = 0;
    for (int i = 0; i < self->n; i++) {
        if (!all && !self->brokers[i].beacon_us) continue;
        uint64_t weight = es_keymap_hash(self->brokers[i].rank, key);
        if (weight < most) continue;
        most = weight;
        best = i;
    }
    return best;
}

static void flush(broker_t *to)
{
    unsigned count = to->bundle->count;
    if (count == 0) return;
    es_metric_add(es_wire_send_bundle(to->push, NULL, es_span(ES_BUNDLE_KEY), to->bundle) == 0 ? &sent : &unsent,
                  count);
    es_bundle_clear(to->bundle);
}

int es_sender_link_send(es_sender_link_t *self, int broker, es_span_t key, const es_msg_t *msg, const void *body,
                        size_t len)
{
    broker_t *to = &self->brokers[broker];
    es_msg_t stamped = *msg;
    if (stamped.time_us == 0) stamped.time_us = es_wall_us();
    es_bundle_add_t added = es_bundle_add(to->bundle, key, &stamped, body, len);
    if (added != ES_BUNDLE_TAKEN) flush(to);
    if (added == ES_BUNDLE_FULL) added = es_bundle_add(to->bundle, key, &stamped, body, len);
    if (added == ES_BUNDLE_TAKEN) return 0;
    int rc = es_wire_send(to->push, NULL, key, &stamped, body, len);
    es_metric_add(rc == 0 ? &sent : &unsent, 1);
    return rc;
}

void es_sender_link_flush(es_sender_link_t *self)
{
    for (int i = 0; i < self->n; i++) flush(&self->brokers[i]);
}

void es_sender_link_subscribe(es_sender_link_t *self, es_span_t topic, bool on)
{
    for (int i = 0; i < self->n; i++)
        if (zmq_setsockopt(self->brokers[i].sub, on ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, topic.ptr, topic.len) != 0)
            es_log_error("cannot change a subscription", ES_S("broker", self->brokers[i].base),
                         ES_S("error", zmq_strerror(zmq_errno())));
}

const char *es_sender_link_key(const es_sender_link_t *self)
{
    return self->own_key;
}

int es_sender_link_sockets(const es_sender_link_t *self, void *sockets[], int max)
{
    int n = self->n < max ? self->n : max;
    for (int i = 0; i < n; i++) sockets[i] = self->brokers[i].sub;
    return n;
}

void es_sender_link_deliver(es_sender_t *sender, bool own, const es_msg_t *msg, const void *body, size_t len,
                            uint64_t now_us)
{
    if (own)
        es_sender_receive(sender, msg, body, len, now_us);
    else if (!es_sender_overhear(sender, msg, now_us))
        es_metric_add(&astray, 1);
}

/* The incarnation follows `sys/` in hex. */
static uint64_t beacon_inc(es_span_t key)
{
    char digits[17] = "";
    if (key.len == 20) memcpy(digits, key.ptr + 4, 16);
    return strtoull(digits, NULL, 16);
}

static void leaves(es_sender_link_t *self, broker_t *broker)
{
    if (!broker->beacon_us) return;
    broker->beacon_us = 0;
    self->changed = true;
    es_log_info("broker leaves", ES_S("broker", broker->base));
}

static void on_beacon(es_sender_link_t *self, broker_t *broker, es_span_t key, const es_msg_t *beacon, uint64_t now_us)
{
    uint64_t inc = beacon_inc(key);
    bool known = broker->beacon_us != 0;
    if (beacon->flags & ES_F_LEAVING) {
        leaves(self, broker);
        return;
    }
    if (!known || broker->inc != inc) {
        self->changed = true;
        es_log_info(known ? "broker was restarted" : "broker is live", ES_S("broker", broker->base));
    }
    broker->inc = inc;
    broker->beacon_us = now_us;
}

static void hand_over(es_sender_link_t *self, const broker_t *broker, es_span_t key, const es_msg_t *msg,
                      es_span_t body, uint64_t now_us)
{
    self->ops->message(self->ctx, (int)(broker - self->brokers), key, msg, body.ptr, body.len, now_us);
}

static void on_bundle(es_sender_link_t *self, broker_t *broker, es_wire_t *wire, uint64_t now_us)
{
    es_span_t rest = es_wire_body(wire);
    es_bundle_item_t item;
    es_msg_t msg;
    int rc;
    while ((rc = es_wire_unbundle(&rest, self->decoder, &item, &msg)) != 0 && rc != -1)
        if (rc == 1)
            hand_over(self, broker, item.key, &msg, item.body, now_us);
        else
            es_metric_add(&malformed, 1); /* one worker's mistake; the other items are other workers' */
    if (rc == 0) return;
    es_metric_add(&malformed, 1);
    es_log_warn("rest of a bundle dropped", ES_S("broker", broker->base));
}

static void on_message(es_sender_link_t *self, broker_t *broker, es_wire_t *wire, uint64_t now_us)
{
    es_span_t key = es_wire_key(wire), body = es_wire_body(wire);
    es_metric_add(&received, 1);
    if (!wire->ok) {
        es_metric_add(&malformed, 1);
        es_log_warn("message from the broker dropped", ES_S("broker", broker->base), ES_S("reason", wire->reason));
    } else if (wire->msg.kind == ES_BEACON) {
        on_beacon(self, broker, key, &wire->msg, now_us);
        if (self->ops->beacon) self->ops->beacon(self->ctx, key, &wire->msg, body, now_us);
    } else if (wire->msg.kind == ES_PROBED && es_span_eq(key, es_span(self->own_key))) {
        broker->probed_us = now_us;
        if (!self->probed) es_health_unready(NULL);
        self->probed = true;
        broker->workers = wire->msg.load;
    } else if (wire->msg.kind == ES_BUNDLE) {
        on_bundle(self, broker, wire, now_us);
    } else if (wire->msg.kind == ES_DRAIN) {
        if (self->ops->drain && es_span_eq(key, es_span(self->own_key))) self->ops->drain(self->ctx, now_us);
    } else if (key.len < 4 || memcmp(key.ptr, "sys/", 4) != 0) {
        hand_over(self, broker, key, &wire->msg, body, now_us);
    }
}

static void report_change(es_sender_link_t *self, uint64_t now_us)
{
    if (!self->changed) return;
    uint64_t n = 0;
    self->changed = false;
    for (int i = 0; i < self->n; i++) n += self->brokers[i].beacon_us != 0;
    es_metric_set(&live, n);
    if (self->ops->changed) self->ops->changed(self->ctx, now_us);
}

bool es_sender_link_drain(es_sender_link_t *self, int max, uint64_t now_us)
{
    bool more = false;
    self->now_us = now_us;
    for (int i = 0; i < self->n; i++) {
        int n = 0;
        es_wire_t wire;
        while (n < max && es_wire_recv(&wire, self->brokers[i].sub, false, self->decoder) == 0) {
            on_message(self, &self->brokers[i], &wire, now_us);
            es_wire_close(&wire);
            n++;
        }
        more = more || n == max;
    }
    report_change(self, now_us);
    return more;
}

static uint64_t probe(es_sender_link_t *self, broker_t *broker, uint64_t now_us)
{
    if (now_us < broker->probe_us) return broker->probe_us;
    es_msg_t msg = {.kind = ES_PROBE};
    ES_SET(&msg, ES_M_INC, inc, self->inc);
    ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
    es_wire_send(broker->push, NULL, es_span(self->own_key), &msg, NULL, 0);
    bool answered = broker->probed_us && now_us < broker->probed_us + READY_US;
    broker->probe_us = now_us + (answered ? PROBE_US : PROBE_EARLY_US);
    return broker->probe_us;
}

static void send_report(es_sender_link_t *self, uint64_t flags)
{
    es_msg_t msg = {.kind = ES_REPORT};
    if (!self->report.name[0]) return;
    ES_SET(&msg, ES_M_INC, inc, self->inc);
    ES_SET(&msg, ES_M_NAME, name, es_span(self->report.name));
    ES_SET(&msg, ES_M_LOAD, load, self->report.streams);
    ES_SET(&msg, ES_M_COUNT, count, self->report.frames);
    ES_SET(&msg, ES_M_LAG_US, lag_us, self->report.lag_us);
    if (self->report.service) ES_SET(&msg, ES_M_SERVICE, service, es_span(self->report.service));
    if (flags) ES_SET(&msg, ES_M_FLAGS, flags, flags);
    for (int i = 0; i < self->n; i++) es_wire_send(self->brokers[i].push, NULL, es_span(self->own_key), &msg, NULL, 0);
}

void es_sender_link_destroy(es_sender_link_t **self_p)
{
    es_sender_link_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_sender_link_flush(self);
    send_report(self, ES_F_LEAVING);
    int linger = 100; /* ms: for the CLOSEs of a drain */
    for (int i = 0; i < self->n; i++) {
        es_leg_fini(&self->brokers[i].push_leg);
        es_leg_fini(&self->brokers[i].sub_leg);
        zmq_setsockopt(self->brokers[i].push, ZMQ_LINGER, &linger, sizeof linger);
        zmq_close(self->brokers[i].push);
        zmq_close(self->brokers[i].sub);
        free(self->brokers[i].bundle);
    }
    es_decoder_destroy(&self->decoder);
    free(self);
}

/* Were we the ones who stood still? Then beacons wait unread, and silence proves nothing yet. */
static void forgive(es_sender_link_t *self, uint64_t now_us)
{
    if (now_us < self->now_us + STOOD_STILL_US) return;
    for (int i = 0; i < self->n; i++)
        if (self->brokers[i].beacon_us) self->brokers[i].beacon_us = now_us;
}

static void bury_predecessor(es_sender_link_t *self, broker_t *broker)
{
    if (broker->told || !self->predecessor.key[0]) return;
    es_msg_t msg = {.kind = ES_REPORT};
    ES_SET(&msg, ES_M_NAME, name, es_span(self->predecessor.name));
    ES_SET(&msg, ES_M_FLAGS, flags, ES_F_LEAVING);
    broker->told = es_wire_send(broker->push, NULL, es_span(self->predecessor.key), &msg, NULL, 0) == 0;
}

/* What is sent would come through. */
static void tell_health(es_sender_link_t *self, uint64_t now_us)
{
    if (!self->start_us) self->start_us = now_us;
    uint64_t last_us = self->start_us;
    self->health_us = now_us + HEALTH_US;
    for (int i = 0; i < self->n; i++)
        if (self->brokers[i].probed_us > last_us) last_us = self->brokers[i].probed_us;
    uint64_t silent_us = now_us < last_us + READY_US ? 0 : now_us - last_us;
    es_health_lag(ES_HEALTH_LINK, silent_us, "no probe through a broker has come back for %.1f s: is %s running?",
                  (double)silent_us / 1e6, self->brokers[0].base);
}

/* What ended their connections is read late, and only to mend it. */
static uint64_t tick_legs(broker_t *broker, uint64_t now_us)
{
    es_leg_take(&broker->push_leg, now_us);
    es_leg_take(&broker->sub_leg, now_us);
    uint64_t push = es_leg_tick(&broker->push_leg, now_us), sub = es_leg_tick(&broker->sub_leg, now_us);
    return push < sub ? push : sub;
}

uint64_t es_sender_link_tick(es_sender_link_t *self, uint64_t now_us)
{
    forgive(self, now_us);
    self->now_us = now_us;
    if (now_us >= self->report.due_us) {
        self->report.due_us = now_us + REPORT_US;
        send_report(self, 0);
    }
    uint64_t next = self->report.due_us;
    for (int i = 0; i < self->n; i++) {
        broker_t *broker = &self->brokers[i];
        bury_predecessor(self, broker);
        if (broker->beacon_us && now_us >= broker->beacon_us + BEACON_FRESH_US) {
            broker->beacon_us = 0;
            self->changed = true;
            es_log_warn("broker is silent", ES_S("broker", broker->base));
        }
        uint64_t at = probe(self, broker, now_us);
        if (broker->beacon_us && broker->beacon_us + BEACON_FRESH_US < at) at = broker->beacon_us + BEACON_FRESH_US;
        uint64_t legs = tick_legs(broker, now_us);
        if (legs < at) at = legs;
        if (at < next) next = at;
    }
    report_change(self, now_us);
    if (now_us >= self->health_us) tell_health(self, now_us);
    return next;
}

bool es_sender_link_ready(const es_sender_link_t *self)
{
    for (int i = 0; i < self->n; i++)
        if (self->brokers[i].probed_us && self->now_us < self->brokers[i].probed_us + READY_US) return true;
    return false;
}

bool es_sender_link_refused(const es_sender_link_t *self)
{
    for (int i = 0; i < self->n; i++)
        if (!self->brokers[i].push_leg.refused && !self->brokers[i].sub_leg.refused) return false;
    return true;
}

uint64_t es_sender_link_workers(const es_sender_link_t *self)
{
    uint64_t most = 0;
    for (int i = 0; i < self->n; i++) {
        const broker_t *broker = &self->brokers[i];
        bool fresh = broker->probed_us && self->now_us < broker->probed_us + READY_US;
        if (fresh && broker->workers > most) most = broker->workers;
    }
    return most;
}

void es_sender_link_report(es_sender_link_t *self, const char *name, uint64_t streams, uint64_t frames, uint64_t lag_us)
{
    snprintf(self->report.name, sizeof self->report.name, "%s", name);
    self->report.streams = streams;
    self->report.frames = frames;
    self->report.lag_us = lag_us;
}

void es_sender_link_serves(es_sender_link_t *self, const char *service)
{
    self->report.service = service;
}

void es_sender_link_succeeds(es_sender_link_t *self, const char *prefix, const char *name)
{
    snprintf(self->predecessor.key, sizeof self->predecessor.key, "%.*s0000000000", (int)ES_PREFIX_LEN, prefix);
    snprintf(self->predecessor.name, sizeof self->predecessor.name, "%s", name);
}
