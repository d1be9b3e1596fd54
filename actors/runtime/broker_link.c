#include "broker_link.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

enum {
    LINK_HWM = 16384,      /* messages; a stream's window is 512 frames */
    LINGER_MS = 250,       /* for GOODBYE and the last finals */
    HEARD_US = 1500000,    /* brokers PING every second: one missed and we introduce ourselves again */
    HELLO_US = 1000000,    /* between two HELLOs that were not answered */
    HELLO_MIN_US = 100000, /* between two of them in any case */
    RETRY_MIN_US = 10000,  /* where HELLO could not leave: connecting takes about a millisecond */
    RETRY_MAX_US = 500000,
    MUTE_US = 1000000 /* for a results leg to come, or to come back: both are cut when a broker's keys change */
};

void es_broker_link_init(es_broker_link_t *self, const es_endpoints_t *broker, const char *incarnation,
                         const es_broker_link_ops_t *ops, void *ctx, es_decoder_t *decoder)
{
    *self = (es_broker_link_t){.ops = ops, .ctx = ctx, .decoder = decoder, .retry_us = RETRY_MIN_US};
    memcpy(self->broker, broker->base, sizeof self->broker);
    self->results = es_wire_socket(ZMQ_PUB, LINK_HWM);
    self->dealer = es_wire_socket(ZMQ_DEALER, LINK_HWM);
    zmq_setsockopt(self->dealer, ZMQ_ROUTING_ID, incarnation, strlen(incarnation));
    es_leg_init(&self->results_leg, self->results, broker->results);
    es_leg_init(&self->backend_leg, self->dealer, broker->backend);
}

void es_broker_link_fini(es_broker_link_t *self)
{
    int linger = LINGER_MS;
    es_leg_fini(&self->backend_leg);
    es_leg_fini(&self->results_leg);
    zmq_setsockopt(self->dealer, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(self->results, ZMQ_LINGER, &linger, sizeof linger);
    zmq_close(self->dealer);
    zmq_close(self->results);
}

static bool on_dealer(void *ctx, uint64_t now_us)
{
    es_broker_link_t *self = ctx;
    unsigned n = 0;
    for (; n < ES_LOOP_BATCH; n++) {
        es_wire_t wire;
        if (es_wire_recv(&wire, self->dealer, false, self->decoder) != 0) break;
        self->heard_us = now_us;
        self->ops->message(self->ctx, self, &wire, now_us);
        es_wire_close(&wire);
    }
    es_loop_count(self->loop, n);
    return n == ES_LOOP_BATCH;
}

static void introduce_anew(es_broker_link_t *self)
{
    self->sent_us = self->heard_us = self->hello_us = 0;
}

static bool on_backend_leg(void *ctx, uint64_t now_us)
{
    es_broker_link_t *self = ctx;
    if (es_leg_take(&self->backend_leg, now_us)) introduce_anew(self);
    return false;
}

static bool on_results_leg(void *ctx, uint64_t now_us)
{
    es_broker_link_t *self = ctx;
    if (es_leg_take(&self->results_leg, now_us) && self->ops->goodbye) introduce_anew(self);
    return false;
}

void es_broker_link_attach(es_broker_link_t *self, es_loop_t *loop)
{
    self->loop = loop;
    es_loop_add_socket(loop, self->dealer, on_dealer, self);
    if (self->backend_leg.monitor) es_loop_add_socket(loop, self->backend_leg.monitor, on_backend_leg, self);
    if (self->results_leg.monitor) es_loop_add_socket(loop, self->results_leg.monitor, on_results_leg, self);
}

void es_broker_link_hello_soon(es_broker_link_t *self)
{
    self->heard_us = 0;
    self->hello_us = self->sent_us ? self->sent_us + HELLO_MIN_US : 0;
}

/* What we publish does not get there, and it would matter. */
static bool is_unheard(const es_broker_link_t *self)
{
    return self->ops->goodbye && !es_leg_up(&self->results_leg);
}

uint64_t es_broker_link_mute(const es_broker_link_t *self, uint64_t now_us)
{
    return self->left ? now_us - self->mute_us : 0;
}

static uint64_t speak_again(es_broker_link_t *self)
{
    if (self->left && es_leg_up(&self->results_leg))
        es_log_info("connected to the broker's results again", ES_S("endpoint", self->results_leg.endpoint));
    self->mute_us = 0;
    self->left = false;
    return UINT64_MAX;
}

/* Leaves a broker that would not hear a word. */
static uint64_t watch_results(es_broker_link_t *self, uint64_t now_us)
{
    if (!is_unheard(self) || !es_leg_up(&self->backend_leg)) return speak_again(self);
    if (!self->mute_us) self->mute_us = now_us;
    if (self->left) return UINT64_MAX;
    if (now_us < self->mute_us + MUTE_US) return self->mute_us + MUTE_US;
    self->left = true;
    es_log_warn("no streams from this broker: its results endpoint, where the words go, cannot be reached though its "
                "backend can; is the port open?",
                ES_S("broker", self->broker), ES_S("endpoint", self->results_leg.endpoint));
    self->ops->goodbye(self->ctx, self);
    return UINT64_MAX;
}

static uint64_t introduce(es_broker_link_t *self, uint64_t now_us)
{
    if (is_unheard(self)) return UINT64_MAX; /* on_results_leg wakes us */
    if (self->heard_us && now_us < self->heard_us + HEARD_US) return self->heard_us + HEARD_US;
    if (now_us < self->hello_us) return self->hello_us;
    if (self->ops->hello(self->ctx, self) == 0) {
        self->sent_us = now_us;
        self->hello_us = now_us + HELLO_US;
        self->retry_us = RETRY_MIN_US;
    } else {
        self->hello_us = now_us + self->retry_us;
        self->retry_us = self->retry_us < RETRY_MAX_US / 2 ? 2 * self->retry_us : RETRY_MAX_US;
    }
    return self->hello_us;
}

uint64_t es_broker_link_tick(es_broker_link_t *self, uint64_t now_us)
{
    uint64_t next = introduce(self, now_us), mute = watch_results(self, now_us);
    uint64_t backend = es_leg_tick(&self->backend_leg, now_us), results = es_leg_tick(&self->results_leg, now_us);
    if (mute < next) next = mute;
    if (backend < next) next = backend;
    return results < next ? results : next;
}
