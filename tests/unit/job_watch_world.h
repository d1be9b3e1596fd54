/* Three who watch jobs, a jobs actor made up by the test, time by hand. */
#ifndef ES_JOB_WATCH_WORLD_H
#define ES_JOB_WATCH_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/job_watch.h"

#define OWN "abcdef0000000000"
#define SECOND UINT64_C(1000000)
#define JOB(n) "00000000-0000-4000-8000-00000000000" n

enum { ASKED = 4096, HEARD = 4096 };

typedef struct {
    char what[64]; /* "completed 4", "not_found" */
    char job[48];
} heard_t;

typedef struct {
    struct world *world;
    es_job_watcher_t *watcher;
    heard_t heard[HEARD];
    size_t count, taken;
    bool behind;
} person_t;

typedef struct world {
    es_asks_t *asks;
    es_job_watch_t *watch;
    person_t people[3];
    struct {
        uint64_t seq;
        char verb[16], json[160];
    } asked[ASKED];
    size_t asked_count, answered;
    uint64_t now;
    bool hears;
} world_t;

static inline void on_send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    world_t *w = ctx;
    (void)key;
    assert_true(w->asked_count < ASKED);
    for (size_t i = 0; i < w->asked_count; i++)
        if (w->asked[i].seq == msg->seq) return; /* again */
    snprintf(w->asked[w->asked_count].verb, 16, "%.*s", (int)msg->name.len, msg->name.ptr);
    snprintf(w->asked[w->asked_count].json, 160, "%.*s", (int)len, (const char *)body);
    w->asked[w->asked_count++].seq = msg->seq;
}

static inline void on_subscribe(void *ctx, bool on)
{
    world_t *w = ctx;
    assert_true(w->hears != on);
    w->hears = on;
}

static inline void hear(person_t *p, const char *what, const char *job)
{
    assert_true(p->count < HEARD);
    snprintf(p->heard[p->count].what, sizeof p->heard[0].what, "%s", what);
    snprintf(p->heard[p->count++].job, sizeof p->heard[0].job, "%s", job);
}

static inline void on_tell(void *owner, const es_job_event_t *event)
{
    static const char *const names[] = {"queued", "progress", "completed", "failed", "cancelled", "deleted"};
    char what[32];
    es_span_t head = es_job_event_head(event->type);
    assert_non_null(memmem(head.ptr, head.len, names[event->type], strlen(names[event->type])));
    assert_memory_equal(event->fields, "\"job_id\":\"", 10);
    assert_int_not_equal(event->fields[event->len - 1], '}' + 1);
    snprintf(what, sizeof what, "%s %d", names[event->type], (int)event->version);
    hear(owner, what, event->job);
}

static inline bool on_behind(void *owner)
{
    return ((person_t *)owner)->behind;
}

static inline void on_trouble(void *owner, const es_watched_t *what, const char *code, const char *message)
{
    assert_true(strlen(message) > 10);
    hear(owner, code, what->id);
}

static inline void begin_with(world_t *w, uint64_t max, uint64_t client_max)
{
    const es_job_watch_limits_t limits = {.max_watches = max, .max_client_watches = client_max};
    const es_job_watch_ops_t ops = {
        .ctx = w, .subscribe = on_subscribe, .tell = on_tell, .behind = on_behind, .trouble = on_trouble};
    memset(w, 0, sizeof *w);
    w->now = SECOND;
    w->asks = es_asks_new(OWN, &(es_asks_ops_t){.ctx = w, .send = on_send});
    w->watch = es_job_watch_new(&limits, &ops, w->asks);
    for (size_t i = 0; i < 3; i++) {
        w->people[i].world = w;
        w->people[i].watcher = es_job_watcher_new(w->watch, &w->people[i]);
    }
}

static inline world_t *begin(void)
{
    world_t *w = malloc(sizeof *w);
    begin_with(w, 100, 10);
    return w;
}

static inline void end(world_t *w)
{
    for (size_t i = 0; i < 3; i++) es_job_watcher_destroy(&w->people[i].watcher);
    assert_false(w->hears);
    assert_int_equal(es_asks_under_way(w->asks), 0);
    es_job_watch_destroy(&w->watch);
    es_asks_destroy(&w->asks);
    free(w);
}

static inline void watch_job(person_t *p, const char *job)
{
    assert_int_equal(es_job_watcher_add(p->watcher, &(es_watched_t){ES_WATCH_JOB, job, NULL}, p->world->now), 0);
}

static inline void watch_session(person_t *p, const char *session)
{
    assert_int_equal(es_job_watcher_add(p->watcher, &(es_watched_t){ES_WATCH_SESSION, session, NULL}, p->world->now),
                     0);
}

static inline void watch_all(person_t *p)
{
    assert_int_equal(es_job_watcher_add(p->watcher, &(es_watched_t){ES_WATCH_ALL, "", NULL}, p->world->now), 0);
}

/* The oldest question that is not answered: "get {...}"; "" where there is none. */
static inline const char *question(world_t *w)
{
    static char text[200];
    *text = 0;
    if (w->answered < w->asked_count)
        snprintf(text, sizeof text, "%s %s", w->asked[w->answered].verb, w->asked[w->answered].json);
    return text;
}

static inline void answer(world_t *w, unsigned status, const char *json)
{
    es_msg_t msg = {.version = ES_VERSION, .kind = ES_JOB_TOLD};
    assert_true(w->answered < w->asked_count);
    msg.seq = w->asked[w->answered++].seq;
    ES_SET(&msg, ES_M_COUNT, count, status);
    es_asks_told(w->asks, &msg, json, strlen(json), w->now);
}

static inline const char *job(const char *id, const char *status, int version)
{
    static char text[4][512];
    static int turn;
    char *out = text[turn++ % 4];
    snprintf(out, 512,
             "{\"jobId\":\"%s\",\"sessionId\":\"s\",\"status\":\"%s\",\"progress\":12.5,\"version\":%d,\"history\":[],"
             "\"analysis\":null}",
             id, status, version);
    return out;
}

static inline void news(world_t *w, const char *type, const char *id, int version)
{
    char key[64], body[1024];
    snprintf(key, sizeof key, ES_JOBS_TOPIC "%s", id);
    snprintf(body, sizeof body, "{\"type\":\"job.%s\",\"version\":%d,\"job\":%s,\"text\":\"words\"}", type, version,
             job(id, "TRANSCRIBING", version));
    es_job_watch_news(w->watch, es_span(key), body, strlen(body), w->now);
}

static inline void pass(world_t *w, uint64_t us)
{
    w->now += us;
    es_asks_tick(w->asks, w->now);
    es_job_watch_tick(w->watch, w->now);
}

/* What this one has heard since: "progress 3, completed 4". */
static inline const char *heard(person_t *p)
{
    static char text[4096];
    size_t used = 0;
    *text = 0;
    for (; p->taken < p->count; p->taken++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "", p->heard[p->taken].what);
    return text;
}

#endif
