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

static void on_send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
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

static void on_subscribe(void *ctx, bool on)
{
    world_t *w = ctx;
    assert_true(w->hears != on);
    w->hears = on;
}

static void hear(person_t *p, const char *what, const char *job)
{
    assert_true(p->count < HEARD);
    snprintf(p->heard[p->count].what, sizeof p->heard[0].what, "%s", what);
    snprintf(p->heard[p->count++].job, sizeof p->heard[0].job, "%s", job);
}

static void on_tell(void *owner, const es_job_event_t *event)
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

static bool on_behind(void *owner)
{
    return ((person_t *)owner)->behind;
}

static void on_trouble(void *owner, const es_watched_t *what, const char *code, const char *message)
{
    assert_true(strlen(message) > 10);
    hear(owner, code, what->id);
}

static void begin_with(world_t *w, uint64_t max, uint64_t client_max)
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

static world_t *begin(void)
{
    world_t *w = malloc(sizeof *w);
    begin_with(w, 100, 10);
    return w;
}

static void end(world_t *w)
{
    for (size_t i = 0; i < 3; i++) es_job_watcher_destroy(&w->people[i].watcher);
    assert_false(w->hears);
    assert_int_equal(es_asks_under_way(w->asks), 0);
    es_job_watch_destroy(&w->watch);
    es_asks_destroy(&w->asks);
    free(w);
}

static void watch_job(person_t *p, const char *job)
{
    assert_int_equal(es_job_watcher_add(p->watcher, &(es_watched_t){ES_WATCH_JOB, job, NULL}, p->world->now), 0);
}

static void watch_session(person_t *p, const char *session)
{
    assert_int_equal(es_job_watcher_add(p->watcher, &(es_watched_t){ES_WATCH_SESSION, session, NULL}, p->world->now),
                     0);
}

static void watch_all(person_t *p)
{
    assert_int_equal(es_job_watcher_add(p->watcher, &(es_watched_t){ES_WATCH_ALL, "", NULL}, p->world->now), 0);
}

/* The oldest question that is not answered: "get {...}"; "" where there is none. */
static const char *question(world_t *w)
{
    static char text[200];
    *text = 0;
    if (w->answered < w->asked_count)
        snprintf(text, sizeof text, "%s %s", w->asked[w->answered].verb, w->asked[w->answered].json);
    return text;
}

static void answer(world_t *w, unsigned status, const char *json)
{
    es_msg_t msg = {.version = ES_VERSION, .kind = ES_JOB_TOLD};
    assert_true(w->answered < w->asked_count);
    msg.seq = w->asked[w->answered++].seq;
    ES_SET(&msg, ES_M_COUNT, count, status);
    es_asks_told(w->asks, &msg, json, strlen(json), w->now);
}

static const char *job(const char *id, const char *status, int version)
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

static void news(world_t *w, const char *type, const char *id, int version)
{
    char key[64], body[1024];
    snprintf(key, sizeof key, ES_JOBS_TOPIC "%s", id);
    snprintf(body, sizeof body, "{\"type\":\"job.%s\",\"version\":%d,\"job\":%s,\"text\":\"words\"}", type, version,
             job(id, "TRANSCRIBING", version));
    es_job_watch_news(w->watch, es_span(key), body, strlen(body), w->now);
}

static void pass(world_t *w, uint64_t us)
{
    w->now += us;
    es_asks_tick(w->asks, w->now);
    es_job_watch_tick(w->watch, w->now);
}

/* What this one has heard since: "progress 3, completed 4". */
static const char *heard(person_t *p)
{
    static char text[4096];
    size_t used = 0;
    *text = 0;
    for (; p->taken < p->count; p->taken++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "", p->heard[p->taken].what);
    return text;
}

static void a_job_is_told_from_now_to_its_end(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *p = &w->people[0];
    watch_job(p, JOB("1"));
    assert_true(w->hears);
    assert_string_equal(question(w), "get {\"job\":\"" JOB("1") "\"}");
    answer(w, 200, job(JOB("1"), "QUEUED", 1));
    assert_string_equal(heard(p), "queued 1");
    news(w, "progress", JOB("1"), 3);
    news(w, "progress", JOB("1"), 2); /* late */
    news(w, "progress", JOB("1"), 3); /* by another broker */
    news(w, "progress", JOB("2"), 9); /* not watched */
    news(w, "completed", JOB("1"), 4);
    news(w, "completed", JOB("1"), 4);
    assert_string_equal(heard(p), "progress 3, completed 4");
    pass(w, 30 * SECOND);
    assert_string_equal(question(w), "");
    end(w);
}

