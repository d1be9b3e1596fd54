#include "job_watch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "job_watch_state.h"
#include "jobs_metrics.h"

es_job_watch_t *es_job_watch_new(const es_job_watch_limits_t *limits, const es_job_watch_ops_t *ops, es_asks_t *asks)
{
    es_job_watch_t *self = es_alloc_zero(sizeof *self);
    self->limits = *limits;
    self->ops = *ops;
    self->asks = asks;
    self->by_job = es_keymap_new();
    self->by_session = es_keymap_new();
    es_job_records_init(&self->records);
    return self;
}

void es_job_watch_destroy(es_job_watch_t **self_p)
{
    es_job_watch_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    assert(self->watchers == 0 && self->interests == 0);
    es_job_records_fini(&self->records);
    es_keymap_destroy(&self->by_job);
    es_keymap_destroy(&self->by_session);
    es_timers_fini(&self->timers);
    free(self);
}

/* ---- topics */

static es_keymap_t *map_of(const es_job_watch_t *self, es_watch_scope_t scope)
{
    return scope == ES_WATCH_JOB ? self->by_job : self->by_session;
}

static bool same_principal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool es_job_topic_sees(const es_job_topic_t *topic, const char *principal)
{
    if (!topic->principal || (topic->scope == ES_WATCH_JOB && !*principal)) return true;
    return strcmp(topic->principal, principal) == 0;
}

static es_job_topic_t *find_topic(const es_job_watch_t *self, const es_watched_t *what)
{
    if (what->scope == ES_WATCH_ALL) return self->all;
    es_job_topic_t *topic = es_keymap_get(map_of(self, what->scope), es_span(what->id));
    while (topic && !same_principal(topic->principal, what->principal)) topic = topic->next;
    return topic;
}

static void put_topic(es_job_watch_t *self, es_job_topic_t *topic)
{
    es_keymap_t *map = map_of(self, topic->scope);
    topic->next = es_keymap_remove(map, es_span(topic->id));
    es_keymap_put(map, es_span(topic->id), topic);
}

static void take_topic(es_job_watch_t *self, es_job_topic_t *topic)
{
    es_keymap_t *map = map_of(self, topic->scope);
    es_job_topic_t *first = es_keymap_remove(map, es_span(topic->id)), **at = &first;
    while (*at != topic) at = &(*at)->next;
    *at = topic->next;
    if (first) es_keymap_put(map, es_span(topic->id), first);
}

static es_job_topic_t *need_topic(es_job_watch_t *self, const es_watched_t *what)
{
    es_job_topic_t *topic = find_topic(self, what);
    if (topic) return topic;
    topic = es_alloc_zero(sizeof *topic);
    topic->watch = self;
    topic->scope = what->scope;
    memcpy(topic->id, what->id, strlen(what->id));
    if (what->principal) topic->principal = es_alloc_copy(what->principal, strlen(what->principal));
    if (what->scope == ES_WATCH_ALL)
        self->all = topic;
    else
        put_topic(self, topic);
    return topic;
}

static void end_topic(es_job_watch_t *self, es_job_topic_t *topic)
{
    es_job_poll_forget(topic);
    if (topic->scope == ES_WATCH_ALL)
        self->all = NULL;
    else
        take_topic(self, topic);
    free(topic->principal);
    free(topic);
}

/* ---- watchers */

es_job_watcher_t *es_job_watcher_new(es_job_watch_t *watch, void *owner)
{
    es_job_watcher_t *self = es_alloc_zero(sizeof *self);
    self->watch = watch;
    self->owner = owner;
    watch->watchers++;
    return self;
}

static void count(es_job_watch_t *self)
{
    es_metric_set(&es_edge_job_watches, self->interests);
}

void es_job_watch_end(es_job_watch_t *self, es_job_interest_t *interest)
{
    es_job_topic_t *topic = interest->topic;
    LIST_REMOVE(interest, in_topic);
    LIST_REMOVE(interest, in_watcher);
    interest->watcher->count--;
    free(interest);
    self->interests--;
    count(self);
    if (LIST_EMPTY(&topic->interests)) end_topic(self, topic);
    if (self->interests) return;
    es_job_poll_forget_all(self);
    self->ops.subscribe(self->ops.ctx, false);
}

void es_job_watcher_destroy(es_job_watcher_t **self_p)
{
    es_job_watcher_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (es_job_interest_t *interest = LIST_FIRST(&self->interests), *next; interest; interest = next) {
        next = LIST_NEXT(interest, in_watcher);
        es_job_watch_end(self->watch, interest);
    }
    self->watch->watchers--;
    free(self);
}

size_t es_job_watcher_count(const es_job_watcher_t *self)
{
    return self->count;
}

static es_job_interest_t *find(const es_job_watcher_t *self, const es_watched_t *what)
{
    es_job_interest_t *interest;
    LIST_FOREACH(interest, &self->interests, in_watcher)
    if (interest->topic->scope == what->scope && strcmp(interest->topic->id, what->id) == 0) return interest;
    return NULL;
}

