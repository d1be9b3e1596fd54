#include "spans.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "wire.h"

static ES_METRIC_COUNTER(ended, "earshot_spans_total", "Spans of traces, where --otlp-url is set.");
static ES_METRIC_COUNTER(dropped, "earshot_spans_dropped_total", "Of them those that came while too many waited.");

es_metric_t *const *es_spans_metrics(void)
{
    static es_metric_t *const list[] = {&ended, &dropped, NULL};
    return list;
}

static struct {
    atomic_bool on;
    pthread_mutex_t lock;
    pthread_cond_t many;
    bool woken;
    es_trace_span_t *ring; /* ES_SPANS_MAX */
    size_t first, count;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .many = PTHREAD_COND_INITIALIZER};

bool es_spans_wanted(void)
{
    return atomic_load_explicit(&queue.on, memory_order_relaxed);
}

/* ---- one span */

static void draw(uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        uint64_t bits = es_random_u64();
        memcpy(out + i, &bits, sizeof bits);
    }
}

void es_spans_begin(es_trace_span_t *self, const char *name, const es_trace_t *parent, uint64_t wall_us)
{
    memset(self, 0, offsetof(es_trace_span_t, attributes));
    self->name = name;
    self->start_us = wall_us;
    if (parent) {
        self->trace = *parent;
        memcpy(self->parent, parent->span, ES_TRACE_SPAN);
    } else {
        self->trace.flags = ES_TRACE_SAMPLED;
        draw(self->trace.id, ES_TRACE_ID);
    }
    draw(self->trace.span, ES_TRACE_SPAN);
}

static es_span_attribute_t *add(es_trace_span_t *self, const char *key)
{
    if (self->attributes_count == ES_SPAN_ATTRIBUTES) return NULL;
    es_span_attribute_t *attribute = &self->attributes[self->attributes_count++];
    *attribute = (es_span_attribute_t){.key = key};
    return attribute;
}

void es_spans_number(es_trace_span_t *self, const char *key, uint64_t value)
{
    es_span_attribute_t *attribute = add(self, key);
    if (attribute) attribute->number = value;
}

void es_spans_text(es_trace_span_t *self, const char *key, es_span_t value)
{
    es_span_attribute_t *attribute = add(self, key);
    if (!attribute) return;
    attribute->is_text = true;
    attribute->text[es_utf8_repair(value, attribute->text, ES_SPAN_TEXT - 1)] = 0;
}

void es_spans_end(es_trace_span_t *self, uint64_t wall_us)
{
    if (!es_spans_wanted() || !(self->trace.flags & ES_TRACE_SAMPLED)) return;
    self->end_us = wall_us > self->start_us ? wall_us : self->start_us;
    es_metric_add(&ended, 1);
    pthread_mutex_lock(&queue.lock);
    bool room = queue.ring && queue.count < ES_SPANS_MAX;
    if (room) queue.ring[(queue.first + queue.count++) % ES_SPANS_MAX] = *self;
    if (queue.count == ES_SPANS_BATCH) pthread_cond_signal(&queue.many);
    pthread_mutex_unlock(&queue.lock);
    if (!room) es_metric_add(&dropped, 1);
}

/* ---- the collector */

void es_spans_collect(bool on)
{
    pthread_mutex_lock(&queue.lock);
    if (on && !queue.ring) queue.ring = es_alloc(ES_SPANS_MAX * sizeof *queue.ring);
    if (!on) {
        free(queue.ring);
        queue.ring = NULL;
    }
    queue.first = queue.count = 0;
    queue.woken = false;
    pthread_mutex_unlock(&queue.lock);
    atomic_store(&queue.on, on);
}

void es_spans_wake(void)
{
    pthread_mutex_lock(&queue.lock);
    queue.woken = true;
    pthread_cond_signal(&queue.many);
    pthread_mutex_unlock(&queue.lock);
}

size_t es_spans_take(es_trace_span_t *out, size_t max, unsigned wait_ms)
{
    const struct timespec until = es_monotonic_in_ms(wait_ms);
    size_t n = 0;
    pthread_mutex_lock(&queue.lock);
    for (int rc = 0; queue.count < ES_SPANS_BATCH && !queue.woken && rc == 0;)
        rc = pthread_cond_clockwait(&queue.many, &queue.lock, CLOCK_MONOTONIC, &until);
    queue.woken = false;
    for (; n < max && queue.count > 0; queue.count--) {
        out[n++] = queue.ring[queue.first];
        queue.first = (queue.first + 1) % ES_SPANS_MAX;
    }
    pthread_mutex_unlock(&queue.lock);
    return n;
}
