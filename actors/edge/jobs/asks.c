#include "asks.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "job_wire.h"
#include "jobs_metrics.h"
#include "timers.h"

enum { NUMBERS = 64 }; /* keys that questions spread over, so that several jobs actors share them */

static const char unavailable[] =
    "{\"error\":\"jobs_unavailable\",\"message\":\"No jobs actor has answered for 5 s; is one running?\"}";

/* seq names the slot (seq % ES_ASKS_MAX) and which question has it now; 0: it is free. */
typedef struct ask {
    es_timer_t timer; /* first: timers are asks */
    uint64_t seq, until_us;
    unsigned number; /* of its key */
    const char *verb;
    char *json;
    size_t len;
    es_told_fn told;
    void *ctx;
    struct ask *next_free;
} ask_t;

struct es_asks {
    const char *own_key;
    es_asks_ops_t ops;
    es_timers_t timers;
    ask_t *free;
    size_t under_way;
    unsigned spread;            /* number of the next question */
    uint64_t turn[ES_ASKS_MAX]; /* how often the slot was used */
    ask_t slots[ES_ASKS_MAX];
};

es_asks_t *es_asks_new(const char *own_key, const es_asks_ops_t *ops)
{
    es_asks_t *self = es_alloc_zero(sizeof *self);
    self->own_key = own_key;
    self->ops = *ops;
    for (size_t i = ES_ASKS_MAX; i-- > 0;) {
        self->slots[i].next_free = self->free;
        self->free = &self->slots[i];
    }
    return self;
}

void es_asks_destroy(es_asks_t **self_p)
{
    es_asks_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (size_t i = 0; i < ES_ASKS_MAX; i++) free(self->slots[i].json);
    es_timers_fini(&self->timers);
    free(self);
}

static void say(es_asks_t *self, ask_t *ask, uint64_t now_us)
{
    char key[ES_KEY_MAX];
    es_msg_t msg = {.kind = ES_JOB_ASK, .seq = ask->seq};
    snprintf(key, sizeof key, ES_JOBS_TOPIC "%s-%u", self->own_key, ask->number);
    ES_SET(&msg, ES_M_CLIENT, client, es_span(self->own_key));
    ES_SET(&msg, ES_M_NAME, name, es_span(ask->verb));
    self->ops.send(self->ops.ctx, es_span(key), &msg, ask->json, ask->len);
    es_timers_arm(&self->timers, &ask->timer, now_us + ES_ASKS_AGAIN_US);
}

uint64_t es_asks_ask_again(es_asks_t *self, unsigned number, const char *verb, es_span_t json, es_told_fn told,
                           void *ctx, uint64_t now_us)
{
    ask_t *ask = self->free;
    if (!ask) {
        es_metric_add(&es_edge_asks_refused, 1);
        return 0;
    }
    size_t slot = (size_t)(ask - self->slots);
    self->free = ask->next_free;
    *ask = (ask_t){.seq = ++self->turn[slot] * ES_ASKS_MAX + slot,
                   .until_us = now_us + ES_ASKS_PATIENCE_US,
                   .number = number % NUMBERS,
                   .verb = verb,
                   .json = es_alloc_copy(json.ptr, json.len),
                   .len = json.len,
                   .told = told,
                   .ctx = ctx};
    es_metric_add(&es_edge_asks, 1);
    es_metric_set(&es_edge_asks_open, ++self->under_way);
    say(self, ask, now_us);
    return ask->seq;
}

uint64_t es_asks_ask(es_asks_t *self, const char *verb, es_span_t json, es_told_fn told, void *ctx, uint64_t now_us)
{
    return es_asks_ask_again(self, self->spread++, verb, json, told, ctx, now_us);
}

static ask_t *find(es_asks_t *self, uint64_t seq)
{
    ask_t *ask = &self->slots[seq % ES_ASKS_MAX];
    return seq && ask->seq == seq ? ask : NULL;
}

static void release(es_asks_t *self, ask_t *ask)
{
    es_timers_disarm(&self->timers, &ask->timer);
    free(ask->json);
    ask->json = NULL;
    ask->seq = 0;
    ask->next_free = self->free;
    self->free = ask;
    es_metric_set(&es_edge_asks_open, --self->under_way);
}

void es_asks_forget(es_asks_t *self, uint64_t seq)
{
    ask_t *ask = find(self, seq);
    if (ask) release(self, ask);
}

/* Released first: the asker may ask again at once. */
static void answer(es_asks_t *self, ask_t *ask, const es_told_t *told, uint64_t now_us)
{
    es_told_fn fn = ask->told;
    void *ctx = ask->ctx;
    release(self, ask);
    fn(ctx, told, now_us);
}

/* What is no status of HTTP is the jobs actor's mistake, and must not become ours. */
static unsigned status_of(const es_msg_t *msg)
{
    return msg->count >= 200 && msg->count <= 599 ? (unsigned)msg->count : 502;
}

void es_asks_told(es_asks_t *self, const es_msg_t *msg, const void *body, size_t len, uint64_t now_us)
{
    ask_t *ask = find(self, msg->seq);
    if (!ask) return; /* answered already: it was asked twice */
    es_told_t told = {.status = status_of(msg),
                      .type = ES_HAS(msg, ES_M_TEXT) && msg->text.len ? msg->text : es_span("application/json"),
                      .body = es_span_of(body, len),
                      .more = ES_HAS(msg, ES_M_TO),
                      .next = msg->to_seq,
                      .end = ES_HAS(msg, ES_M_END) ? msg->end : 0,
                      .number = ask->number};
    answer(self, ask, &told, now_us);
}

uint64_t es_asks_tick(es_asks_t *self, uint64_t now_us)
{
    const es_told_t nobody = {.status = 503, .type = es_span("application/json"), .body = es_span(unavailable)};
    ask_t *ask;
    while ((ask = (ask_t *)es_timers_due(&self->timers, now_us))) {
        if (now_us < ask->until_us) {
            es_metric_add(&es_edge_asks_again, 1);
            ask->number = (ask->number + 1) % NUMBERS;
            say(self, ask, now_us);
            continue;
        }
        es_metric_add(&es_edge_asks_unanswered, 1);
        answer(self, ask, &nobody, now_us);
    }
    return es_timers_next(&self->timers);
}

size_t es_asks_under_way(const es_asks_t *self)
{
    return self->under_way;
}
