#include "upload_world.h"

#define FORM "multipart/form-data; boundary=XX"
#define PART(more) "--XX\r\nContent-Disposition: form-data; " more "\r\n\r\n"
#define END "\r\n--XX--\r\n"
#define ACCEPTED "{\"job\":\"" JOB "\"}"

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

static void nobody_takes_it(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", 10, "");
    stream(x, 0, 10);
    end(x);
    pass(w, SECONDS(4.9));
    assert_false(x->finished);
    pass(w, SECONDS(0.1));
    assert_string_equal(x->headers, "retry-after: 5\n");
    over(x, 503, "uploads_unavailable");
    x = request(w, "audio/wav", 10, "");
    stream(x, 0, 10);
    for (int i = 0; i < 5; i++) {
        assert_false(x->finished);
        broker_says(w, ES_WAIT);
        pass(w, SECONDS(1));
    }
    over(x, 503, "uploads_unavailable");
    world_destroy(w);
}

static void a_jobs_actor_that_stands_still(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", 10, "");
    stream(x, 0, 10);
    commit(w, 1, 1, "");
    pass(w, SECONDS(300)); /* the client's turn */
    assert_false(x->finished);
    end(x);
    for (int i = 0; i < 50; i++) {
        told(w, ES_ACK, 2, 3, 0, ""); /* it lives, but stores nothing */
        pass(w, SECONDS(1));
        assert_false(x->finished);
    }
    pass(w, SECONDS(11));
    over(x, 503, "upload_stalled");
    world_destroy(w);
}

static void a_quarantined_one(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", 10, "");
    stream(x, 0, 10);
    broker_says(w, ES_REFUSED);
    over(x, 503, "ten jobs actors died of it");
    world_destroy(w);
}

static void a_jobs_actor_that_does_not_commit_stops_the_reading(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", 40 * MIB, "");
    size_t given = 0, seen = 0;
    uint64_t committed = 0;
    unsigned at = 0;
    while (given < 40 * MIB) {
        given += stream(x, given, 40 * MIB - given);
        assert_true(given - (committed ? (committed - 1) * 65536 : 0) <= 8 * MIB + 3 * 65536);
        for (; at < w->count; at++) {
            sent_t *sent = &w->sent[at];
            if (sent->msg.kind != ES_FRAME || sent->msg.seq == 1 || sent->msg.pos != seen) continue;
            assert_int_equal(sent->len, 65536);
            for (size_t i = 0; i < sent->len; i += 1000)
                assert_int_equal((uint8_t)sent->body[i], (uint8_t)((seen + i) * 31 >> 3));
            seen += sent->len;
        }
        uint64_t to = 1 + seen / 65536;
        if (to > committed) commit(w, committed + 1, to, "");
        committed = to;
    }
    assert_true(x->pauses > 2);
    end(x);
    commit(w, committed + 1, last(w)->msg.seq, ACCEPTED);
    over(x, 202, JOB);
    world_destroy(w);
}

static void the_more_there_are_the_less_each_retains(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x[4];
    for (int i = 0; i < 4; i++) x[i] = request(w, "audio/wav", -1, "");
    size_t given = stream(x[0], 0, 40 * MIB);
    assert_in_range(given, 4 * MIB, 4 * MIB + 3 * 65536);
    assert_true(x[0]->paused);
    es_http_exchange_t *late = request(w, "audio/wav", -1, "");
    assert_string_equal(late->headers, "retry-after: 5\n");
    over(late, 503, "too_many_uploads");
    for (int i = 0; i < 4; i++) over(x[i], 0, NULL);
    world_destroy(w);
}

