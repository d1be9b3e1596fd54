/* What is asked of an upload and what it is answered. How it gets on is test_uploads_flow.c. */
#include "upload_world.h"

#define FORM "multipart/form-data; boundary=XX"
#define PART(more) "--XX\r\nContent-Disposition: form-data; " more "\r\n\r\n"
#define END "\r\n--XX--\r\n"

static void a_small_file_becomes_a_job(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", 4, "priority=5&file_name=a.wav");
    body(x, "RIFF", 4);
    assert_int_equal(w->count, 1); /* the head goes ahead */
    assert_true(w->sent[0].msg.flags & ES_F_START);
    assert_non_null(strstr(w->sent[0].body, "\"session\":\"s\",\"content_type\":\"audio/wav\",\"size\":4,"
                                            "\"file_name\":\"a.wav\",\"priority\":5}"));
    assert_int_equal(memcmp(w->sent[0].key, "abcdef", 6), 0);
    end(x);
    assert_int_equal(w->count, 3);
    assert_string_equal(w->sent[1].body, "RIFF");
    assert_int_equal(w->sent[1].msg.pos, 0);
    assert_int_equal(w->sent[2].msg.flags, ES_F_EOS);
    assert_int_equal(w->sent[2].len, 0);
    assert_int_equal(w->sent[2].msg.pos, 4);
    commit(w, 1, 2, "");
    assert_false(x->finished);
    commit(w, 3, 3, ACCEPTED);
    assert_true(x->finished);
    assert_string_equal(x->headers, "location: /jobs/" JOB "\n");
    assert_int_equal(last(w)->msg.kind, ES_CLOSE);
    over(x, 202, "\"sessionId\":\"s\",\"jobId\":\"" JOB "\",\"status\":\"QUEUED\"");
    world_destroy(w);
}

static void a_job_is_a_uuid(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", -1, "");
    body(x, "R", 1);
    const char *job = strstr(w->sent[0].body, "\"job\":\"") + 7;
    assert_int_equal(job[36], '"');
    assert_int_equal(job[14], '4');
    assert_non_null(strchr("89ab", job[19]));
    assert_null(strstr(w->sent[0].body, "size"));
    over(x, 0, NULL);
    world_destroy(w);
}

static void options_after_the_file_are_late(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, FORM, -1, "");
    static const char form[] = PART("name=priority") "-1\r\n" PART("name=audio; filename=a.ogg") "OggS\r\n" PART(
        "name=language") "de\r\n" PART("name=attempts") "1" END;
    for (size_t i = 0; i < sizeof form - 1; i++) body(x, form + i, 1);
    end(x);
    assert_int_equal(w->count, 3);
    assert_non_null(strstr(w->sent[0].body, "\"file_name\":\"a.ogg\",\"priority\":-1}"));
    assert_string_equal(w->sent[1].body, "OggS");
    assert_string_equal(w->sent[2].body, "{\"language\":\"de\",\"attempts\":1}");
    commit(w, 1, 3, ACCEPTED);
    over(x, 202, JOB);
    world_destroy(w);
}

static void mistakes_after_the_file_take_it_back(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, FORM, -1, "");
    static const char form[] =
        PART("name=audio; filename=a.ogg") "OggS\r\n" PART("name=attempts") "none\r\n" PART("name=language") "de" END;
    body(x, form, sizeof form - 1);
    assert_int_equal(last(w)->msg.kind, ES_CLOSE);
    end(x);
    over(x, 400, "\"error\":\"bad_option\"");
    world_destroy(w);
}

/* What can be told without reading is told at once, and no stream begins. */
static void bad_requests(void **state)
{
    (void)state;
    static const struct {
        const char *type, *query, *key;
        int64_t length;
        unsigned status;
        const char *said;
    } cases[] = {
        {"audio/wav", "", "", -2, 411, "length_required"},
        {"audio/wav", "", "", 64 * MIB + 1, 413, "too_large"},
        {FORM, "", "", 66 * MIB, 413, "too_large"},
        {"text/html", "", "", 10, 415, "unsupported_type"},
        {"multipart/form-data", "", "", 10, 400, "bad_multipart"},
        {"audio/wav", "priority=high", "", 10, 400, "bad_option"},
        {"audio/wav", "prio=1", "", 10, 400, "unknown_option"},
        {"audio/wav", "", "two words", 10, 400, "bad_option"},
    };
    world_t *w = world_new(&defaults);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_http_exchange_t *x = calloc(1, sizeof *x);
        x->type = cases[i].type;
        x->query = cases[i].query;
        x->key = cases[i].key;
        x->length = cases[i].length;
        serve(w, x, "/session/{id}/upload");
        assert_null(x->ops);
        over(x, cases[i].status, cases[i].said);
    }
    assert_int_equal(w->count, 0);
    world_destroy(w);
}

