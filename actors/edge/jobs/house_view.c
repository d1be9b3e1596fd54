#include "house_view.h"

#include <string.h>

#include "msgpack_json.h"

enum { MINUTE_STEPS = 60000 / ES_HOUSE_STEP_MS - 1 };

void es_house_view_init(es_house_view_t *self, const char *edge)
{
    *self = (es_house_view_t){.rates = es_house_rates_new()};
    snprintf(self->edge, sizeof self->edge, "%s", edge);
}

void es_house_view_fini(es_house_view_t *self)
{
    for (size_t i = 0; i < self->broker_count; i++) json_decref(self->brokers[i].said);
    for (size_t i = 0; i < self->job_count; i++) json_decref(self->jobs[i].said);
    es_house_rates_destroy(&self->rates);
}

static es_house_said_t *slot_of(es_house_said_t *list, size_t *count, size_t max, es_span_t name)
{
    es_house_said_t *oldest = list;
    for (size_t i = 0; i < *count; i++) {
        if (es_span_eq(es_span(list[i].name), name)) return &list[i];
        if (list[i].heard_us < oldest->heard_us) oldest = &list[i];
    }
    return *count < max ? &list[(*count)++] : oldest;
}

/* Takes what was said over. */
static void keep(es_house_said_t *slot, es_span_t name, json_t *said, uint64_t now_us)
{
    json_decref(slot->said);
    slot->said = said;
    slot->heard_us = now_us;
    memcpy(slot->name, name.ptr, name.len);
    slot->name[name.len] = 0;
}

static uint64_t number(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static const char *string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void lag(es_house_view_t *self, const json_t *actor)
{
    uint64_t lag_us = number(actor, "lag_us");
    if (lag_us > self->lag_us) self->lag_us = lag_us;
}

static bool transcribes(const json_t *worker)
{
    return !strcmp(string(worker, "service"), "transcribe");
}

static void take_worker(es_house_view_t *self, const json_t *worker, uint64_t now_us)
{
    uint64_t grown = es_house_rates_take(self->rates, es_span(string(worker, "inc")), number(worker, "count"), now_us);
    if (!transcribes(worker)) return;
    self->frames += grown;
    lag(self, worker);
}

static void take_edge(es_house_view_t *self, const json_t *edge, uint64_t now_us)
{
    es_house_rates_take(self->rates, es_span(string(edge, "inc")), number(edge, "frames"), now_us);
    lag(self, edge);
}

void es_house_view_beacon(es_house_view_t *self, es_span_t key, es_span_t body, uint64_t now_us)
{
    json_t *said = key.len && key.len <= ES_NAME_MAX ? es_msgpack_json(body.ptr, body.len) : NULL;
    size_t i;
    const json_t *one;
    if (!said) return;
    keep(slot_of(self->brokers, &self->broker_count, ES_HOUSE_BROKERS, key), key, said, now_us);
    es_house_rates_take(self->rates, key, number(said, "frames_total"), now_us);
    json_array_foreach(json_object_get(said, "workers"), i, one) take_worker(self, one, now_us);
    json_array_foreach(json_object_get(said, "edges"), i, one) take_edge(self, one, now_us);
}

void es_house_view_stats(es_house_view_t *self, es_span_t name, es_span_t body, uint64_t now_us)
{
    json_t *said = name.len && name.len <= ES_NAME_MAX ? json_loadb(body.ptr, body.len, 0, NULL) : NULL;
    if (!json_is_object(said)) {
        json_decref(said);
        return;
    }
    es_house_said_t *slot = slot_of(self->jobs, &self->job_count, ES_HOUSE_JOBS, name);
    bool known = slot->said && es_span_eq(es_span(slot->name), name);
    uint64_t before = known ? number(json_object_get(slot->said, "ended"), "COMPLETED") : 0;
    uint64_t after = number(json_object_get(said, "ended"), "COMPLETED");
    if (known && after < before) before = 0; /* it was restarted and counts anew */
    if (known) self->completed += after - before;
    keep(slot, name, said, now_us);
}

/* Actors of one store know the same: what was said last counts. */
static double queued(const es_house_view_t *self, uint64_t now_us)
{
    const es_house_said_t *last = NULL;
    for (size_t i = 0; i < self->job_count; i++)
        if (es_house_fresh(&self->jobs[i], now_us) && (!last || self->jobs[i].heard_us > last->heard_us))
            last = &self->jobs[i];
    return last ? (double)number(json_object_get(last->said, "counts"), "QUEUED") : -1;
}

typedef struct {
    double waiting, frames, lag_ms;
} streams_t;

static void add_broker(const es_house_view_t *self, const json_t *said, bool first, streams_t *sum)
{
    size_t i;
    const json_t *one;
    sum->waiting += (double)number(said, "waiting");
    json_array_foreach(json_object_get(said, "workers"), i, one)
    {
        if (!transcribes(one)) continue;
        if (first) sum->frames += es_house_rates_of(self->rates, es_span(string(one, "inc")));
        double ms = (double)number(one, "lag_us") / 1000;
        if (ms > sum->lag_ms) sum->lag_ms = ms;
    }
    json_array_foreach(json_object_get(said, "edges"), i, one)
    {
        double ms = (double)number(one, "lag_us") / 1000;
        if (ms > sum->lag_ms) sum->lag_ms = ms;
    }
}

/* Every broker knows all workers: those of one are counted. */
void es_house_view_now(const es_house_view_t *self, uint64_t now_us, es_house_sample_t *out)
{
    streams_t sum = {0};
    bool any = false;
    for (size_t i = 0; i < self->broker_count; i++) {
        if (!es_house_fresh(&self->brokers[i], now_us)) continue;
        add_broker(self, self->brokers[i].said, !any, &sum);
        any = true;
    }
    uint64_t us;
    out->of[ES_HOUSE_FRAMES] = any ? sum.frames : -1;
    out->of[ES_HOUSE_LAG] = any ? sum.lag_ms : -1;
    out->of[ES_HOUSE_WAITING] = any ? sum.waiting : -1;
    out->of[ES_HOUSE_QUEUED] = queued(self, now_us);
    out->of[ES_HOUSE_COMPLETED] = out->of[ES_HOUSE_QUEUED] < 0
                                      ? -1
                                      : (double)es_house_history_grown(&self->history, self->history.completed,
                                                                       self->completed, MINUTE_STEPS, now_us, &us);
}

void es_house_view_tick(es_house_view_t *self, uint64_t now_us, uint64_t wall_ms)
{
    es_house_rates_trim(self->rates, now_us);
    if (!es_house_history_due(&self->history, now_us)) return;
    es_house_sample_t sample;
    uint64_t us, grown = es_house_history_grown(&self->history, self->history.frames, self->frames, 0, now_us, &us);
    es_house_view_now(self, now_us, &sample);
    if (us && sample.of[ES_HOUSE_FRAMES] >= 0) sample.of[ES_HOUSE_FRAMES] = (double)grown * 1e6 / (double)us;
    double most = (double)self->lag_us / 1000;
    if (sample.of[ES_HOUSE_LAG] >= 0 && most > sample.of[ES_HOUSE_LAG]) sample.of[ES_HOUSE_LAG] = most;
    self->lag_us = 0;
    es_house_history_take(&self->history, &sample, self->frames, self->completed, now_us, wall_ms);
}
