#include "pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void es_pool_init(es_pool_t *self, size_t max_services, size_t max_workers)
{
    *self = (es_pool_t){.max_services = max_services, .max_workers = max_workers};
}

es_service_t *es_pool_service(const es_pool_t *self, es_span_t name)
{
    es_service_t *s;
    LIST_FOREACH(s, &self->services, link)
    {
        if (es_span_eq(es_span_of(s->name, s->len), name)) return s;
    }
    return NULL;
}

static es_service_t *add_service(es_pool_t *self, es_span_t name)
{
    if (name.len == 0 || name.len > ES_NAME_MAX) return NULL;
    es_service_t *s = es_alloc_zero(sizeof *s);
    memcpy(s->name, name.ptr, name.len);
    s->len = name.len;
    es_waiting_init(&s->queue);
    LIST_INSERT_HEAD(&self->services, s, link);
    self->service_count++;
    return s;
}

es_service_t *es_pool_need_service(es_pool_t *self, es_span_t name)
{
    es_service_t *s = es_pool_service(self, name);
    if (s || self->service_count - self->served_count >= self->max_services) return s;
    return add_service(self, name);
}

/* The same for a worker. */
static es_service_t *service_to_serve(es_pool_t *self, es_span_t name)
{
    es_service_t *s = es_pool_service(self, name);
    if (s && s->workers > 0) return s;
    if (self->served_count >= self->max_services) return NULL;
    return s ? s : add_service(self, name);
}

void es_pool_release_service(es_pool_t *self, es_service_t *service)
{
    if (service->workers > 0 || es_waiting_count(&service->queue) > 0) return;
    LIST_REMOVE(service, link);
    self->service_count--;
    free(service);
}

es_pool_worker_t *es_pool_worker(const es_pool_t *self, uint64_t inc)
{
    es_pool_worker_t *w;
    LIST_FOREACH(w, &self->workers, link)
    {
        if (w->inc == inc) return w;
    }
    return NULL;
}

static void leave_service(es_pool_t *self, es_service_t *service)
{
    self->served_count -= --service->workers == 0;
    es_pool_release_service(self, service);
}

static void serve(es_pool_t *self, es_pool_worker_t *w, es_service_t *service)
{
    es_service_t *old = w->service;
    if (old == service) return;
    w->service = service;
    self->served_count += service->workers++ == 0;
    if (old) leave_service(self, old);
}

es_pool_worker_t *es_pool_worker_up(es_pool_t *self, uint64_t inc, es_span_t service, uint64_t capacity)
{
    es_pool_worker_t *w = es_pool_worker(self, inc);
    if (!w && self->worker_count >= self->max_workers) return NULL;
    es_service_t *s = service_to_serve(self, service);
    if (!s) return NULL;
    if (!w) {
        w = es_alloc_zero(sizeof *w);
        w->inc = inc;
        LIST_INSERT_HEAD(&self->workers, w, link);
        self->worker_count++;
    }
    serve(self, w, s);
    w->capacity = capacity;
    return w;
}

void es_pool_worker_down(es_pool_t *self, es_pool_worker_t *worker)
{
    assert(LIST_EMPTY(&worker->streams));
    LIST_REMOVE(worker, link);
    self->worker_count--;
    leave_service(self, worker->service);
    free(worker);
}

/* Subtractions only: capacities and loads come from outside and may be anything. */
static uint64_t free_of(const es_pool_worker_t *w)
{
    uint64_t left = w->placed < w->capacity ? w->capacity - w->placed : 0;
    return w->foreign < left ? left - w->foreign : 0;
}

static uint64_t free_beyond(const es_pool_worker_t *w, uint64_t reserve)
{
    return free_of(w) > reserve ? free_of(w) - reserve : 0;
}

size_t es_pool_free(const es_pool_t *self, const es_service_t *service, size_t limit)
{
    return es_pool_free_beyond(self, service, 0, limit);
}

size_t es_pool_free_beyond(const es_pool_t *self, const es_service_t *service, uint64_t reserve, size_t limit)
{
    size_t left = limit;
    es_pool_worker_t *w;
    LIST_FOREACH(w, &self->workers, link)
    {
        if (service && w->service != service) continue;
        if (free_beyond(w, reserve) >= left) return limit;
        left -= (size_t)free_beyond(w, reserve);
    }
    return limit - left;
}

static bool better(const es_pool_worker_t *a, const es_pool_worker_t *b)
{
    double share_a = (double)free_of(a) / (double)a->capacity, share_b = (double)free_of(b) / (double)b->capacity;
    return share_a > share_b || (share_a >= share_b && free_of(a) > free_of(b));
}

static bool suits(const es_pool_worker_t *w, const es_pool_want_t *want)
{
    if (want->clean_us > 0 && w->suspect && want->clean_us < w->cleared_us) return false;
    return free_beyond(w, want->reserve) > 0;
}

es_pool_worker_t *es_pool_pick(const es_pool_t *self, const es_service_t *service, const es_pool_want_t *want)
{
    static const es_pool_want_t any = {0};
    es_pool_worker_t *best = NULL, *w;
    LIST_FOREACH(w, &self->workers, link)
    {
        if (w->service != service || !suits(w, want ? want : &any)) continue;
        if (!best || better(w, best)) best = w;
    }
    return best;
}