static void an_empty_file_begins_no_stream(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", 0, "");
    end(x);
    over(x, 400, "empty_file");
    x = request(w, FORM, -1, "");
    static const char form[] = PART("name=audio; filename=\"\"") END;
    body(x, form, sizeof form - 1);
    end(x);
    over(x, 400, "empty_file");
    assert_int_equal(w->count, 0);
    world_destroy(w);
}

static void a_file_that_grows_too_large_is_broken_off(void **state)
{
    (void)state;
    es_uploads_config_t config = defaults;
    config.max_upload = 100000;
    world_t *w = world_new(&config);
    es_http_exchange_t *x = request(w, "audio/wav", -1, "");
    stream(x, 0, 100000);
    assert_false(x->finished);
    stream(x, 100000, 1);
    assert_true(x->finished);
    assert_int_equal(last(w)->msg.kind, ES_CLOSE);
    over(x, 413, "too_large");
    world_destroy(w);
}

static void a_refusal_ends_it_in_the_middle(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", 10 * MIB, "");
    stream(x, 0, MIB);
    told(w, ES_FINAL, 1, 1, ES_F_FAILED,
         "{\"status\":507,\"retry_after\":60,\"code\":\"spool_full\",\"message\":\"The \\\"spool\\\" is full.\"}");
    assert_true(x->finished);
    assert_string_equal(x->headers, "retry-after: 60\n");
    assert_int_equal(last(w)->msg.kind, ES_CLOSE);
    unsigned count = w->count;
    stream(x, MIB, MIB); /* what comes after it is nobody's */
    end(x);
    assert_int_equal(w->count, count);
    over(x, 507, "{\"error\":\"spool_full\",\"message\":\"The \\\"spool\\\" is full.\"}");
    world_destroy(w);
}

static void nonsense_from_the_jobs_actor_is_an_answer(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t flags;
    } cases[] = {{"", 0},
                 {"{}", 0},
                 {"[]", 0},
                 {"{\"job\":\"7\"}", 0},
                 {"", ES_F_FAILED},
                 {"{\"status\":200,\"code\":\"a\",\"message\":\"b\"}", ES_F_FAILED},
                 {"{\"status\":500,\"code\":7,\"message\":\"b\"}", ES_F_FAILED}};
    world_t *w = world_new(&defaults);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_http_exchange_t *x = request(w, "audio/wav", 1, "");
        body(x, "R", 1);
        end(x);
        told(w, ES_FINAL, 1, 3, cases[i].flags, cases[i].text);
        over(x, 502, "bad_answer");
    }
    world_destroy(w);
}

/* ---- answers that are waited for */

static es_http_exchange_t *sync_request(world_t *w)
{
    es_http_exchange_t *x = calloc(1, sizeof *x);
    x->type = "audio/wav";
    x->length = 4;
    x->query = "";
    serve(w, x, "/session/{id}/upload-sync");
    body(x, "RIFF", 4);
    end(x);
    commit(w, 1, 3, ACCEPTED);
    assert_false(x->begun);
    return x;
}

static void the_transcript_is_the_answer(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = sync_request(w);
    pass(w, SECONDS(0.2));
    assert_string_equal(w->verb, "get");
    assert_string_equal(w->question, "{\"job\":\"" JOB "\"}");
    answer(w, 200, "{\"status\":\"TRANSCRIBING\"}", 0);
    unsigned questions = w->questions;
    pass(w, SECONDS(1));
    assert_true(w->questions > questions);
    answer(w, 200, "{\"status\":\"COMPLETED\"}", 0);
    assert_string_equal(w->verb, "transcript");
    assert_string_equal(w->question, "{\"job\":\"" JOB "\",\"format\":\"json\",\"cursor\":0}");
    x->full = true;
    answer(w, 200, "{\"text\":", 7);
    questions = w->questions;
    pass(w, SECONDS(5));
    assert_int_equal(w->questions, questions);
    x->full = false;
    x->ops->room(x->handler, x);
    assert_string_equal(w->question, "{\"job\":\"" JOB "\",\"format\":\"json\",\"cursor\":7}");
    answer(w, 503, "{}", 0); /* the store is out of reach for a moment */
    pass(w, SECONDS(2));
    answer(w, 200, "\"yes\"}", 0);
    assert_true(x->finished);
    assert_string_equal(x->headers, "location: /jobs/" JOB "\n");
    over(x, 200, "{\"text\":\"yes\"}");
    world_destroy(w);
}

