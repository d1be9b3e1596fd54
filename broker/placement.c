#include "placement_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define MS UINT64_C(1000)
#define SECOND UINT64_C(1000000)

#define ES_PLACEMENT_TICK_US (100 * MS)

es_placement_config_t es_placement_defaults(void)
{
    return (es_placement_config_t){.max_streams = 65536,
                                   .max_waiting = 4096,
                                   .max_workers = 1024,
                                   .max_services = 64,
                                   .stream_idle_us = 900 * SECOND,
                                   .wait_expiry_us = 3 * SECOND,
                                   .settle_us = 300 * MS,
                                   .learn_us = 2 * SECOND,
                                   .rewind_us = 100 * MS,
                                   .quarantine = 10,
                                   .suspect = 3,
                                   .clear_us = 10 * SECOND,
                                   .live_reserve = 1,
                                   .seed = 1};
}

es_placement_t *es_placement_new(const es_placement_config_t *config, uint64_t now_us)
{
    es_placement_t *self = es_alloc_zero(sizeof *self);
    self->config = config ? *config : es_placement_defaults();
    self->settled_us = now_us + self->config.settle_us;
    self->learned_us = now_us + self->config.learn_us;
    self->streams = es_map_new(self->config.seed);
    self->waiters = es_map_new(self->config.seed);
    TAILQ_INIT(&self->ages);
    es_pool_init(&self->pool, self->config.max_services, self->config.max_workers);
    es_batch_init(&self->batch, self->config.live_reserve);
    return self;
}

size_t es_placement_own(const es_placement_t *self)
{
    return self->stats.streams - self->stats.taught;
}

size_t es_placement_free_places(const es_placement_t *self, const es_service_t *service, uint64_t now_us)
{
    size_t own = es_placement_own(self);
    if (now_us < self->settled_us || own >= self->config.max_streams) return 0;
    return es_pool_free(&self->pool, service, self->config.max_streams - own);
}

/* ---- streams ---- */

static void attach(es_placed_t *stream, es_pool_worker_t *w)
{
    stream->worker = w;
    LIST_INSERT_HEAD(&w->streams, stream, of_worker);
    w->placed++;
}

static void detach(es_placed_t *stream)
{
    LIST_REMOVE(stream, of_worker);
    stream->worker->placed--;
    stream->worker->learned -= stream->learned;
    if (stream->worker->suspect == stream) stream->worker->suspect = NULL;
    stream->worker = NULL;
}

es_placed_t *es_placement_add_stream(es_placement_t *self, es_span_t key, es_pool_worker_t *w, uint64_t epoch,
                                     uint64_t now_us)
{
    es_placed_t *stream = es_alloc_zero(sizeof *stream + key.len);
    memcpy(stream->key, key.ptr, key.len);
    stream->len = key.len;
    stream->epoch = epoch;
    stream->last_us = stream->seen_us = now_us;
    attach(stream, w);
    TAILQ_INSERT_TAIL(&self->ages, stream, of_age);
    es_map_put(self->streams, es_span_of(stream->key, stream->len), stream);
    self->stats.streams++;
    return stream;
}

void es_placement_remove_stream(es_placement_t *self, es_placed_t *stream)
{
    es_map_remove(self->streams, es_span_of(stream->key, stream->len));
    TAILQ_REMOVE(&self->ages, stream, of_age);
    es_batch_set(&self->batch, stream, false);
    self->stats.streams--;
    self->stats.taught -= stream->learned;
    detach(stream);
    free(stream);
}

void es_placement_remove_waiter(es_placement_t *self, es_waiter_t *waiter)
{
    es_service_t *s = waiter->owner;
    es_map_remove(self->waiters, es_span_of(waiter->key, waiter->len));
    es_waiting_remove(&s->queue, waiter);
    free(waiter);
    self->stats.waiting--;
}

/* ---- routing ---- */

static es_route_t drop(es_placement_t *self, es_route_reason_t reason)
{
    self->stats.drops[reason]++;
    return (es_route_t){.verdict = ES_ROUTE_DROP, .reason = reason};
}

static es_route_t wait(es_placement_t *self, const es_msg_t *msg, uint64_t place)
{
    self->stats.waits++;
    self->stats.waits_full += es_placement_own(self) >= self->config.max_streams;
    return (es_route_t){.verdict = ES_ROUTE_WAIT, .epoch = msg->epoch, .place = place};
}

static es_route_t forward(es_placement_t *self, const es_placed_t *stream)
{
    self->stats.forwards++;
    return (es_route_t){.verdict = ES_ROUTE_FORWARD, .worker = stream->worker->inc};
}

static bool is_batch(const es_msg_t *start)
{
    return ES_HAS(start, ES_M_PRIORITY) && start->priority > 0;
}

