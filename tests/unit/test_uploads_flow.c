/* Uploads under way: jobs actors and brokers that come, stand still and go, and how much an edge retains meanwhile. */
#include "upload_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