/* News are not waited for, but heard; other jobs' are not. */
static void news_of_the_job_bring_the_question_forward(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = sync_request(w);
    assert_string_equal(w->topic, "jobs/" JOB);
    for (int i = 0; i < 5; i++) {
        pass(w, SECONDS(1));
        answer(w, 200, "{\"status\":\"TRANSCRIBING\"}", 0);
    }
    unsigned questions = w->questions;
    es_uploads_news(w->uploads, es_span("jobs/" JOB "x"));
    es_uploads_news(w->uploads, es_span("jobs/*"));
    pass(w, SECONDS(0.2));
    assert_int_equal(w->questions, questions);
    es_uploads_news(w->uploads, es_span("jobs/" JOB));
    es_uploads_news(w->uploads, es_span("jobs/" JOB));
    pass(w, 0);
    assert_int_equal(w->questions, questions + 1);
    answer(w, 200, "{\"status\":\"COMPLETED\"}", 0);
    answer(w, 200, "{}", 0);
    over(x, 200, "{}");
    world_destroy(w);
}

static void a_job_that_fails(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *json, *said;
    } cases[] = {{200, "{\"status\":\"FAILED\",\"error\":\"It is no audio.\"}",
                  "{\"error\":\"job_failed\",\"message\":\"It is no audio.\",\"jobId\":\"" JOB "\"}"},
                 {200, "{\"status\":\"CANCELLED\",\"error\":null}", "job_cancelled"},
                 {404, "{}", "job_deleted"}};
    world_t *w = world_new(&defaults);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_http_exchange_t *x = sync_request(w);
        pass(w, SECONDS(0.2));
        answer(w, cases[i].status, cases[i].json, 0);
        over(x, 422, cases[i].said);
    }
    world_destroy(w);
}

static void a_transcript_that_takes_too_long(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = sync_request(w);
    for (int i = 0; i < 61; i++) {
        pass(w, SECONDS(1));
        answer(w, 200, "{\"status\":\"QUEUED\"}", 0);
    }
    over(x, 202, "QUEUED");
    x = sync_request(w);
    pass(w, SECONDS(61)); /* nobody answers at all */
    over(x, 202, "QUEUED");
    x = sync_request(w);
    pass(w, SECONDS(0.2));
    over(x, 0, NULL); /* the client left */
    world_destroy(w);
}

static void waiting_is_for_short_files(void **state)
{
    (void)state;
    es_uploads_config_t config = defaults;
    config.all_sync = true;
    world_t *w = world_new(&config);
    es_http_exchange_t *x = request(w, "audio/wav", 10 * MIB + 1, "");
    over(x, 413, "10485760 bytes");
    x = request(w, "audio/wav", 4, "");
    body(x, "RIFF", 4);
    end(x);
    commit(w, 1, 3, ACCEPTED);
    assert_false(x->begun);
    over(x, 0, NULL);
    world_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_becomes_a_job),
        cmocka_unit_test(a_job_is_a_uuid),
        cmocka_unit_test(options_after_the_file_are_late),
        cmocka_unit_test(mistakes_after_the_file_take_it_back),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(an_empty_file_begins_no_stream),
        cmocka_unit_test(a_file_that_grows_too_large_is_broken_off),
        cmocka_unit_test(a_refusal_ends_it_in_the_middle),
        cmocka_unit_test(nonsense_from_the_jobs_actor_is_an_answer),
        cmocka_unit_test(the_transcript_is_the_answer),
        cmocka_unit_test(news_of_the_job_bring_the_question_forward),
        cmocka_unit_test(a_job_that_fails),
        cmocka_unit_test(a_transcript_that_takes_too_long),
        cmocka_unit_test(waiting_is_for_short_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
