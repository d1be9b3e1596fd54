/* What a watch is about: one job, a session, all; and as whom it is looked at. */
#include "job_watch_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_has_what_is_not_over),    cmocka_unit_test(a_session_without_jobs_waits_for_one),
        cmocka_unit_test(all_is_every_job_that_is_not_over), cmocka_unit_test(who_watches_twice_hears_once),
        cmocka_unit_test(a_session_is_watched_as_somebody),  cmocka_unit_test(a_job_of_others_is_not_there),
    };
    return cmocka_run_group_tests_name("job_watch_scopes", tests, NULL, NULL);
}
