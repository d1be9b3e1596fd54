/* actors/jobs/store_read.c and store_deliveries.c over both databases: lists, counts, retention, webhooks. */
#include "job_store_world.h"

typedef struct {
    char text[512];
    uint64_t total;
} list_t;

static void add_job(void *arg, const es_job_t *job)
{
    list_t *list = arg;
    size_t len = strlen(list->text);
    assert_null(job->analysis);
    snprintf(list->text + len, sizeof list->text - len, "%s%lu", len > 0 ? " " : "", strtoul(job->id + 24, NULL, 10));
}

static void add_id(void *arg, const char *id)
{
    list_t *list = arg;
    size_t len = strlen(list->text);
    snprintf(list->text + len, sizeof list->text - len, "%s%lu", len > 0 ? " " : "", strtoul(id + 24, NULL, 10));
}

static void check_list(world_t *w, const es_job_filter_t *filter, uint64_t total, const char *as)
{
    list_t list = {.text = ""};
    GOES(w->b, es_job_store_list(w->b, filter, &list.total, add_job, &list));
    assert_string_equal(list.text, as);
    assert_int_equal(list.total, total);
}

static es_job_filter_t filter_of(int state, const char *session, const char *q)
{
    return (es_job_filter_t){.state = state, .session = session, .q = q, .count = 10};
}

static void insert_named(es_job_store_t *store, unsigned n, const char *session, const char *file_name)
{
    es_job_t job = job_of(n);
    job.session = (char *)session;
    job.file_name = (char *)file_name;
    inserted_as(store, &job);
}

/* ---- lists */

static void newest_first_in_pages(void **state)
{
    world_t *w = *state;
    es_job_filter_t all = filter_of(-1, NULL, NULL);
    check_list(w, &all, 0, "");
    for (unsigned n = 1; n <= 5; n++) inserted(w->a, n);
    check_list(w, &all, 5, "5 4 3 2 1");
    all.count = 2;
    check_list(w, &all, 5, "5 4");
    all.offset = 4;
    check_list(w, &all, 5, "1");
    all.offset = 5;
    check_list(w, &all, 5, "");
    all.offset = UINT64_MAX;
    check_list(w, &all, 5, "");
    all.offset = 0;
    all.count = UINT64_MAX;
    check_list(w, &all, 5, "5 4 3 2 1");
    all.q = "";
    check_list(w, &all, 5, "5 4 3 2 1");
}

