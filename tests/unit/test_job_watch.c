/* How a job that is watched is told of, whatever is lost. Whose jobs a watch is about is test_job_watch_scopes.c. */
#include "job_watch_world.h"

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
