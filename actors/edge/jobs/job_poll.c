/* Asking how watched jobs stand: a topic in rounds, and one by one those jobs that no round and no news has told of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_watch_state.h"
#include "jobs_metrics.h"

static const uint64_t live_us = 5000000, idle_us = 30000000, refused_us = 1000000;
enum { PER_PAGE = 200 }; /* the newest first */

static const char *const lives[] = {"QUEUED", "TRANSCRIBING", "ANALYZING"};
enum { LIVES = sizeof lives / sizeof *lives };

/* ---- how a job stands */

/* But for those who have heard this with all others since they joined. */
static void tell_who_joined(es_job_topic_t *topic, const es_job_record_t *record, const es_job_event_t *event)
{
    es_job_interest_t *interest;
    if (es_job_event_over(event) && topic->scope != ES_WATCH_JOB) return;
    if (!es_job_topic_sees(topic, event->principal)) return; /* a jobs actor of before does not look */
    topic->watch->told++;
    LIST_FOREACH(interest, &topic->interests, in_topic)
    if (!interest->served && interest->joined < topic->round && interest->since >= record->told)
        es_job_watch_tell(topic->watch, interest, event);
}

/* topic: whose round told it; NULL: asked for alone. What was over before anybody watched is no news to those who did not name it. */
static void stands(es_job_watch_t *self, es_job_topic_t *topic, const es_job_event_t *event, uint64_t now_us)
{
    es_job_record_t *record = es_job_records_need(&self->records, event->job, now_us);
    bool over = es_job_event_over(event), known = record->version > 0;
    if (event->version < record->version) return;
    bool newer = event->version > record->version;
    record->version = event->version;
    es_job_record_whose(record, event);
    es_job_records_seen(&self->records, record, over, now_us);
    if (topic && !over) topic->live = true;
    bool begun_since = topic && topic->settled && topic->scope != ES_WATCH_JOB;
    if (newer && (known || !over || begun_since))
        es_job_watch_deliver(self, record, event);
    else if (topic)
        tell_who_joined(topic, record, event);
}

static void stands_json(es_job_watch_t *self, es_job_topic_t *topic, const json_t *job, uint64_t now_us)
{
    es_job_event_t event;
    if (es_job_event_of_job(&event, job))
        es_metric_add(&es_edge_job_malformed, 1);
    else
        stands(self, topic, &event, now_us);
    es_job_event_fini(&event);
}

/* ---- rounds */

static void on_topic(void *ctx, const es_told_t *told, uint64_t now_us);

/* To be freed with free(3). Without the principal all jobs would be open. */
static char *question(const es_job_topic_t *topic)
{
    static const char *const names[] = {[ES_WATCH_JOB] = "job", [ES_WATCH_SESSION] = "session"};
    json_t *json = topic->scope == ES_WATCH_ALL
                       ? json_pack("{s:s, s:i, s:i}", "state", lives[topic->step], "page", 1, "per_page", PER_PAGE)
                       : json_pack("{s:s}", names[topic->scope], topic->id);
    if (topic->principal && json_object_set_new(json, "principal", json_string(topic->principal))) abort();
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!text) abort();
    return text;
}

static void ask(es_job_topic_t *topic, uint64_t now_us)
{
    static const char *const verbs[] = {
        [ES_WATCH_JOB] = "get", [ES_WATCH_SESSION] = "session", [ES_WATCH_ALL] = "list"};
    es_job_watch_t *self = topic->watch;
    char *json = question(topic);
    topic->ask = es_asks_ask(self->asks, verbs[topic->scope], es_span(json), on_topic, topic, now_us);
    free(json);
    if (!topic->ask) es_timers_arm(&self->timers, &topic->timer, now_us + refused_us);
}

static void begin(es_job_topic_t *topic, uint64_t now_us)
{
    es_timers_disarm(&topic->watch->timers, &topic->timer);
    topic->round++;
    topic->step = 0;
    topic->again = topic->live = false;
    ask(topic, now_us);
}

void es_job_poll_begin(es_job_topic_t *topic, uint64_t now_us)
{
    if (topic->ask)
        topic->again = true;
    else
        begin(topic, now_us);
}

void es_job_poll_forget(es_job_topic_t *topic)
{
    es_asks_forget(topic->watch->asks, topic->ask);
    es_timers_disarm(&topic->watch->timers, &topic->timer);
}

/* A job is asked for by itself from now on, and only while it is not over. */
static void rest(es_job_topic_t *topic, bool answered, uint64_t now_us)
{
    es_job_watch_t *self = topic->watch;
    if (topic->again)
        begin(topic, now_us);
    else if (!answered)
        es_timers_arm(&self->timers, &topic->timer, now_us + live_us);
    else if (topic->scope != ES_WATCH_JOB)
        es_timers_arm(&self->timers, &topic->timer, now_us + (topic->live ? live_us : idle_us));
}

static void served(es_job_topic_t *topic, uint64_t now_us)
{
    es_job_interest_t *interest;
    LIST_FOREACH(interest, &topic->interests, in_topic)
    if (interest->joined < topic->round) interest->served = true;
    topic->settled = true;
    topic->step = 0;
    rest(topic, true, now_us);
}

static void jobs_of(es_job_topic_t *topic, const json_t *answer, uint64_t now_us)
{
    size_t i;
    const json_t *job;
    if (topic->scope == ES_WATCH_JOB) {
        stands_json(topic->watch, topic, answer, now_us);
        return;
    }
    json_array_foreach(json_object_get(answer, "jobs"), i, job) stands_json(topic->watch, topic, job, now_us);
}

/* ---- when there is no answer */

