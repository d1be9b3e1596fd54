/* Workers that come, tell, drain and go, and senders that are gone: the part of placement that no frame passes. */
#include <string.h>

#include "placement_state.h"

int es_placement_worker_up(es_placement_t *self, uint64_t inc, es_span_t service, uint64_t capacity)
{
    es_pool_worker_t *w = es_pool_worker_up(&self->pool, inc, service, capacity);
    if (!w) return -1;
    w->hellos++;
    return 0;
}

bool es_placement_worker_load(es_placement_t *self, uint64_t inc, uint64_t load)
{
    es_pool_worker_t *w = es_pool_worker(&self->pool, inc);
    if (!w) return false;
    w->foreign = load > w->placed ? load - w->placed : 0;
    if (w->learned > 0 && load < w->placed) return true;
    return w->learned + w->foreign > 0 && es_waiting_count(&w->service->queue) > 0;
}

/* The worker said so in its last HELLO. */
static void listed(es_placed_t *stream)
{
    stream->hello = stream->worker->hellos;
}

void es_placement_worker_listed(es_placement_t *self, uint64_t inc)
{
    es_pool_worker_t *w = es_pool_worker(&self->pool, inc);
    if (!w) return;
    for (es_placed_t *stream = LIST_FIRST(&w->streams), *next; stream && w->learned > 0; stream = next) {
        next = LIST_NEXT(stream, of_worker);
        if (!stream->learned || stream->hello == w->hellos) continue;
        es_placement_remove_stream(self, stream);
        self->stats.unlearned++;
    }
}

static void add_learned(es_placement_t *self, es_pool_worker_t *w, const es_stream_ref_t *ref, uint64_t now_us)
{
    es_placed_t *stream = es_placement_add_stream(self, ref->key, w, ref->epoch, now_us);
    es_batch_set(&self->batch, stream, ref->priority > 0);
    stream->learned = true;
    w->learned++;
    listed(stream);
    self->stats.taught++;
    self->stats.learned++;
}

static bool lose(es_placement_t *self)
{
    self->stats.losers++;
    return false;
}

bool es_placement_learn(es_placement_t *self, uint64_t inc, const es_stream_ref_t *ref, uint64_t now_us)
{
    es_pool_worker_t *w = es_pool_worker(&self->pool, inc);
    es_placed_t *stream = es_map_get(self->streams, ref->key);
    if (stream && stream->worker == w) {
        if (ref->epoch > stream->epoch) stream->epoch = ref->epoch;
        listed(stream);
        return true;
    }
    if (!w) return lose(self);
    es_waiter_t *waiter = es_map_get(self->waiters, ref->key);
    bool waits = waiter && (waiter->epoch > ref->epoch || waiter->owner != w->service);
    if (waits || (stream && stream->epoch >= ref->epoch)) return lose(self);
    if (stream && (!stream->learned || stream->worker->service != w->service)) return true;
    if (stream) es_placement_remove_stream(self, stream);
    if (self->stats.taught >= self->config.max_streams) {
        self->stats.untaught++;
        return true;
    }
    if (waiter) {
        es_service_t *s = waiter->owner;
        es_placement_remove_waiter(self, waiter);
        es_pool_release_service(&self->pool, s);
    }
    add_learned(self, w, ref, now_us);
    return true;
}

size_t es_placement_worker_lost(es_placement_t *self, uint64_t inc, es_placement_lost_fn fn, void *ctx)
{
    es_pool_worker_t *w = es_pool_worker(&self->pool, inc);
    if (!w) return 0;
    size_t n = 0;
    for (es_placed_t *stream = LIST_FIRST(&w->streams), *next; stream; stream = next, n++) {
        next = LIST_NEXT(stream, of_worker);
        if (fn) fn(ctx, es_span_of(stream->key, stream->len), stream->epoch);
        es_placement_remove_stream(self, stream);
    }
    self->stats.lost += n;
    es_pool_worker_down(&self->pool, w);
    return n;
}

size_t es_placement_worker_suspect(const es_placement_t *self, uint64_t inc, char key[ES_KEY_MAX])
{
    const es_pool_worker_t *w = es_pool_worker(&self->pool, inc);
    if (!w || !w->suspect || w->foreign > 0) return 0;
    memcpy(key, w->suspect->key, w->suspect->len);
    return w->suspect->len;
}

size_t es_placement_worker_movable(const es_placement_t *self, uint64_t inc, uint64_t now_us, es_placement_lost_fn fn,
                                   void *ctx)
{
    const es_pool_worker_t *w = es_pool_worker(&self->pool, inc);
    if (!w || w->capacity > 0) return 0;
    size_t free = es_placement_free(self, es_span_of(w->service->name, w->service->len), now_us), n = 0;
    const es_placed_t *stream;
    LIST_FOREACH(stream, &w->streams, of_worker)
    {
        if (n == free) break;
        fn(ctx, es_span_of(stream->key, stream->len), stream->epoch);
        n++;
    }
    return n;
}

size_t es_placement_sender_gone(es_placement_t *self, es_span_t prefix, uint64_t before_us,
                                es_placement_forgotten_fn fn, void *ctx)
{
    size_t n = 0;
    for (es_placed_t *stream = TAILQ_FIRST(&self->ages), *next; stream; stream = next) {
        next = TAILQ_NEXT(stream, of_age);
        bool of_it = stream->len >= prefix.len && memcmp(stream->key, prefix.ptr, prefix.len) == 0;
        if (!of_it || stream->last_us >= before_us) continue;
        fn(ctx, stream->worker->inc, es_span_of(stream->key, stream->len));
        es_placement_remove_stream(self, stream);
        n++;
    }
    self->stats.orphaned += n;
    return n;
}

uint64_t es_placement_holder(const es_placement_t *self, es_span_t key, uint64_t *epoch)
{
    const es_placed_t *stream = es_map_get(self->streams, key);
    *epoch = stream ? stream->epoch : 0;
    return stream ? stream->worker->inc : 0;
}

size_t es_placement_worker_streams(const es_placement_t *self, uint64_t inc)
{
    es_pool_worker_t *w = es_pool_worker(&self->pool, inc);
    return w ? w->placed : 0;
}

uint64_t es_placement_worker_open(const es_placement_t *self, uint64_t inc)
{
    es_pool_worker_t *w = es_pool_worker(&self->pool, inc);
    if (!w) return 0;
    return w->foreign < UINT64_MAX - w->placed ? w->placed + w->foreign : UINT64_MAX;
}
