#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "job_wire.h"
#include "jobs/asks.h"

#define OWN "abcdef0000000000"
#define MS UINT64_C(1000)

/* What was sent last, and how often; what was answered last. */
typedef struct {
    es_asks_t *asks;
    unsigned sent, answers;
    uint64_t seq;
    char key[ES_KEY_MAX + 1], verb[ES_NAME_MAX + 1], json[256];
    unsigned status;
    char type[64], body[256];
    bool more;
    uint64_t next, end;
    unsigned number;
} world_t;

static void copy(char *out, size_t cap, es_span_t text)
{
    assert_true(text.len < cap);
    if (text.len) memcpy(out, text.ptr, text.len);
    out[text.len] = 0;
}

static void send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    world_t *w = ctx;
    assert_int_equal(es_catalogue_check(msg, len), ES_CHECK_OK);
    assert_true(es_span_eq(msg->client, es_span(OWN)));
    w->sent++;
    w->seq = msg->seq;
    copy(w->key, sizeof w->key, key);
    copy(w->verb, sizeof w->verb, msg->name);
    copy(w->json, sizeof w->json, es_span_of(body, len));
}

static void told(void *ctx, const es_told_t *told, uint64_t now_us)
{
    world_t *w = ctx;
    (void)now_us;
    w->answers++;
    w->status = told->status;
    w->more = told->more;
    w->next = told->next;
    w->end = told->end;
    w->number = told->number;
    copy(w->type, sizeof w->type, told->type);
    copy(w->body, sizeof w->body, told->body);
}

static void begin(world_t *w)
{
    *w = (world_t){0};
    w->asks = es_asks_new(OWN, &(es_asks_ops_t){.ctx = w, .send = send});
}

static es_msg_t answer_to(uint64_t seq, uint64_t status)
{
    es_msg_t msg = {.version = ES_VERSION, .kind = ES_JOB_TOLD, .seq = seq};
    ES_SET(&msg, ES_M_COUNT, count, status);
    return msg;
}

static void an_answer_comes_once(void **state)
{
    (void)state;
    world_t w;
    begin(&w);
    assert_int_not_equal(es_asks_ask(w.asks, "get", es_span("{\"job\":\"x\"}"), told, &w, 0), 0);
    assert_int_equal(w.sent, 1);
    assert_string_equal(w.verb, "get");
    assert_string_equal(w.json, "{\"job\":\"x\"}");
    assert_memory_equal(w.key, ES_JOBS_TOPIC OWN "-", strlen(ES_JOBS_TOPIC OWN "-"));
    es_msg_t msg = answer_to(w.seq, 200);
    ES_SET(&msg, ES_M_TEXT, text, es_span("audio/wav"));
    ES_SET(&msg, ES_M_TO, to_seq, 262144);
    ES_SET(&msg, ES_M_END, end, 300000);
    es_asks_told(w.asks, &msg, "RIFF", 4, MS);
    es_asks_told(w.asks, &msg, "RIFF", 4, MS);
    assert_int_equal(w.answers, 1);
    assert_int_equal(w.status, 200);
    assert_string_equal(w.type, "audio/wav");
    assert_string_equal(w.body, "RIFF");
    assert_true(w.more);
    assert_int_equal(w.next, 262144);
    assert_int_equal(w.end, 300000);
    assert_int_equal(es_asks_tick(w.asks, 10000 * MS), UINT64_MAX);
    assert_int_equal(w.sent, 1);
    es_asks_destroy(&w.asks);
}

static void what_is_lost_is_asked_again_elsewhere(void **state)
{
    (void)state;
    world_t w;
    char first[ES_KEY_MAX + 1];
    begin(&w);
    es_asks_ask(w.asks, "list", es_span("{}"), told, &w, 0);
    strcpy(first, w.key);
    uint64_t seq = w.seq;
    assert_int_equal(es_asks_tick(w.asks, 499 * MS), 500 * MS);
    assert_int_equal(w.sent, 1);
    assert_int_equal(es_asks_tick(w.asks, 500 * MS), 1000 * MS);
    assert_int_equal(w.sent, 2);
    assert_int_equal(w.seq, seq);
    assert_string_not_equal(w.key, first);
    es_msg_t msg = answer_to(seq, 404);
    es_asks_told(w.asks, &msg, NULL, 0, 600 * MS);
    assert_int_equal(w.status, 404);
    assert_string_equal(w.type, "application/json");
    assert_false(w.more);
    es_asks_destroy(&w.asks);
}