static void the_last_state_comes_though_all_news_are_lost(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *p = &w->people[0];
    watch_job(p, JOB("1"));
    answer(w, 200, job(JOB("1"), "QUEUED", 1));
    pass(w, 4 * SECOND);
    assert_string_equal(question(w), "");
    pass(w, SECOND);
    assert_string_equal(question(w), "get {\"job\":\"" JOB("1") "\"}");
    answer(w, 200, job(JOB("1"), "TRANSCRIBING", 5));
    pass(w, 3 * SECOND);
    news(w, "progress", JOB("1"), 6);
    pass(w, 3 * SECOND);
    assert_string_equal(question(w), ""); /* it was heard of 3 s ago */
    pass(w, 2 * SECOND);
    pass(w, 5 * SECOND + 1); /* nobody answers that one */
    answer(w, 503, "{}");
    pass(w, 5 * SECOND);
    while (w->answered + 1 < w->asked_count) w->answered++;
    answer(w, 200, job(JOB("1"), "FAILED", 9));
    assert_string_equal(heard(p), "queued 1, progress 5, progress 6, failed 9");
    pass(w, 20 * SECOND);
    end(w);
}

static void a_session_has_what_is_not_over(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *p = &w->people[0];
    char json[2048];
    watch_session(p, "s");
    assert_string_equal(question(w), "session {\"session\":\"s\"}");
    snprintf(json, sizeof json, "{\"jobs\":[%s,%s]}", job(JOB("2"), "TRANSCRIBING", 7), job(JOB("1"), "COMPLETED", 4));
    answer(w, 200, json);
    assert_string_equal(heard(p), "progress 7");
    news(w, "queued", JOB("3"), 1);
    assert_string_equal(heard(p), "queued 1");
    pass(w, 5 * SECOND);
    assert_string_equal(question(w), "session {\"session\":\"s\"}");
    /* 4 came and went without a word, and 3 has ended. */
    snprintf(json, sizeof json, "{\"jobs\":[%s,%s,%s,%s]}", job(JOB("4"), "FAILED", 5), job(JOB("3"), "CANCELLED", 2),
             job(JOB("2"), "TRANSCRIBING", 7), job(JOB("1"), "COMPLETED", 4));
    answer(w, 200, json);
    assert_string_equal(heard(p), "failed 5, cancelled 2");
    end(w);
}

static void a_session_without_jobs_waits_for_one(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *p = &w->people[0];
    watch_session(p, "s");
    answer(w, 404, "{\"error\":\"not_found\",\"message\":\"No.\"}");
    assert_string_equal(heard(p), "");
    pass(w, 29 * SECOND);
    assert_string_equal(question(w), "");
    pass(w, SECOND);
    assert_string_equal(question(w), "session {\"session\":\"s\"}");
    news(w, "queued", JOB("1"), 1);
    assert_string_equal(heard(p), "queued 1");
    end(w);
}

static void all_is_every_job_that_is_not_over(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *p = &w->people[0];
    char json[1024];
    watch_all(p);
    assert_string_equal(question(w), "list {\"state\":\"QUEUED\",\"page\":1,\"per_page\":200}");
    snprintf(json, sizeof json, "{\"jobs\":[%s]}", job(JOB("1"), "QUEUED", 1));
    answer(w, 200, json);
    assert_string_equal(question(w), "list {\"state\":\"TRANSCRIBING\",\"page\":1,\"per_page\":200}");
    answer(w, 200, "{\"jobs\":[]}");
    snprintf(json, sizeof json, "{\"jobs\":[%s]}", job(JOB("2"), "ANALYZING", 8));
    answer(w, 200, json);
    assert_string_equal(heard(p), "queued 1, progress 8");
    pass(w, 5 * SECOND);
    answer(w, 200, "{\"jobs\":[]}"); /* QUEUED: 1 is not there any more */
    while (*question(w)) {
        bool one = strstr(question(w), JOB("1")) != NULL, two = strstr(question(w), JOB("2")) != NULL;
        answer(w, 200, one ? job(JOB("1"), "COMPLETED", 9) : two ? job(JOB("2"), "ANALYZING", 8) : "{\"jobs\":[]}");
    }
    assert_string_equal(heard(p), "completed 9");
    end(w);
}

