#include "house_history.h"

static const uint64_t step_us = ES_HOUSE_STEP_MS * UINT64_C(1000);

const char *es_house_figure_name(es_house_figure_t figure)
{
    static const char *const names[] = {[ES_HOUSE_FRAMES] = "frames",
                                        [ES_HOUSE_LAG] = "lagMs",
                                        [ES_HOUSE_QUEUED] = "queued",
                                        [ES_HOUSE_WAITING] = "waiting",
                                        [ES_HOUSE_COMPLETED] = "completed"};
    return names[figure];
}

bool es_house_history_due(const es_house_history_t *self, uint64_t now_us)
{
    return now_us >= self->due_us;
}

static void append(es_house_history_t *self, const es_house_sample_t *sample, uint64_t frames, uint64_t completed)
{
    size_t at = self->count++ % ES_HOUSE_SAMPLES;
    self->ring[at] = *sample;
    self->frames[at] = frames;
    self->completed[at] = completed;
}

static void fill(es_house_history_t *self, uint64_t missed, uint64_t frames, uint64_t completed)
{
    es_house_sample_t unknown;
    for (int i = 0; i < ES_HOUSE_FIGURES; i++) unknown.of[i] = -1;
    if (missed > ES_HOUSE_SAMPLES) missed = ES_HOUSE_SAMPLES;
    for (uint64_t i = 0; i < missed; i++) append(self, &unknown, frames, completed);
}

void es_house_history_take(es_house_history_t *self, const es_house_sample_t *sample, uint64_t frames,
                           uint64_t completed, uint64_t now_us, uint64_t wall_ms)
{
    if (self->count) {
        uint64_t steps = (now_us - self->due_us) / step_us;
        if (steps) fill(self, steps, frames, completed);
        self->due_us += steps * step_us;
    } else {
        self->due_us = now_us;
    }
    append(self, sample, frames, completed);
    self->due_us += step_us;
    self->last_us = now_us;
    self->last_ms = wall_ms;
}

uint64_t es_house_history_grown(const es_house_history_t *self, const uint64_t *totals, uint64_t total, size_t back,
                                uint64_t now_us, uint64_t *us)
{
    uint64_t kept = self->count < ES_HOUSE_SAMPLES ? self->count : ES_HOUSE_SAMPLES;
    *us = 0;
    if (!kept) return 0;
    if (back > kept - 1) back = (size_t)kept - 1;
    *us = now_us - self->last_us + back * step_us;
    return total - totals[(self->count - 1 - back) % ES_HOUSE_SAMPLES];
}

json_t *es_house_figure(double value)
{
    if (value < 0) return json_null();
    json_int_t whole = (json_int_t)value;
    return (double)whole < value ? json_real(value) : json_integer(whole);
}

static json_t *column(const es_house_history_t *self, int figure)
{
    json_t *out = json_array();
    uint64_t first = self->count > ES_HOUSE_SAMPLES ? self->count - ES_HOUSE_SAMPLES : 0;
    for (uint64_t i = first; i < self->count; i++) {
        json_array_append_new(out, es_house_figure(self->ring[i % ES_HOUSE_SAMPLES].of[figure]));
    }
    return out;
}

json_t *es_house_history_json(const es_house_history_t *self)
{
    json_t *out = json_pack("{s:i, s:I}", "stepMs", (int)ES_HOUSE_STEP_MS, "until", (json_int_t)self->last_ms);
    for (int i = 0; i < ES_HOUSE_FIGURES; i++)
        json_object_set_new(out, es_house_figure_name((es_house_figure_t)i), column(self, i));
    return out;
}