static bool is_suspect(const es_placement_t *self, const es_msg_t *start)
{
    return self->config.suspect > 0 && start->deaths + start->shared >= self->config.suspect;
}

static es_route_t forward_new(es_placement_t *self, es_span_t key, es_pool_worker_t *w, const es_msg_t *start,
                              uint64_t now_us)
{
    es_placed_t *stream = es_placement_add_stream(self, key, w, start->epoch, now_us);
    stream->base = start->committed;
    es_batch_set(&self->batch, stream, is_batch(start));
    if (is_suspect(self, start)) {
        w->suspect = stream;
        w->cleared_us = now_us + self->config.clear_us;
        self->stats.suspected++;
    }
    self->stats.placed++;
    self->stats.forwards++;
    return (es_route_t){.verdict = ES_ROUTE_FORWARD, .worker = w->inc, .placed = true};
}

static es_lane_t lane_of(const es_msg_t *msg)
{
    if (is_batch(msg)) return ES_LANE_BATCH;
    return ES_HAS(msg, ES_M_BASE) && msg->base > 0 ? ES_LANE_GOING : ES_LANE_LIVE;
}

/* A worker for a START that has so many before it; NULL: it must wait. */
static es_pool_worker_t *pick(const es_placement_t *self, const es_service_t *s, const es_msg_t *start, uint64_t ahead,
                              uint64_t now_us)
{
    size_t free = es_placement_free_places(self, s, now_us);
    uint64_t clean_us = is_suspect(self, start) ? now_us : 0;
    if (is_batch(start)) free = es_batch_free(&self->batch, &self->pool, s, free, now_us);
    if (ahead >= free) return NULL;
    return is_batch(start) ? es_batch_pick(&self->batch, &self->pool, s, clean_us, now_us)
                           : es_pool_pick(&self->pool, s, &(es_pool_want_t){.clean_us = clean_us});
}

/* A live stream waits: which batch stream is to give its place back? */
static es_route_t wait_and_ask(es_placement_t *self, const es_waiter_t *waiter, const es_msg_t *msg, uint64_t now_us)
{
    es_service_t *s = waiter->owner;
    uint64_t place = es_waiting_place(&s->queue, waiter), free = es_placement_free_places(self, s, now_us);
    es_route_t route = wait(self, msg, place);
    if (waiter->lane == ES_LANE_BATCH || place <= free || now_us < self->settled_us) return route;
    const es_placed_t *other = es_batch_to_yield(&self->batch, s, place - free - 1, now_us);
    if (!other) return route;
    route.yields = es_span_of(other->key, other->len);
    route.yields_epoch = other->epoch;
    self->stats.yields++;
    return route;
}

static es_route_t enqueue(es_placement_t *self, es_service_t *s, es_span_t key, const es_msg_t *msg, uint64_t now_us)
{
    size_t n = es_waiting_count(&s->queue);
    if (n >= self->config.max_waiting) {
        self->stats.wait_refused++;
        es_pool_release_service(&self->pool, s);
        return wait(self, msg, n + 1);
    }
    es_waiter_t *waiter = es_waiting_add(&s->queue, lane_of(msg), key, s);
    waiter->epoch = msg->epoch;
    waiter->since_us = waiter->last_us = now_us;
    es_map_put(self->waiters, es_span_of(waiter->key, waiter->len), waiter);
    self->stats.waiting++;
    return wait_and_ask(self, waiter, msg, now_us);
}

/* A START of a stream that has no worker. */
static es_route_t place_or_wait(es_placement_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us)
{
    if (msg->epoch == 0 || msg->service.len == 0) return drop(self, ES_ROUTE_BAD_START);
    if (self->config.quarantine > 0 && msg->deaths >= self->config.quarantine) {
        self->stats.quarantined++;
        return (es_route_t){.verdict = ES_ROUTE_REFUSE, .epoch = msg->epoch};
    }
    es_service_t *s = es_pool_need_service(&self->pool, msg->service);
    if (!s) return drop(self, ES_ROUTE_NO_SERVICE);
    es_waiter_t *waiter = es_map_get(self->waiters, key);
    if (waiter && waiter->epoch > msg->epoch) return drop(self, ES_ROUTE_STALE);
    if (waiter && waiter->owner != s) {
        es_service_t *other = waiter->owner;
        es_placement_remove_waiter(self, waiter);
        es_pool_release_service(&self->pool, other);
        waiter = NULL;
    }
    uint64_t ahead = waiter ? es_waiting_place(&s->queue, waiter) - 1 : es_waiting_ahead(&s->queue, lane_of(msg));
    es_pool_worker_t *w = pick(self, s, msg, ahead, now_us);
    if (w) {
        if (waiter) es_placement_remove_waiter(self, waiter);
        return forward_new(self, key, w, msg, now_us);
    }
    if (!waiter) return enqueue(self, s, key, msg, now_us);
    waiter->epoch = msg->epoch;
    waiter->last_us = now_us;
    return wait_and_ask(self, waiter, msg, now_us);
}