static void who_watches_twice_hears_once(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *p = &w->people[0], *q = &w->people[1];
    watch_job(p, JOB("1"));
    watch_session(p, "s");
    watch_all(p);
    watch_session(q, "s");
    watch_session(&w->people[2], "other");
    news(w, "progress", JOB("1"), 3);
    assert_string_equal(heard(p), "progress 3");
    assert_string_equal(heard(q), "progress 3");
    assert_string_equal(heard(&w->people[2]), "");
    assert_true(es_job_watcher_remove(p->watcher, &(es_watched_t){ES_WATCH_ALL, "", NULL}));
    assert_false(es_job_watcher_remove(p->watcher, &(es_watched_t){ES_WATCH_ALL, "", NULL}));
    assert_true(es_job_watcher_remove(p->watcher, &(es_watched_t){ES_WATCH_SESSION, "s", NULL}));
    news(w, "progress", JOB("1"), 4);
    news(w, "progress", JOB("2"), 4);
    assert_string_equal(heard(p), "progress 4");
    assert_string_equal(heard(q), "progress 4, progress 4");
    end(w);
}

static void watch_as(person_t *p, es_watch_scope_t scope, const char *id, const char *principal)
{
    assert_int_equal(es_job_watcher_add(p->watcher, &(es_watched_t){scope, id, principal}, p->world->now), 0);
}

static void news_of(world_t *w, const char *principal, const char *id, int version)
{
    char key[64], body[512];
    snprintf(key, sizeof key, ES_JOBS_TOPIC "%s", id);
    snprintf(
        body, sizeof body,
        "{\"type\":\"job.progress\",\"version\":%d,\"job\":{\"jobId\":\"%s\",\"sessionId\":\"s\",\"principal\":%s}}",
        version, id, principal);
    es_job_watch_news(w->watch, es_span(key), body, strlen(body), w->now);
}

static void a_session_is_watched_as_somebody(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *alice = &w->people[0], *bob = &w->people[1], *boss = &w->people[2];
    watch_as(alice, ES_WATCH_SESSION, "s", "jwt:\"alice\"");
    assert_string_equal(question(w), "session {\"session\":\"s\",\"principal\":\"jwt:\\\"alice\\\"\"}");
    answer(w, 404, "{}");
    watch_as(bob, ES_WATCH_SESSION, "s", "bob");
    assert_string_equal(question(w), "session {\"session\":\"s\",\"principal\":\"bob\"}");
    answer(w, 200,
           "{\"jobs\":[{\"jobId\":\"" JOB("7") "\",\"sessionId\":\"s\",\"status\":\"QUEUED\",\"version\":1,"
                                               "\"principal\":\"eve\"}]}"); /* by one that does not look */
    watch_as(boss, ES_WATCH_SESSION, "s", NULL);
    assert_string_equal(question(w), "session {\"session\":\"s\"}");
    answer(w, 404, "{}");
    news_of(w, "\"jwt:\\\"alice\\\"\"", JOB("1"), 3);
    news_of(w, "\"bob\"", JOB("2"), 4);
    news_of(w, "null", JOB("3"), 5);
    assert_string_equal(heard(alice), "progress 3");
    assert_string_equal(heard(bob), "progress 4");
    assert_string_equal(heard(boss), "progress 3, progress 4, progress 5");
    assert_true(es_job_watcher_remove(alice->watcher, &(es_watched_t){ES_WATCH_SESSION, "s", ""}));
    news_of(w, "\"bob\"", JOB("2"), 6);
    assert_string_equal(heard(bob), "progress 6");
    end(w);
}

static void a_job_of_others_is_not_there(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *alice = &w->people[0], *bob = &w->people[1];
    watch_as(alice, ES_WATCH_JOB, JOB("1"), "alice");
    assert_string_equal(question(w), "get {\"job\":\"" JOB("1") "\",\"principal\":\"alice\"}");
    answer(w, 200,
           "{\"jobId\":\"" JOB("1") "\",\"sessionId\":\"s\",\"status\":\"QUEUED\",\"version\":1,\"principal\":"
                                    "\"alice\"}");
    watch_as(bob, ES_WATCH_JOB, JOB("1"), "bob");
    news_of(w, "\"alice\"", JOB("1"), 2);
    assert_string_equal(question(w), "get {\"job\":\"" JOB("1") "\",\"principal\":\"bob\"}");
    answer(w, 404, "{}");
    assert_string_equal(heard(bob), "not_found");
    assert_string_equal(heard(alice), "queued 1, progress 2"); /* and not deleted */
    watch_as(bob, ES_WATCH_JOB, JOB("2"), "bob");
    news_of(w, "null", JOB("2"), 4); /* nobody's: whoever names it */
    assert_string_equal(heard(bob), "progress 4");
    watch_as(bob, ES_WATCH_JOB, JOB("2"), NULL); /* the same watch, as somebody else */
    assert_int_equal(es_job_watcher_count(bob->watcher), 1);
    end(w);
}

