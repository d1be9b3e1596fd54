/* What es_house_view_t knows, as people and programs read it. */
#include <string.h>

#include "house_view.h"

/* A field as it is said, under the name that it has outside; NULL ends a list. */
typedef struct {
    const char *said, *shown;
} field_t;

static const field_t broker_fields[] = {{"name", "name"},       {"uptime_ms", "uptimeMs"},  {"leaving", "leaving"},
                                        {"streams", "streams"}, {"waiting", "waiting"},     {"free", "free"},
                                        {"dropped", "dropped"}, {"malformed", "malformed"}, {NULL, NULL}};
static const field_t worker_fields[] = {{"name", "name"},         {"inc", "inc"},           {"service", "service"},
                                        {"capacity", "capacity"}, {"draining", "draining"}, {NULL, NULL}};
static const field_t edge_fields[] = {{"name", "name"}, {"inc", "inc"}, {"streams", "streams"}, {NULL, NULL}};
static const field_t quarantine_fields[] = {
    {"client", "client"}, {"reason", "reason"}, {"ago_ms", "agoMs"}, {NULL, NULL}};
static const field_t jobs_fields[] = {{"running", "running"},
                                      {"uploads", "uploads"},
                                      {"concurrency", "concurrency"},
                                      {"oldest_queued_ms", "oldestQueuedMs"},
                                      {"store", "store"},
                                      {"store_error", "storeError"},
                                      {"spool_bytes", "spoolBytes"},
                                      {"spool_quota", "spoolQuota"},
                                      {"disk_free", "diskFree"},
                                      {NULL, NULL}};

static json_t *shown(const json_t *said, const field_t *fields)
{
    json_t *out = json_object();
    for (; fields->said; fields++) {
        json_t *value = json_object_get(said, fields->said);
        json_object_set(out, fields->shown, value ? value : json_null());
    }
    return out;
}

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void set(json_t *object, const char *key, json_int_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

/* What several brokers say of one actor: the most, and the freshest sign of life. */
static void merge(json_t *row, const char *key, json_int_t value, bool least)
{
    const json_t *had = json_object_get(row, key);
    if (!had || (least ? value < json_integer_value(had) : value > json_integer_value(had))) set(row, key, value);
}

static json_t *row_of(json_t *rows, json_t *index, const json_t *said, const field_t *fields)
{
    const char *inc = json_string_value(json_object_get(said, "inc"));
    json_t *row = inc ? json_object_get(index, inc) : NULL;
    if (row) return row;
    row = shown(said, fields);
    json_array_append_new(rows, row);
    if (inc) json_object_set(index, inc, row);
    return row;
}

typedef struct {
    json_t *rows, *index; /* index: incarnation -> row */
} table_t;

static void add(const es_house_view_t *self, table_t *to, const json_t *said, const field_t *fields, const char *load,
                json_int_t age_ms)
{
    json_t *row = row_of(to->rows, to->index, said, fields);
    const char *inc = json_string_value(json_object_get(said, "inc"));
    merge(row, "streams", number(said, load), false);
    merge(row, "lagMs", number(said, "lag_us") / 1000, false);
    merge(row, "heardMs", number(said, "heard_ms") + age_ms, true);
    json_object_set_new(row, "rate", es_house_figure(es_house_rates_of(self->rates, es_span(inc))));
    if (json_is_true(json_object_get(said, "draining"))) json_object_set_new(row, "draining", json_true());
}

static json_t *broker_row(const es_house_view_t *self, const es_house_said_t *said, json_int_t age_ms)
{
    json_t *row = shown(said->said, broker_fields);
    json_object_set_new(row, "inc", json_string(said->name + (strncmp(said->name, "sys/", 4) ? 0 : 4)));
    json_object_set_new(row, "rate", es_house_figure(es_house_rates_of(self->rates, es_span(said->name))));
    set(row, "heardMs", age_ms);
    return row;
}

/* A jobs actor reports as a sender, as edges do; it is shown as the actor that it is. */
static bool is_worker(const json_t *broker, const json_t *edge)
{
    size_t i;
    const json_t *worker;
    json_array_foreach(json_object_get(broker, "workers"), i, worker)
    {
        if (json_equal(json_object_get(worker, "name"), json_object_get(edge, "name"))) return true;
    }
    return false;
}

static void brokers(const es_house_view_t *self, json_t *out, uint64_t now_us)
{
    table_t workers = {json_array(), json_object()}, edges = {json_array(), json_object()};
    json_t *rows = json_array(), *quarantine = json_array();
    for (size_t b = 0; b < self->broker_count; b++) {
        const es_house_said_t *said = &self->brokers[b];
        json_int_t age_ms = (json_int_t)((now_us - said->heard_us) / 1000);
        size_t i;
        const json_t *one;
        if (!es_house_fresh(said, now_us)) continue;
        json_array_append_new(rows, broker_row(self, said, age_ms));
        json_array_foreach(json_object_get(said->said, "workers"), i, one)
            add(self, &workers, one, worker_fields, "load", age_ms);
        json_array_foreach(json_object_get(said->said, "edges"), i, one) if (!is_worker(said->said, one))
            add(self, &edges, one, edge_fields, "streams", age_ms);
        json_array_foreach(json_object_get(said->said, "quarantine"), i, one)
            json_array_append_new(quarantine, shown(one, quarantine_fields));
    }
    json_object_set_new(out, "brokers", rows);
    json_object_set_new(out, "actors", workers.rows);
    json_object_set_new(out, "edges", edges.rows);
    json_object_set_new(out, "quarantine", quarantine);
    json_decref(workers.index);
    json_decref(edges.index);
}

static void jobs(const es_house_view_t *self, json_t *out, uint64_t now_us)
{
    json_t *rows = json_array(), *counts = NULL;
    uint64_t last_us = 0;
    for (size_t i = 0; i < self->job_count; i++) {
        const es_house_said_t *said = &self->jobs[i];
        if (!es_house_fresh(said, now_us)) continue;
        json_t *row = shown(said->said, jobs_fields);
        json_object_set_new(row, "name", json_string(said->name));
        set(row, "heardMs", (json_int_t)((now_us - said->heard_us) / 1000));
        json_array_append_new(rows, row);
        if (counts && said->heard_us <= last_us) continue;
        counts = json_object_get(said->said, "counts");
        last_us = said->heard_us;
    }
    json_object_set_new(out, "jobs", rows);
    if (json_is_object(counts))
        json_object_set(out, "counts", counts);
    else
        json_object_set_new(out, "counts", json_object());
}

static json_t *now_json(const es_house_view_t *self, uint64_t now_us, uint64_t wall_ms)
{
    es_house_sample_t sample;
    json_t *out = json_object();
    es_house_view_now(self, now_us, &sample);
    set(out, "time", (json_int_t)wall_ms);
    for (int i = 0; i < ES_HOUSE_FIGURES; i++)
        json_object_set_new(out, es_house_figure_name((es_house_figure_t)i), es_house_figure(sample.of[i]));
    return out;
}

json_t *es_house_view_json(const es_house_view_t *self, bool history, uint64_t now_us, uint64_t wall_ms)
{
    json_t *out = json_object();
    json_object_set_new(out, "edge", json_string(self->edge));
    json_object_set_new(out, "now", now_json(self, now_us, wall_ms));
    brokers(self, out, now_us);
    jobs(self, out, now_us);
    if (history) json_object_set_new(out, "history", es_house_history_json(&self->history));
    return out;
}