static void one_address_and_one_subject_have_their_share(void **state)
{
    (void)state;
    es_uploads_config_t config = defaults;
    config.max_uploads = 10;
    config.max_each = 2;
    world_t *w = world_new(&config);
    es_http_exchange_t *x[] = {request_of(w, "192.0.2.1", "jwt:a"),
                               request_of(w, "192.0.2.1", "jwt:b"),
                               request_of(w, "192.0.2.2", "jwt:a"),
                               request_of(w, "", ""),
                               request_of(w, "", ""),
                               request_of(w, "", "")};
    over(request_of(w, "192.0.2.1", "jwt:c"), 503, "too_many_of_address");
    over(request_of(w, "192.0.2.2", "jwt:a"), 503, "too_many_of_subject");
    es_http_exchange_t *other = request_of(w, "192.0.2.2", "jwt:b"); /* who was refused has taken nothing */
    over(request_of(w, "192.0.2.2", ""), 503, "too_many_of_address");
    over(x[0], 0, NULL);
    x[0] = request_of(w, "192.0.2.1", "jwt:a");
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) over(x[i], 0, NULL);
    over(other, 0, NULL);
    world_destroy(w);
}

static void a_client_that_leaves_closes_its_stream(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", 10 * MIB, "");
    stream(x, 0, MIB);
    over(x, 0, NULL);
    assert_int_equal(last(w)->msg.kind, ES_CLOSE);
    unsigned count = w->count;
    pass(w, SECONDS(100));
    assert_int_equal(w->count, count);
    world_destroy(w);
}

static void it_goes_on_at_another_broker(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", 10, "");
    stream(x, 0, 10);
    w->broker = w->through = 1;
    es_uploads_rebroker(w->uploads);
    assert_int_equal(w->count, 3);
    assert_int_equal(w->sent[1].msg.kind, ES_CLOSE);
    assert_int_equal(w->sent[1].broker, 0);
    assert_int_equal(w->sent[2].broker, 1);
    assert_true(w->sent[2].msg.flags & ES_F_START);
    assert_int_equal(w->sent[2].msg.epoch, 2);
    end(x);
    w->through = 0;
    commit(w, 1, 3, ACCEPTED);
    assert_false(x->finished);
    w->through = 1;
    commit(w, 1, 3, ACCEPTED);
    over(x, 202, JOB);
    world_destroy(w);
}

static void a_jobs_actor_dies_and_another_goes_on(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", -1, "");
    stream(x, 0, MIB);
    commit(w, 1, 5, "");
    broker_says(w, ES_WORKER_LOST);
    pass(w, SECONDS(30));
    assert_false(x->finished);
    end(x);
    told(w, ES_ACK, 6, 6, 0, "");
    commit(w, 6, last(w)->msg.seq, ACCEPTED);
    over(x, 202, JOB);
    world_destroy(w);
}

static void draining_takes_no_more(void **state)
{
    (void)state;
    world_t *w = world_new(&defaults);
    es_http_exchange_t *x = request(w, "audio/wav", 10, "");
    es_uploads_drain(w->uploads);
    es_http_exchange_t *late = request(w, "audio/wav", 10, "");
    over(late, 503, "draining");
    stream(x, 0, 10);
    end(x);
    commit(w, 1, 3, ACCEPTED);
    over(x, 202, JOB);
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
        cmocka_unit_test(nobody_takes_it),
        cmocka_unit_test(a_jobs_actor_that_stands_still),
        cmocka_unit_test(a_quarantined_one),
        cmocka_unit_test(a_jobs_actor_that_does_not_commit_stops_the_reading),
        cmocka_unit_test(the_more_there_are_the_less_each_retains),
        cmocka_unit_test(a_client_that_leaves_closes_its_stream),
        cmocka_unit_test(one_address_and_one_subject_have_their_share),
        cmocka_unit_test(it_goes_on_at_another_broker),
        cmocka_unit_test(a_jobs_actor_dies_and_another_goes_on),
        cmocka_unit_test(draining_takes_no_more),
        cmocka_unit_test(the_transcript_is_the_answer),
        cmocka_unit_test(news_of_the_job_bring_the_question_forward),
        cmocka_unit_test(a_job_that_fails),
        cmocka_unit_test(a_transcript_that_takes_too_long),
        cmocka_unit_test(waiting_is_for_short_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