/* The key's next stream wants another service. */
static es_route_t change_service(es_placement_t *self, es_placed_t *stream, const es_msg_t *msg, uint64_t now_us)
{
    uint64_t displaced = stream->worker->inc;
    char copy[ES_KEY_MAX];
    memcpy(copy, stream->key, stream->len);
    es_span_t key = es_span_of(copy, stream->len);
    es_placement_remove_stream(self, stream);
    self->stats.moved++;
    es_route_t route = place_or_wait(self, key, msg, now_us);
    route.displaced = displaced;
    return route;
}

/* A new epoch leaves a draining worker where another has a place, and a worker of another service in any case. */
static es_route_t begin_anew(es_placement_t *self, es_placed_t *stream, const es_msg_t *msg, uint64_t now_us)
{
    es_pool_worker_t *old = stream->worker;
    if (msg->service.len > 0 && es_pool_service(&self->pool, msg->service) != old->service)
        return change_service(self, stream, msg, now_us);
    es_pool_worker_t *successor = old->capacity == 0 ? es_pool_pick(&self->pool, old->service, NULL) : NULL;
    if (!successor) return forward(self, stream);
    detach(stream);
    attach(stream, successor);
    self->stats.moved++;
    es_route_t route = forward(self, stream);
    route.displaced = old->inc;
    return route;
}

/* It is ours, not another broker's. */
static void confirm(es_placement_t *self, es_placed_t *stream)
{
    self->stats.taught -= stream->learned;
    stream->worker->learned -= stream->learned;
    stream->learned = false;
}

static es_route_t route_known(es_placement_t *self, es_placed_t *stream, const es_msg_t *msg, uint64_t now_us)
{
    if (msg->epoch < stream->epoch) return drop(self, ES_ROUTE_STALE);
    bool anew = msg->epoch > stream->epoch && (msg->flags & ES_F_START);
    if (msg->flags & ES_F_START) es_batch_set(&self->batch, stream, is_batch(msg));
    confirm(self, stream);
    stream->epoch = msg->epoch;
    stream->last_us = now_us;
    if (stream->worker->suspect == stream && msg->committed > stream->base) stream->worker->suspect = NULL;
    return anew ? begin_anew(self, stream, msg, now_us) : forward(self, stream);
}

static es_route_t route_unknown(es_placement_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us)
{
    if (es_map_get(self->waiters, key)) return drop(self, ES_ROUTE_WAITING);
    if (now_us < self->learned_us) return drop(self, ES_ROUTE_LEARNING);
    uint64_t hash = es_map_hash(self->streams, key);
    size_t slot = hash % ES_PLACEMENT_RECENT;
    if (self->recent[slot].hash == hash && now_us - self->recent[slot].at_us < self->config.rewind_us)
        return drop(self, ES_ROUTE_LIMITED);
    self->recent[slot].hash = hash;
    self->recent[slot].at_us = now_us;
    self->stats.rewinds++;
    return (es_route_t){.verdict = ES_ROUTE_REWIND, .epoch = msg->epoch};
}

/* A place was given back: whose is it? */
static void call_next(const es_placement_t *self, const es_service_t *s, es_route_t *route, uint64_t now_us)
{
    const es_waiter_t *next = es_waiting_first(&s->queue);
    size_t free = es_placement_free_places(self, s, now_us);
    if (next && next->lane == ES_LANE_BATCH) free = es_batch_free(&self->batch, &self->pool, s, free, now_us);
    if (!next || free == 0) return;
    route->calls = es_span_of(next->key, next->len);
    route->calls_epoch = next->epoch;
}

static es_route_t route_close(es_placement_t *self, es_placed_t *stream, es_span_t key, const es_msg_t *msg,
                              uint64_t now_us)
{
    es_waiter_t *waiter = es_map_get(self->waiters, key);
    if (waiter && msg->epoch >= waiter->epoch) {
        es_service_t *s = waiter->owner;
        es_placement_remove_waiter(self, waiter);
        es_pool_release_service(&self->pool, s);
    }
    if (!stream) return drop(self, ES_ROUTE_UNKNOWN);
    if (msg->epoch < stream->epoch) return drop(self, ES_ROUTE_STALE);
    es_route_t route = forward(self, stream);
    const es_service_t *s = stream->worker->service;
    es_placement_remove_stream(self, stream);
    self->stats.closed++;
    call_next(self, s, &route, now_us);
    return route;
}