static void message_of(const es_told_t *told, char *out, size_t cap)
{
    json_t *body = told->body.len ? json_loadb(told->body.ptr, told->body.len, 0, NULL) : NULL;
    const char *message = json_string_value(json_object_get(body, "message"));
    snprintf(out, cap, "%s", message ? message : "The jobs actor could not answer.");
    json_decref(body);
}

static void not_found(es_job_topic_t *topic)
{
    es_job_watch_t *self = topic->watch;
    const es_watched_t what = {topic->scope, topic->id, topic->principal};
    es_job_interest_t *interest = LIST_FIRST(&topic->interests), *next;
    for (; interest; interest = next) { /* the topic goes with the last one */
        next = LIST_NEXT(interest, in_topic);
        self->ops.trouble(interest->watcher->owner, &what, "not_found",
                          "There is no such job; its id is what the upload was answered with.");
        es_job_watch_end(self, interest);
    }
}

static void gone(es_job_watch_t *self, es_job_record_t *record, uint64_t now_us)
{
    es_job_event_t event;
    es_job_event_gone(&event, record->job, record->session, record->principal, ++record->version);
    es_job_records_seen(&self->records, record, true, now_us);
    es_job_watch_deliver(self, record, &event);
    es_job_event_fini(&event);
}

static void unanswered(es_job_topic_t *topic, const es_told_t *told, uint64_t now_us)
{
    char message[256];
    const es_watched_t what = {topic->scope, topic->id, topic->principal};
    es_job_interest_t *interest;
    message_of(told, message, sizeof message);
    LIST_FOREACH(interest, &topic->interests, in_topic)
    {
        if (interest->served || interest->warned) continue;
        interest->warned = true;
        topic->watch->ops.trouble(interest->watcher->owner, &what, "jobs_unavailable", message);
    }
    rest(topic, false, now_us);
}

static void missing(es_job_topic_t *topic, uint64_t now_us)
{
    es_job_record_t *record = es_job_records_get(&topic->watch->records, topic->id);
    if (topic->scope == ES_WATCH_SESSION)
        served(topic, now_us); /* it has no job yet */
    else if (record && record->version && !record->over && es_job_topic_sees(topic, record->principal))
        gone(topic->watch, record, now_us);
    else
        not_found(topic);
}

static void on_topic(void *ctx, const es_told_t *told, uint64_t now_us)
{
    es_job_topic_t *topic = ctx;
    topic->ask = 0;
    if (told->status == 404 || told->status == 410) {
        missing(topic, now_us);
        return;
    }
    json_t *answer = told->status == 200 ? json_loadb(told->body.ptr, told->body.len, 0, NULL) : NULL;
    if (!json_is_object(answer)) {
        json_decref(answer);
        unanswered(topic, told, now_us);
        return;
    }
    jobs_of(topic, answer, now_us);
    json_decref(answer);
    if (topic->scope == ES_WATCH_ALL && ++topic->step < LIVES)
        ask(topic, now_us);
    else
        served(topic, now_us);
}

/* ---- one by one */

static void on_job(void *ctx, const es_told_t *told, uint64_t now_us)
{
    es_job_poll_t *poll = ctx;
    es_job_watch_t *self = poll->watch;
    es_job_record_t *record = es_job_records_get(&self->records, poll->job);
    poll->ask = 0;
    if (!record) return;
    if (told->status == 404 || told->status == 410) {
        if (!record->over) gone(self, record, now_us);
    } else if (told->status == 200) {
        json_t *job = json_loadb(told->body.ptr, told->body.len, 0, NULL);
        stands_json(self, NULL, job, now_us);
        json_decref(job);
    }
}

static es_job_poll_t *free_poll(es_job_watch_t *self)
{
    for (size_t i = 0; i < ES_JOB_POLLS; i++)
        if (!self->polls[i].ask) return &self->polls[i];
    return NULL;
}

void es_job_poll_forget_all(es_job_watch_t *self)
{
    for (size_t i = 0; i < ES_JOB_POLLS; i++) {
        es_asks_forget(self->asks, self->polls[i].ask);
        self->polls[i].ask = 0;
    }
    es_job_records_fini(&self->records);
    es_job_records_init(&self->records);
}

/* False: it cannot be asked for now. */
static bool ask_for(es_job_watch_t *self, es_job_record_t *record, uint64_t now_us)
{
    char json[64];
    es_job_poll_t *poll = free_poll(self);
    if (!poll) return false;
    poll->watch = self;
    memcpy(poll->job, record->job, sizeof poll->job);
    snprintf(json, sizeof json, "{\"job\":\"%s\"}", record->job);
    poll->ask = es_asks_ask(self->asks, "get", es_span(json), on_job, poll, now_us);
    if (poll->ask) es_job_records_seen(&self->records, record, false, now_us);
    return poll->ask != 0;
}

static uint64_t ask_for_silent(es_job_watch_t *self, uint64_t now_us)
{
    es_job_record_t *record;
    while ((record = TAILQ_FIRST(&self->records.live)) && now_us >= record->seen_us + live_us) {
        if (!es_job_watch_concerns(self, record))
            es_job_records_drop(&self->records, record);
        else if (!ask_for(self, record, now_us))
            return now_us + refused_us;
    }
    return record ? record->seen_us + live_us : UINT64_MAX;
}

uint64_t es_job_poll_tick(es_job_watch_t *self, uint64_t now_us)
{
    es_job_topic_t *topic;
    while ((topic = (es_job_topic_t *)es_timers_due(&self->timers, now_us))) {
        if (topic->step)
            ask(topic, now_us); /* where it could not go on */
        else
            begin(topic, now_us);
    }
    es_job_records_trim(&self->records, now_us);
    uint64_t next = ask_for_silent(self, now_us), timer = es_timers_next(&self->timers);
    return next < timer ? next : timer;
}