/* The answer was asked for before the news, and comes after them. */
static void who_joins_late_gets_the_present_state(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *p = &w->people[0], *q = &w->people[1];
    watch_job(p, JOB("1"));
    news(w, "progress", JOB("1"), 5);
    watch_job(q, JOB("1"));
    answer(w, 200, job(JOB("1"), "TRANSCRIBING", 4)); /* to p's question */
    assert_string_equal(heard(q), "");
    assert_string_equal(question(w), "get {\"job\":\"" JOB("1") "\"}");
    answer(w, 200, job(JOB("1"), "TRANSCRIBING", 5));
    assert_string_equal(heard(p), "progress 5");
    assert_string_equal(heard(q), "progress 5");
    watch_job(p, JOB("1")); /* once more */
    answer(w, 200, job(JOB("1"), "TRANSCRIBING", 5));
    assert_string_equal(heard(p), "progress 5");
    assert_string_equal(heard(q), "");
    end(w);
}

/* The session's question was asked before, and brings what was told to all meanwhile. */
static void what_came_with_the_others_does_not_come_again(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *p = &w->people[0], *q = &w->people[1];
    char json[1024];
    watch_job(p, JOB("1"));
    watch_session(q, "s");
    answer(w, 200, job(JOB("1"), "QUEUED", 1));
    snprintf(json, sizeof json, "{\"jobs\":[%s]}", job(JOB("1"), "QUEUED", 1));
    answer(w, 200, json);
    assert_string_equal(heard(p), "queued 1");
    assert_string_equal(heard(q), "queued 1");
    end(w);
}

static void a_job_that_is_over_is_told_to_who_names_it(void **state)
{
    (void)state;
    world_t *w = begin();
    watch_job(&w->people[0], JOB("1"));
    answer(w, 200, job(JOB("1"), "COMPLETED", 4));
    assert_string_equal(heard(&w->people[0]), "completed 4");
    watch_job(&w->people[1], JOB("1"));
    answer(w, 200, job(JOB("1"), "COMPLETED", 4));
    assert_string_equal(heard(&w->people[1]), "completed 4");
    pass(w, 120 * SECOND); /* it is forgotten */
    watch_job(&w->people[2], JOB("1"));
    answer(w, 200, job(JOB("1"), "COMPLETED", 4));
    assert_string_equal(heard(&w->people[2]), "completed 4");
    assert_string_equal(heard(&w->people[0]), "");
    news(w, "queued", JOB("1"), 5); /* tried again */
    assert_string_equal(heard(&w->people[0]), "queued 5");
    end(w);
}

static void a_job_that_is_not_there(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *p = &w->people[0], *q = &w->people[1];
    watch_job(p, JOB("1"));
    watch_job(q, JOB("1"));
    answer(w, 404, "{}");
    assert_string_equal(heard(p), "not_found");
    assert_string_equal(heard(q), "not_found");
    assert_int_equal(es_job_watcher_count(p->watcher), 0);
    assert_false(w->hears);
    watch_job(p, JOB("1"));
    answer(w, 200, job(JOB("1"), "TRANSCRIBING", 2));
    pass(w, 5 * SECOND);
    answer(w, 410, "{}");
    assert_string_equal(heard(p), "progress 2, deleted 3");
    end(w);
}

static void nobody_answers_for_a_while(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *p = &w->people[0];
    watch_job(p, JOB("1"));
    for (int i = 0; i < 20; i++) pass(w, SECOND);
    assert_string_equal(heard(p), "jobs_unavailable"); /* once */
    assert_int_equal(es_job_watcher_count(p->watcher), 1);
    while (w->answered + 1 < w->asked_count) w->answered++;
    answer(w, 200, job(JOB("1"), "QUEUED", 1));
    assert_string_equal(heard(p), "queued 1");
    end(w);
}

static void who_is_behind_hears_the_end(void **state)
{
    (void)state;
    world_t *w = begin();
    person_t *p = &w->people[0];
    watch_all(p);
    p->behind = true;
    for (int i = 1; i < 100; i++) news(w, "progress", JOB("1"), i);
    news(w, "completed", JOB("1"), 100);
    p->behind = false;
    news(w, "progress", JOB("2"), 1);
    assert_string_equal(heard(p), "completed 100, progress 1");
    end(w);
}