static void filters_may_be_combined(void **state)
{
    world_t *w = *state;
    brought_to(w->a, 1, ES_JOB_COMPLETED);
    brought_to(w->a, 2, ES_JOB_FAILED);
    insert_named(w->a, 3, "s-2", "Talk.wav");
    insert_named(w->a, 4, "s-2", "other.mp3");
    insert_named(w->a, 5, "session-1", NULL);
    struct {
        int state;
        const char *session, *q;
        uint64_t total;
        const char *as;
    } cases[] = {
        {ES_JOB_QUEUED, NULL, NULL, 3, "5 4 3"}, {ES_JOB_FAILED, NULL, NULL, 1, "2"},
        {ES_JOB_CANCELLED, NULL, NULL, 0, ""},   {-1, "session-1", NULL, 3, "5 2 1"},
        {-1, "session-", NULL, 0, ""},           {ES_JOB_QUEUED, "s-2", NULL, 2, "4 3"},
        {-1, NULL, "TALK", 3, "3 2 1"},          {-1, NULL, "it BROKE", 1, "2"},
        {ES_JOB_COMPLETED, NULL, "wav", 1, "1"}, {-1, "s-2", "wav", 1, "3"},
        {ES_JOB_QUEUED, "s-2", "mp3", 1, "4"},   {ES_JOB_FAILED, "s-2", "mp3", 0, ""},
        {-1, NULL, "000000000004", 1, "4"},      {-1, NULL, "S-2", 2, "4 3"},
        {-1, NULL, "nobody said this", 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_job_filter_t filter = filter_of(cases[i].state, cases[i].session, cases[i].q);
        check_list(w, &filter, cases[i].total, cases[i].as);
    }
}

static void insert_owned(es_job_store_t *store, unsigned n, const char *principal)
{
    es_job_t job = job_of(n);
    job.session = "s";
    job.principal = (char *)principal;
    job.file_name = n % 2 ? "odd.wav" : "even.wav";
    inserted_as(store, &job);
}

static void a_session_is_listed_as_its_principals_see_it(void **state)
{
    world_t *w = *state;
    insert_owned(w->a, 1, "key:alice");
    insert_owned(w->a, 2, "key:bob");
    insert_owned(w->a, 3, "key:alice");
    insert_owned(w->a, 4, NULL);
    insert_named(w->a, 5, "other", NULL);
    GOES(w->a, es_job_store_cancel(w->a, id_of(3), NOW, NULL));
    struct {
        int state;
        const char *principal, *q;
        uint64_t total;
        const char *as;
    } cases[] = {{-1, NULL, NULL, 4, "4 3 2 1"},
                 {-1, "key:alice", NULL, 2, "3 1"},
                 {-1, "key:bob", NULL, 1, "2"},
                 {-1, "", NULL, 1, "4"},
                 {-1, "key:al", NULL, 0, ""},
                 {ES_JOB_QUEUED, "key:alice", NULL, 1, "1"},
                 {-1, "key:alice", "odd", 2, "3 1"},
                 {-1, "key:alice", "even", 0, ""},
                 {ES_JOB_CANCELLED, "key:alice", "odd", 1, "3"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_job_filter_t filter = filter_of(cases[i].state, "s", cases[i].q);
        filter.principal = cases[i].principal;
        check_list(w, &filter, cases[i].total, cases[i].as);
    }
}

static void what_is_looked_for_is_no_pattern(void **state)
{
    world_t *w = *state;
    struct {
        const char *q, *as;
    } cases[] = {{"100%", "1"}, {"%", "1"},     {"_", "2"},      {"a_b", "2"},    {"\\", "3"},
                 {"'", "4"},    {"ÄRGER", "5"}, {"straße", "5"}, {"ПРИВЕТ", "6"}, {"\xff", ""}};
    insert_named(w->a, 1, "s", "100%.wav");
    insert_named(w->a, 2, "s", "a_b.wav");
    insert_named(w->a, 3, "s", "c:\\d.wav");
    insert_named(w->a, 4, "s", "it's.wav");
    insert_named(w->a, 5, "s", "ärger Straße.wav");
    insert_named(w->a, 6, "s", "привет.wav");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_job_filter_t filter = filter_of(-1, NULL, cases[i].q);
        check_list(w, &filter, cases[i].as[0] != '\0', cases[i].as);
    }
}

static void errors_of_attempts_past_are_not_found(void **state)
{
    world_t *w = *state;
    es_job_filter_t filter = filter_of(-1, NULL, "it broke");
    brought_to(w->a, 1, ES_JOB_FAILED);
    check_list(w, &filter, 1, "1");
    GOES(w->a, es_job_store_retry(w->a, id_of(1), 0, NOW, NULL));
    check_list(w, &filter, 0, "");
}

static void states_are_counted(void **state)
{
    world_t *w = *state;
    es_job_counts_t counts;
    GOES(w->a, es_job_store_counts(w->a, &counts));
    for (int i = 0; i < ES_JOB_STATES; i++) assert_int_equal(counts.states[i], 0);
    assert_int_equal(counts.oldest_queued_ms, 0);
    brought_to(w->a, 1, ES_JOB_COMPLETED);
    brought_to(w->a, 2, ES_JOB_COMPLETED);
    brought_to(w->a, 3, ES_JOB_ANALYZING);
    brought_to(w->a, 4, ES_JOB_CANCELLED);
    inserted(w->a, 5);
    inserted(w->a, 6);
    GOES(w->b, es_job_store_counts(w->b, &counts));
    static const uint64_t expected[ES_JOB_STATES] = {2, 0, 1, 2, 0, 1};
    for (int i = 0; i < ES_JOB_STATES; i++) assert_int_equal(counts.states[i], expected[i]);
    assert_int_equal(counts.oldest_queued_ms, NOW + 5);
}

/* ---- retention */

static void check_expired(world_t *w, uint64_t before_ms, uint64_t keep, size_t max, const char *as)
{
    list_t list = {.text = ""};
    GOES(w->b, es_job_store_expired(w->b, SPOOL, before_ms, keep, max, add_id, &list));
    assert_string_equal(list.text, as);
}

static void what_is_over_expires_by_age_and_number(void **state)
{
    world_t *w = *state;
    es_job_t job = job_of(9);
    for (unsigned n = 1; n <= 5; n++) {
        inserted(w->a, n);
        GOES(w->a, es_job_store_cancel(w->a, id_of(n), NOW + 1000 - n, NULL));
    }
    inserted(w->a, 6);
    job.spool = "spool-b";
    inserted_as(w->a, &job);
    GOES(w->a, es_job_store_cancel(w->a, id_of(9), NOW, NULL));
    check_expired(w, 0, 0, 100, "");
    check_expired(w, NOW + 997, 0, 100, "5 4");
    check_expired(w, NOW + 9999, 0, 100, "5 4 3 2 1");
    check_expired(w, NOW + 9999, 0, 3, "5 4 3");
    check_expired(w, NOW + 9999, 0, 0, "");
    check_expired(w, 0, 5, 100, "");
    check_expired(w, 0, 2, 100, "5 4 3");
    check_expired(w, 0, 2, 1, "5");
    check_expired(w, NOW + 997, 4, 100, "5 4");
    check_expired(w, NOW + 997, 2, 100, "5 4 3");
}

/* ---- webhooks */

static void insert_hooked(es_job_store_t *store, unsigned n)
{
    es_job_t job = job_of(n);
    job.webhook = "https://example.org/hook";
    inserted_as(store, &job);
}

static es_jobs_result_t delivery_at(es_job_store_t *store, uint64_t now_ms, es_job_delivery_t *out, uint64_t *next_ms)
{
    static const char *const nothing[ES_JOB_BUT_MAX];
    return TURN(store, es_job_store_delivery(store, now_ms, now_ms + LEASE, nothing, out, next_ms));
}

static void a_webhook_is_due_once_the_job_is_over(void **state)
{
    world_t *w = *state;
    es_job_delivery_t delivery;
    uint64_t next = 9;
    brought_to(w->a, 1, ES_JOB_COMPLETED);
    assert_int_equal(delivery_at(w->a, NOW, &delivery, &next), ES_JOBS_NONE);
    assert_int_equal(next, 0);
    for (unsigned n = 2; n <= 4; n++) insert_hooked(w->a, n);
    es_job_hold_t completed = claimed_at(w->a, NOW + 10), failed = claimed_at(w->a, NOW + 10);
    assert_int_equal(delivery_at(w->a, NOW + 10, &delivery, &next), ES_JOBS_NONE);
    GOES(w->a, es_job_store_transcribed(w->a, &completed, NOW + 20));
    GOES(w->a, es_job_store_completed(w->a, &completed, "{}", NOW + 20));
    GOES(w->a, es_job_store_completed(w->a, &completed, "{}", NOW + 21));
    GOES(w->a, es_job_store_failed(w->a, &failed, "x", NOW + 30));
    GOES(w->a, es_job_store_cancel(w->a, id_of(4), NOW + 40, NULL));
    GOES(w->a, es_job_store_cancel(w->a, id_of(4), NOW + 41, NULL));
    assert_int_equal(delivery_at(w->b, NOW, &delivery, &next), ES_JOBS_NONE);
    assert_int_equal(next, NOW + 20);
    for (unsigned n = 2; n <= 4; n++) {
        assert_int_equal(delivery_at(n % 2 ? w->a : w->b, NOW + 100, &delivery, &next), ES_JOBS_OK);
        assert_string_equal(delivery.id, id_of(n));
        assert_string_equal(delivery.url, "https://example.org/hook");
        assert_int_equal(delivery.tries, 0);
        free(delivery.url);
    }
    assert_int_equal(delivery_at(w->b, NOW + 100, &delivery, &next), ES_JOBS_NONE);
    assert_int_equal(next, NOW + 100 + LEASE);
    assert_null(delivery.url);
}

static void a_webhook_is_tried_until_it_arrives(void **state)
{
    world_t *w = *state;
    es_job_delivery_t first, delivery;
    uint64_t next;
    insert_hooked(w->a, 1);
    GOES(w->a, es_job_store_cancel(w->a, id_of(1), NOW, NULL));
    assert_int_equal(delivery_at(w->a, NOW, &first, &next), ES_JOBS_OK);
    free(first.url);
    GOES(w->a, es_job_store_redeliver(w->a, first.number, NOW + 5000));
    assert_int_equal(delivery_at(w->a, NOW + 4999, &delivery, &next), ES_JOBS_NONE);
    assert_int_equal(next, NOW + 5000);
    assert_int_equal(delivery_at(w->b, NOW + 5000, &delivery, &next), ES_JOBS_OK);
    assert_int_equal(delivery.number, first.number);
    assert_int_equal(delivery.tries, 1);
    free(delivery.url);
    /* who took it died */
    assert_int_equal(delivery_at(w->a, NOW + 5000 + LEASE, &delivery, &next), ES_JOBS_OK);
    assert_int_equal(delivery.tries, 1);
    free(delivery.url);
    GOES(w->a, es_job_store_delivered(w->a, first.number));
    assert_int_equal(TURN(w->a, es_job_store_delivered(w->a, first.number)), ES_JOBS_NONE);
    assert_int_equal(TURN(w->a, es_job_store_redeliver(w->a, first.number, NOW)), ES_JOBS_NONE);
    assert_int_equal(delivery_at(w->a, NOW + 99 * LEASE, &delivery, &next), ES_JOBS_NONE);
    assert_int_equal(next, 0);
}

static void due_at(es_job_store_t *store, unsigned n, const char *url)
{
    es_job_t job = job_of(n);
    job.webhook = (char *)url;
    inserted_as(store, &job);
    GOES(store, es_job_store_cancel(store, id_of(n), NOW + n, NULL));
}

static void hosts_may_be_left_out(void **state)
{
    static const char *const but[ES_JOB_BUT_MAX] = {"https://slow.example/", NULL, "https://b.example?", NULL};
    static const char *const urls[] = {"https://slow.example/a", "https://slow.example", "https://b.example?x/y",
                                       "https://slow.example.org/", "https://slow.example"};
    world_t *w = *state;
    es_job_delivery_t delivery;
    uint64_t next;
    for (unsigned n = 0; n < 5; n++) due_at(w->a, n + 1, urls[n]);
    assert_int_equal(TURN(w->a, es_job_store_delivery(w->a, NOW + 9, NOW + LEASE, but, &delivery, &next)), ES_JOBS_OK);
    assert_string_equal(delivery.url, "https://slow.example.org/");
    free(delivery.url);
    assert_int_equal(TURN(w->a, es_job_store_delivery(w->a, NOW + 9, NOW + LEASE, but, &delivery, &next)),
                     ES_JOBS_NONE);
    assert_in_range(next, NOW + 10, NOW + 9 + 1000);
    assert_int_equal(delivery_at(w->b, NOW + 9, &delivery, &next), ES_JOBS_OK);
    assert_string_equal(delivery.url, urls[0]);
    free(delivery.url);
}

static void old_news_is_forgotten(void **state)
{
    world_t *w = *state;
    es_job_delivery_t delivery;
    uint64_t next;
    insert_hooked(w->a, 1);
    GOES(w->a, es_job_store_cancel(w->a, id_of(1), NOW, NULL));
    GOES(w->a, es_job_store_retry(w->a, id_of(1), 0, NOW, NULL));
    assert_int_equal(delivery_at(w->a, NOW + LEASE, &delivery, &next), ES_JOBS_NONE);
    GOES(w->a, es_job_store_cancel(w->a, id_of(1), NOW, NULL));
    assert_int_equal(delivery_at(w->a, NOW + LEASE, &delivery, &next), ES_JOBS_OK);
    assert_int_equal(delivery.number, 2);
    free(delivery.url);
}

/* ---- news */

static bool heard_in_time(es_job_store_t *store)
{
    for (int tries = 0; tries < 200; tries++) {
        if (es_job_store_heard(store)) return true;
        TURN(store, ES_JOBS_OK);
        assert_int_equal(es_job_store_probe(store), ES_JOBS_OK);
    }
    return false;
}

static void others_are_heard(void **state)
{
    world_t *w = *state;
    assert_int_equal(es_job_store_fd(w->a) >= 0, on_a_server());
    assert_string_equal(es_job_store_kind(w->a), on_a_server() ? "postgresql" : "sqlite");
    es_job_store_heard(w->a);
    inserted(w->a, 1);
    assert_false(es_job_store_heard(w->a));
    inserted(w->b, 2);
    assert_true(heard_in_time(w->a));
    assert_false(es_job_store_heard(w->a));
    GOES(w->b, es_job_store_cancel(w->b, id_of(2), NOW, NULL));
    assert_true(heard_in_time(w->a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(newest_first_in_pages),
        TEST(filters_may_be_combined),
        TEST(a_session_is_listed_as_its_principals_see_it),
        TEST(what_is_looked_for_is_no_pattern),
        TEST(errors_of_attempts_past_are_not_found),
        TEST(states_are_counted),
        TEST(what_is_over_expires_by_age_and_number),
        TEST(a_webhook_is_due_once_the_job_is_over),
        TEST(a_webhook_is_tried_until_it_arrives),
        TEST(hosts_may_be_left_out),
        TEST(old_news_is_forgotten),
        TEST(others_are_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