/* Who has answered is asked on; where it says nothing more, others are. */
static void a_question_may_go_to_who_answered_before(void **state)
{
    (void)state;
    world_t w;
    char first[ES_KEY_MAX + 1], second[ES_KEY_MAX + 1];
    begin(&w);
    es_asks_ask(w.asks, "audio", es_span("{}"), told, &w, 0);
    strcpy(first, w.key);
    es_asks_tick(w.asks, 500 * MS);
    strcpy(second, w.key);
    es_msg_t msg = answer_to(w.seq, 200);
    es_asks_told(w.asks, &msg, NULL, 0, 600 * MS);
    es_asks_ask(w.asks, "list", es_span("{}"), told, &w, 600 * MS);
    es_asks_ask_again(w.asks, w.number, "audio", es_span("{}"), told, &w, 600 * MS);
    assert_string_equal(w.key, second);
    assert_string_not_equal(w.key, first);
    es_asks_tick(w.asks, 1100 * MS);
    assert_string_not_equal(w.key, second);
    es_asks_destroy(&w.asks);
}

static void nobody_answers(void **state)
{
    (void)state;
    world_t w;
    begin(&w);
    es_asks_ask(w.asks, "list", es_span("{}"), told, &w, 0);
    uint64_t now = 0;
    while (!w.answers) {
        assert_true(now <= 5000 * MS);
        now = es_asks_tick(w.asks, now);
    }
    assert_int_equal(w.sent, 10);
    assert_int_equal(w.status, 503);
    assert_non_null(strstr(w.body, "jobs_unavailable"));
    assert_int_equal(es_asks_under_way(w.asks), 0);
    es_asks_destroy(&w.asks);
}

static void a_status_that_is_none_is_not_passed_on(void **state)
{
    (void)state;
    world_t w;
    begin(&w);
    es_asks_ask(w.asks, "list", es_span("{}"), told, &w, 0);
    es_msg_t msg = answer_to(w.seq, UINT64_C(1) << 40);
    es_asks_told(w.asks, &msg, NULL, 0, 0);
    assert_int_equal(w.status, 502);
    es_asks_destroy(&w.asks);
}

/* An asker that asks on in its answer, until nothing more is there. */
static void on(void *ctx, const es_told_t *answer, uint64_t now_us)
{
    world_t *w = ctx;
    w->answers++;
    if (answer->more) assert_int_not_equal(es_asks_ask(w->asks, "audio", es_span("{}"), on, w, now_us), 0);
}

static void an_answer_may_lead_to_a_question(void **state)
{
    (void)state;
    world_t w;
    begin(&w);
    es_asks_ask(w.asks, "audio", es_span("{}"), on, &w, 0);
    for (int i = 0; i < 3000; i++) {
        es_msg_t msg = answer_to(w.seq, 200);
        if (i < 2999) ES_SET(&msg, ES_M_TO, to_seq, 1);
        es_asks_told(w.asks, &msg, NULL, 0, 0);
    }
    assert_int_equal(w.answers, 3000);
    assert_int_equal(es_asks_under_way(w.asks), 0);
    es_asks_destroy(&w.asks);
}

static void only_so_many_are_under_way(void **state)
{
    (void)state;
    world_t w;
    uint64_t asks[ES_ASKS_MAX];
    begin(&w);
    for (size_t i = 0; i < ES_ASKS_MAX; i++) {
        asks[i] = es_asks_ask(w.asks, "list", es_span("{}"), told, &w, 0);
        assert_int_not_equal(asks[i], 0);
        assert_true(i == 0 || asks[i] != asks[i - 1]);
    }
    assert_int_equal(es_asks_ask(w.asks, "list", es_span("{}"), told, &w, 0), 0);
    es_asks_forget(w.asks, asks[7]);
    es_asks_forget(w.asks, asks[7]);
    es_asks_forget(w.asks, 0);
    assert_int_equal(es_asks_under_way(w.asks), ES_ASKS_MAX - 1);
    uint64_t again = es_asks_ask(w.asks, "list", es_span("{}"), told, &w, 0);
    assert_int_not_equal(again, 0);
    assert_int_not_equal(again, asks[7]);
    es_msg_t late = answer_to(asks[7], 200);
    es_asks_told(w.asks, &late, NULL, 0, 0);
    assert_int_equal(w.answers, 0);
    es_asks_destroy(&w.asks);
    assert_null(w.asks);
    es_asks_destroy(&w.asks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_once),
        cmocka_unit_test(what_is_lost_is_asked_again_elsewhere),
        cmocka_unit_test(a_question_may_go_to_who_answered_before),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(a_status_that_is_none_is_not_passed_on),
        cmocka_unit_test(an_answer_may_lead_to_a_question),
        cmocka_unit_test(only_so_many_are_under_way),
    };
    return cmocka_run_group_tests_name("asks", tests, NULL, NULL);
}