static void there_are_limits(void **state)
{
    (void)state;
    world_t *w = malloc(sizeof *w);
    begin_with(w, 3, 2);
    es_watched_t one = {ES_WATCH_JOB, JOB("1"), NULL}, two = {ES_WATCH_JOB, JOB("2"), NULL},
                 three = {ES_WATCH_JOB, JOB("3"), NULL};
    assert_int_equal(es_job_watcher_add(w->people[0].watcher, &one, 0), 0);
    assert_int_equal(es_job_watcher_add(w->people[0].watcher, &two, 0), 0);
    assert_int_equal(es_job_watcher_add(w->people[0].watcher, &three, 0), -1);
    assert_int_equal(es_job_watcher_add(w->people[0].watcher, &two, 0), 0);
    assert_int_equal(es_job_watcher_add(w->people[1].watcher, &one, 0), 0);
    assert_int_equal(es_job_watcher_add(w->people[1].watcher, &two, 0), -1);
    assert_true(es_job_watcher_remove(w->people[0].watcher, &one));
    assert_int_equal(es_job_watcher_add(w->people[1].watcher, &two, 0), 0);
    end(w);
}

/* No more than so many are asked for one by one, and all have their turn. */
static void many_silent_jobs_are_asked_for_in_turn(void **state)
{
    (void)state;
    world_t *w = begin();
    char id[48];
    watch_all(&w->people[0]);
    for (int i = 0; i < 3; i++) answer(w, 200, "{\"jobs\":[]}");
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof id, "00000000-0000-4000-8000-%012d", i);
        news(w, "queued", id, 1);
    }
    pass(w, 5 * SECOND);
    size_t gets = 0;
    for (int round = 0; round < 20 && gets < 100; round++) {
        while (*question(w)) {
            bool get = !strncmp(question(w), "get ", 4);
            gets += get;
            answer(w, get ? 500 : 200, "{}");
        }
        assert_true(es_asks_under_way(w->asks) <= 33);
        pass(w, 1);
    }
    assert_true(gets >= 100);
    end(w);
}

static void nonsense_is_counted_only(void **state)
{
    (void)state;
    world_t *w = begin();
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"type\":\"job.progress\",\"version\":1}",
        "{\"type\":\"job.\",\"version\":1,\"job\":{\"jobId\":\"a\",\"sessionId\":\"s\"}}",
        "{\"type\":\"job.progress\",\"version\":-1,\"job\":{\"jobId\":\"a\",\"sessionId\":\"s\"}}",
        "{\"type\":\"job.progress\",\"version\":1,\"job\":{\"jobId\":7,\"sessionId\":\"s\"}}",
        "{\"type\":\"job.progress\",\"version\":1,\"job\":{\"jobId\":\"a\\u0000b\",\"sessionId\":\"s\"}}"};
    watch_all(&w->people[0]);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        es_job_watch_news(w->watch, es_span("jobs/x"), bodies[i], strlen(bodies[i]), w->now);
    answer(w, 200, "{\"jobs\":[1,{},{\"jobId\":\"a\"},null]}");
    answer(w, 200, "[]");
    assert_string_equal(heard(&w->people[0]), "jobs_unavailable");
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_told_from_now_to_its_end),
        cmocka_unit_test(the_last_state_comes_though_all_news_are_lost),
        cmocka_unit_test(a_session_has_what_is_not_over),
        cmocka_unit_test(a_session_without_jobs_waits_for_one),
        cmocka_unit_test(all_is_every_job_that_is_not_over),
        cmocka_unit_test(who_watches_twice_hears_once),
        cmocka_unit_test(a_session_is_watched_as_somebody),
        cmocka_unit_test(a_job_of_others_is_not_there),
        cmocka_unit_test(who_joins_late_gets_the_present_state),
        cmocka_unit_test(what_came_with_the_others_does_not_come_again),
        cmocka_unit_test(a_job_that_is_over_is_told_to_who_names_it),
        cmocka_unit_test(a_job_that_is_not_there),
        cmocka_unit_test(nobody_answers_for_a_while),
        cmocka_unit_test(who_is_behind_hears_the_end),
        cmocka_unit_test(there_are_limits),
        cmocka_unit_test(many_silent_jobs_are_asked_for_in_turn),
        cmocka_unit_test(nonsense_is_counted_only),
    };
    return cmocka_run_group_tests_name("job_watch", tests, NULL, NULL);
}