es_route_t es_placement_route(es_placement_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us)
{
    assert(key.len > 0 && key.len <= ES_KEY_MAX);
    es_placed_t *stream = es_map_get(self->streams, key);
    if (msg->kind == ES_CLOSE) return route_close(self, stream, key, msg, now_us);
    if (msg->kind != ES_FRAME) return drop(self, ES_ROUTE_UNKNOWN);
    if (stream) return route_known(self, stream, msg, now_us);
    if (msg->flags & ES_F_START) return place_or_wait(self, key, msg, now_us);
    return route_unknown(self, key, msg, now_us);
}

const char *es_route_reason(es_route_reason_t reason)
{
    static const char *const words[ES_ROUTE_REASONS] = {"ok",      "stale",   "learning",  "waiting",
                                                        "limited", "unknown", "bad_start", "no_service"};
    return words[reason];
}

/* ---- time ---- */

static void expire_waiter(void *ctx, es_waiter_t *waiter)
{
    es_placement_t *self = ctx;
    self->stats.wait_expired++;
    es_placement_remove_waiter(self, waiter);
}

/* Ages are looked at lazily: a stream that was busy since it entered the list goes to its end, so that a frame costs one store.
 * Returns when the next one may be due. */
static uint64_t expire_streams(es_placement_t *self, uint64_t now_us)
{
    uint64_t idle = self->config.stream_idle_us, due = UINT64_MAX;
    for (es_placed_t *stream = TAILQ_FIRST(&self->ages), *next; stream; stream = next) {
        next = TAILQ_NEXT(stream, of_age);
        if (now_us - stream->seen_us < idle) return due < stream->seen_us + idle ? due : stream->seen_us + idle;
        if (now_us - stream->last_us >= idle) {
            es_placement_remove_stream(self, stream);
            self->stats.idled++;
            continue;
        }
        TAILQ_REMOVE(&self->ages, stream, of_age);
        stream->seen_us = stream->last_us;
        TAILQ_INSERT_TAIL(&self->ages, stream, of_age);
        if (stream->seen_us + idle < due) due = stream->seen_us + idle;
    }
    return due;
}

uint64_t es_placement_tick(es_placement_t *self, uint64_t now_us)
{
    uint64_t due = expire_streams(self, now_us);
    uint64_t before = now_us > self->config.wait_expiry_us ? now_us - self->config.wait_expiry_us : 0;
    es_service_t *s, *next;
    for (s = LIST_FIRST(&self->pool.services); s; s = next) {
        next = LIST_NEXT(s, link);
        es_waiting_expire(&s->queue, before, expire_waiter, self);
        es_pool_release_service(&self->pool, s);
    }
    return self->stats.waiting > 0 && now_us + ES_PLACEMENT_TICK_US < due ? now_us + ES_PLACEMENT_TICK_US : due;
}

/* ---- figures ---- */

size_t es_placement_free(const es_placement_t *self, es_span_t service, uint64_t now_us)
{
    es_service_t *s = service.len > 0 ? es_pool_service(&self->pool, service) : NULL;
    return service.len > 0 && !s ? 0 : es_placement_free_places(self, s, now_us);
}

/* Lanes are in the order of coming. */
static uint64_t live_since(const es_waiting_t *queue)
{
    uint64_t oldest_us = UINT64_MAX;
    for (int lane = ES_LANE_GOING; lane <= ES_LANE_LIVE; lane++) {
        const es_waiter_t *first = TAILQ_FIRST(&queue->lanes[lane]);
        if (first && first->since_us < oldest_us) oldest_us = first->since_us;
    }
    return oldest_us;
}

void es_placement_stats(const es_placement_t *self, es_placement_stats_t *out)
{
    *out = self->stats;
    out->workers = self->pool.worker_count;
    out->services = self->pool.service_count;
    out->batch = self->batch.count;
    const es_service_t *s;
    uint64_t oldest_us = UINT64_MAX;
    LIST_FOREACH(s, &self->pool.services, link)
    {
        uint64_t since_us = live_since(&s->queue);
        out->waiting_batch += s->queue.counts[ES_LANE_BATCH];
        if (since_us < oldest_us) oldest_us = since_us;
    }
    out->live_since_us = oldest_us == UINT64_MAX ? 0 : oldest_us;
}

void es_placement_destroy(es_placement_t **self_p)
{
    if (!self_p || !*self_p) return;
    es_placement_t *self = *self_p;
    es_pool_worker_t *w;
    while ((w = LIST_FIRST(&self->pool.workers))) es_placement_worker_lost(self, w->inc, NULL, NULL);
    self->config.wait_expiry_us = 0;
    es_placement_tick(self, UINT64_MAX);
    es_map_destroy(&self->streams);
    es_map_destroy(&self->waiters);
    free(self);
    *self_p = NULL;
}
