#include "batch.h"

void es_batch_init(es_batch_t *self, uint64_t reserve)
{
    *self = (es_batch_t){.reserve = reserve};
    TAILQ_INIT(&self->list);
}

void es_batch_set(es_batch_t *self, es_placed_t *stream, bool batch)
{
    if (stream->batch == batch) return;
    stream->batch = batch;
    if (batch) {
        TAILQ_INSERT_TAIL(&self->list, stream, of_batch);
        self->count++;
    } else {
        TAILQ_REMOVE(&self->list, stream, of_batch);
        self->count--;
    }
}

static bool is_quiet(const es_placed_t *stream, uint64_t now_us)
{
    return now_us >= stream->last_us + ES_BATCH_QUIET_US;
}

/* Number `*number` of those that are quiet, or of those that are not; counts *number down where there are fewer. What drains is no place for anybody. */
static const es_placed_t *find(const es_batch_t *self, const es_service_t *service, bool quiet, uint64_t now_us,
                               uint64_t *number)
{
    const es_placed_t *stream;
    TAILQ_FOREACH(stream, &self->list, of_batch)
    {
        if (stream->worker->service != service || stream->worker->capacity == 0) continue;
        if (is_quiet(stream, now_us) == quiet && (*number)-- == 0) return stream;
    }
    return NULL;
}

const es_placed_t *es_batch_to_yield(const es_batch_t *self, const es_service_t *service, uint64_t number,
                                     uint64_t now_us)
{
    const es_placed_t *stream = find(self, service, false, now_us, &number);
    return stream ? stream : find(self, service, true, now_us, &number);
}

static bool is_first(const es_batch_t *self, const es_service_t *service, uint64_t now_us)
{
    uint64_t number = 0;
    return find(self, service, false, now_us, &number) == NULL;
}

size_t es_batch_free(const es_batch_t *self, const es_pool_t *pool, const es_service_t *service, size_t free,
                     uint64_t now_us)
{
    size_t beyond = es_pool_free_beyond(pool, service, self->reserve, free);
    return beyond == 0 && free > 0 && is_first(self, service, now_us) ? 1 : beyond;
}

es_pool_worker_t *es_batch_pick(const es_batch_t *self, const es_pool_t *pool, const es_service_t *service,
                                uint64_t clean_us, uint64_t now_us)
{
    es_pool_worker_t *w = es_pool_pick(pool, service, &(es_pool_want_t){self->reserve, clean_us});
    if (w || !is_first(self, service, now_us)) return w;
    return es_pool_pick(pool, service, &(es_pool_want_t){0, clean_us});
}