static es_job_interest_t *join(es_job_watcher_t *self, const es_watched_t *what)
{
    es_job_watch_t *watch = self->watch;
    if (self->count >= watch->limits.max_client_watches || watch->interests >= watch->limits.max_watches) {
        es_metric_add(&es_edge_job_watches_refused, 1);
        return NULL;
    }
    es_job_interest_t *interest = es_alloc_zero(sizeof *interest);
    interest->topic = need_topic(watch, what);
    interest->watcher = self;
    LIST_INSERT_HEAD(&interest->topic->interests, interest, in_topic);
    LIST_INSERT_HEAD(&self->interests, interest, in_watcher);
    self->count++;
    if (watch->interests++ == 0) watch->ops.subscribe(watch->ops.ctx, true);
    count(watch);
    return interest;
}

int es_job_watcher_add(es_job_watcher_t *self, const es_watched_t *what, uint64_t now_us)
{
    es_job_interest_t *interest = find(self, what);
    if (interest && !same_principal(interest->topic->principal, what->principal)) {
        es_job_watch_end(self->watch, interest);
        interest = NULL;
    }
    if (!interest) interest = join(self, what);
    if (!interest) return -1;
    interest->joined = interest->topic->round;
    interest->since = self->watch->told;
    interest->served = interest->warned = false;
    es_job_poll_begin(interest->topic, now_us);
    return 0;
}

bool es_job_watcher_remove(es_job_watcher_t *self, const es_watched_t *what)
{
    es_job_interest_t *interest = find(self, what);
    if (interest) es_job_watch_end(self->watch, interest);
    return interest != NULL;
}

/* ---- telling */

void es_job_watch_tell(es_job_watch_t *self, es_job_interest_t *to, const es_job_event_t *event)
{
    es_job_watcher_t *watcher = to->watcher;
    if (watcher->told == self->told) return;
    watcher->told = self->told;
    if (!es_job_event_over(event) && self->ops.behind(watcher->owner)) {
        es_metric_add(&es_edge_job_events_left_out, 1);
        return;
    }
    es_metric_add(&es_edge_job_events, 1);
    self->ops.tell(watcher->owner, event);
}

static void tell_topics(es_job_watch_t *self, const es_job_topic_t *topic, const es_job_event_t *event)
{
    es_job_interest_t *interest;
    for (; topic; topic = topic->next) {
        if (!es_job_topic_sees(topic, event->principal)) continue;
        LIST_FOREACH(interest, &topic->interests, in_topic) es_job_watch_tell(self, interest, event);
    }
}

void es_job_watch_deliver(es_job_watch_t *self, es_job_record_t *record, const es_job_event_t *event)
{
    record->told = ++self->told;
    tell_topics(self, es_keymap_get(self->by_job, es_span(event->job)), event);
    tell_topics(self, es_keymap_get(self->by_session, es_span(event->session)), event);
    tell_topics(self, self->all, event);
}

static bool sees_any(const es_job_topic_t *topic, const char *principal)
{
    while (topic && !es_job_topic_sees(topic, principal)) topic = topic->next;
    return topic != NULL;
}

static bool concerns(const es_job_watch_t *self, const char *job, const char *session, const char *principal)
{
    return self->all || sees_any(es_keymap_get(self->by_job, es_span(job)), principal) ||
           (*session && sees_any(es_keymap_get(self->by_session, es_span(session)), principal));
}

bool es_job_watch_concerns(const es_job_watch_t *self, const es_job_record_t *record)
{
    return concerns(self, record->job, record->session, record->principal);
}

/* News of jobs that nobody can be watching are not even read. */
static bool worth_reading(const es_job_watch_t *self, es_span_t key)
{
    const size_t n = sizeof ES_JOBS_TOPIC - 1;
    if (self->all || es_keymap_count(self->by_session)) return true;
    return key.len > n && key.len <= n + ES_JOB_ID_LEN &&
           es_keymap_get(self->by_job, es_span_of(key.ptr + n, key.len - n));
}

void es_job_watch_news(es_job_watch_t *self, es_span_t key, const void *body, size_t len, uint64_t now_us)
{
    es_job_event_t event;
    if (!worth_reading(self, key)) return;
    if (es_job_event_of_news(&event, body, len)) {
        es_metric_add(&es_edge_job_malformed, 1);
    } else if (concerns(self, event.job, event.session, event.principal)) {
        es_job_record_t *record = es_job_records_need(&self->records, event.job, now_us);
        if (event.version > record->version) {
            record->version = event.version;
            es_job_record_whose(record, &event);
            es_job_records_seen(&self->records, record, es_job_event_over(&event), now_us);
            es_job_watch_deliver(self, record, &event);
        }
    }
    es_job_event_fini(&event);
}

uint64_t es_job_watch_tick(es_job_watch_t *self, uint64_t now_us)
{
    return es_job_poll_tick(self, now_us);
}
