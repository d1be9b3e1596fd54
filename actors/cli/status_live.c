#include "status_live.h"

#include <stdio.h>
#include <string.h>

#include "status_view.h"

static json_t *last(const es_status_broker_t *broker)
{
    return broker->beacons[broker->count - 1];
}

static bool leaving(const es_status_broker_t *broker)
{
    return json_is_true(json_object_get(last(broker), "leaving"));
}

static bool fresh(const es_status_broker_t *broker, uint64_t now_us)
{
    return now_us < broker->heard_us + (leaving(broker) ? ES_HOUSES_LEAVING_US : ES_HOUSES_FRESH_US);
}

/* ---- what is heard */

static void forget(es_status_broker_t *broker)
{
    for (size_t i = 0; i < broker->count; i++) json_decref(broker->beacons[i]);
    broker->count = 0;
}

static es_status_broker_t *broker_slot(es_status_live_t *self, const char *inc)
{
    es_status_broker_t *oldest = self->brokers;
    for (size_t i = 0; i < self->broker_count; i++) {
        es_status_broker_t *one = &self->brokers[i];
        if (strcmp(one->inc, inc) == 0) return one;
        if (one->heard_us < oldest->heard_us) oldest = one;
    }
    if (self->broker_count < ES_HOUSES_MAX) oldest = &self->brokers[self->broker_count++];
    forget(oldest);
    snprintf(oldest->inc, sizeof oldest->inc, "%s", inc);
    return oldest;
}

void es_status_live_beacon(es_status_live_t *self, const char *key, json_t *house, uint64_t now_us)
{
    const char *name = json_string_value(json_object_get(house, "name"));
    if (strncmp(key, "sys/", 4) != 0 || strlen(key) != 4 + 16) return;
    es_status_broker_t *slot = broker_slot(self, key + 4);
    if (slot->count == ES_STATUS_BEACONS) {
        json_decref(slot->beacons[0]);
        memmove(slot->beacons, slot->beacons + 1, --slot->count * sizeof(json_t *));
    }
    slot->beacons[slot->count++] = json_incref(house);
    slot->heard_us = now_us;
    snprintf(slot->name, sizeof slot->name, "%s", name ? name : "?");
}

static es_status_jobs_t *jobs_slot(es_status_live_t *self, const char *name)
{
    es_status_jobs_t *oldest = self->jobs;
    for (size_t i = 0; i < self->job_count; i++) {
        if (strcmp(self->jobs[i].name, name) == 0) return &self->jobs[i];
        if (self->jobs[i].heard_us < oldest->heard_us) oldest = &self->jobs[i];
    }
    return self->job_count < ES_STATUS_JOBS ? &self->jobs[self->job_count++] : oldest;
}

void es_status_live_jobs(es_status_live_t *self, const char *name, json_t *stats, uint64_t now_us)
{
    es_status_jobs_t *slot = jobs_slot(self, name);
    json_decref(slot->said);
    slot->said = json_incref(stats);
    slot->heard_us = now_us;
    snprintf(slot->name, sizeof slot->name, "%s", name);
}

/* ---- what is told */

static json_t *joined(const es_status_broker_t *broker)
{
    return es_status_join(broker->count > 1 ? broker->beacons[0] : NULL, last(broker));
}

static bool named_like_a_fresh_one(const es_status_live_t *self, const char *name, uint64_t now_us)
{
    for (size_t i = 0; i < self->broker_count; i++)
        if (fresh(&self->brokers[i], now_us) && strcmp(self->brokers[i].name, name) == 0) return true;
    return false;
}

/* One that said goodbye, or that is back, is none. */
static json_t *silent(const es_status_live_t *self, uint64_t now_us)
{
    json_t *list = json_array();
    for (size_t i = 0; i < self->broker_count; i++) {
        const es_status_broker_t *one = &self->brokers[i];
        if (fresh(one, now_us) || leaving(one) || named_like_a_fresh_one(self, one->name, now_us)) continue;
        json_array_append_new(
            list, json_pack("{s:s, s:I}", "name", one->name, "for_ms", (json_int_t)((now_us - one->heard_us) / 1000)));
    }
    return list;
}

static json_t *jobs(const es_status_live_t *self, uint64_t now_us)
{
    json_t *list = json_array();
    for (size_t i = 0; i < self->job_count; i++) {
        const es_status_jobs_t *one = &self->jobs[i];
        if (now_us >= one->heard_us + ES_STATUS_JOBS_FRESH_US) continue;
        json_t *row = json_copy(one->said);
        json_object_set_new(row, "name", json_string(one->name));
        json_array_append_new(list, row);
    }
    return list;
}

/* The first that is heard stays it while it is heard. */
static const es_status_broker_t *main_one(const es_status_live_t *self, uint64_t now_us)
{
    const es_status_broker_t *best = NULL;
    for (size_t i = 0; i < self->broker_count; i++) {
        const es_status_broker_t *one = &self->brokers[i];
        if (fresh(one, now_us)) return one;
        if (!best || one->heard_us > best->heard_us) best = one;
    }
    return best;
}

json_t *es_status_live_join(const es_status_live_t *self, uint64_t now_us)
{
    const es_status_broker_t *first = main_one(self, now_us);
    if (!first) return NULL;
    json_t *status = joined(first);
    for (size_t i = 0; i < self->broker_count; i++) {
        const es_status_broker_t *one = &self->brokers[i];
        if (one == first || !fresh(one, now_us)) continue;
        json_t *other = joined(one);
        es_status_add_broker(status, other);
        json_decref(other);
    }
    json_object_set_new(status, "silent", silent(self, now_us));
    json_object_set_new(status, "jobs", jobs(self, now_us));
    return status;
}

void es_status_live_fini(es_status_live_t *self)
{
    for (size_t i = 0; i < self->broker_count; i++) forget(&self->brokers[i]);
    for (size_t i = 0; i < self->job_count; i++) json_decref(self->jobs[i].said);
    self->broker_count = self->job_count = 0;
}
