/* proto/room_outbox.c. What is sent is written down as "J1/1": kind, seq, base. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue.h"
#include "room_outbox.h"

#define MS(n) ((uint64_t)(n)*1000u)

typedef struct {
    es_room_outbox_t *box;
    uint64_t now;
    char sent[8192], answered[4096];
    int push_in_answer;
    char text[64], name[64], body[64]; /* of the last one sent */
} world_t;

static char letter(uint32_t kind)
{
    static const char letters[] = "JLSC";
    return kind >= ES_ROOM_JOIN && kind <= ES_ROOM_CAPTION ? letters[kind - ES_ROOM_JOIN] : '?';
}

static void note(char *story, size_t cap, const char *word)
{
    size_t at = strlen(story);
    snprintf(story + at, cap - at, "%s%s", at > 0 ? " " : "", word);
}

static void copy_text(char out[64], const void *data, size_t len)
{
    assert_true(len < 64);
    if (len > 0) memcpy(out, data, len);
    out[len] = '\0';
}

static void on_send(void *ctx, const es_msg_t *op, const void *body, size_t len)
{
    world_t *w = ctx;
    char word[64];
    assert_true(ES_HAS(op, ES_M_BASE));
    snprintf(word, sizeof word, "%c%d/%d", letter(op->kind), (int)op->seq, (int)op->base);
    note(w->sent, sizeof w->sent, word);
    copy_text(w->text, op->text.ptr, op->text.len);
    copy_text(w->name, op->name.ptr, op->name.len);
    copy_text(w->body, body, len);
}

static int push(world_t *w, es_kind_t kind)
{
    char name[] = "Ann", text[] = "hello", body[] = "words";
    es_msg_t op = {.kind = kind};
    ES_SET(&op, ES_M_NAME, name, es_span(name));
    ES_SET(&op, ES_M_TEXT, text, es_span(text));
    int rc = es_room_outbox_push(w->box, &op, body, strlen(body), w->now);
    memset(name, 'x', sizeof name); /* the outbox has copies */
    memset(text, 'x', sizeof text);
    memset(body, 'x', sizeof body);
    return rc;
}

static void on_answered(void *ctx, const es_msg_t *op, const es_msg_t *answer, const void *body, size_t len)
{
    world_t *w = ctx;
    char word[64];
    (void)body;
    assert_int_equal(op->seq, answer->seq);
    assert_int_equal(op->text.len, 5);
    assert_memory_equal(op->text.ptr, "hello", 5);
    snprintf(word, sizeof word, "%c%d%s%s", letter(op->kind), (int)op->seq, answer->kind == ES_ROOM_REFUSED ? "!" : "",
             len > 0 ? "+" : "");
    note(w->answered, sizeof w->answered, word);
    for (; w->push_in_answer > 0; w->push_in_answer--) assert_int_equal(push(w, ES_ROOM_SAY), 0);
    assert_memory_equal(op->text.ptr, "hello", 5);
}

static const es_room_outbox_ops_t ops = {.send = on_send, .answered = on_answered};

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    w->now = MS(10000);
    w->box = es_room_outbox_new(&ops, w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    es_room_outbox_destroy(&w->box);
    assert_null(w->box);
    es_room_outbox_destroy(&w->box);
    free(w);
    return 0;
}

static void answer_with(world_t *w, es_kind_t kind, uint64_t seq, const char *body)
{
    es_msg_t msg = {.kind = kind, .seq = seq};
    es_room_outbox_answer(w->box, &msg, body, strlen(body), w->now);
}

static void done(world_t *w, uint64_t seq)
{
    answer_with(w, ES_ROOM_DONE, seq, "");
}

static void push_n(world_t *w, es_kind_t kind, int n)
{
    for (int i = 0; i < n; i++) assert_int_equal(push(w, kind), 0);
}

static const char *sent(world_t *w)
{
    static char text[sizeof w->sent];
    memcpy(text, w->sent, sizeof text);
    w->sent[0] = '\0';
    return text;
}

static void pass(world_t *w, uint64_t us)
{
    uint64_t end = w->now + us, at;
    while ((at = es_room_outbox_tick(w->box, w->now)) <= end) w->now = at;
    w->now = end;
}

static void test_sends_at_once_and_gives_the_answer_back_once(void **state)
{
    world_t *w = *state;
    assert_int_equal(es_room_outbox_since(w->box), 0);
    push_n(w, ES_ROOM_SAY, 2);
    assert_string_equal(sent(w), "S1/1 S2/1");
    assert_string_equal(w->text, "hello");
    assert_string_equal(w->body, "words");
    assert_int_equal(es_room_outbox_count(w->box), 2);
    assert_int_equal(es_room_outbox_since(w->box), MS(10000));
    done(w, 1);
    done(w, 1);
    answer_with(w, ES_ROOM_REFUSED, 2, "");
    done(w, 2);
    assert_string_equal(w->answered, "S1 S2!");
    assert_int_equal(es_room_outbox_count(w->box), 0);
    assert_int_equal(es_room_outbox_since(w->box), 0);
    assert_true(es_room_outbox_tick(w->box, w->now) == UINT64_MAX);
}

static void test_a_join_holds_back_what_follows(void **state)
{
    world_t *w = *state;
    push_n(w, ES_ROOM_SAY, 1);
    push_n(w, ES_ROOM_JOIN, 1);
    push_n(w, ES_ROOM_SAY, 2);
    push_n(w, ES_ROOM_JOIN, 1);
    push_n(w, ES_ROOM_LEAVE, 1);
    assert_string_equal(sent(w), "S1/1 J2/1");
    done(w, 1);
    assert_string_equal(sent(w), "");
    answer_with(w, ES_ROOM_DONE, 2, "members");
    assert_string_equal(sent(w), "S3/3 S4/3 J5/3");
    done(w, 5); /* beyond an unanswered one: the barrier is gone all the same */
    assert_string_equal(sent(w), "L6/3");
    assert_string_equal(w->answered, "S1 J2+ J5");
}

static void test_what_was_never_sent_has_no_answer(void **state)
{
    world_t *w = *state;
    push_n(w, ES_ROOM_JOIN, 1);
    push_n(w, ES_ROOM_SAY, 1);
    done(w, 0);
    done(w, 2);
    done(w, 3);
    done(w, UINT64_MAX);
    assert_string_equal(w->answered, "");
    assert_int_equal(es_room_outbox_count(w->box), 2);
}

static void test_at_most_a_window_is_under_way(void **state)
{
    world_t *w = *state;
    push_n(w, ES_ROOM_SAY, 40);
    assert_non_null(strstr(w->sent, "S32/1"));
    assert_null(strstr(w->sent, "S33/1"));
    sent(w);
    done(w, 2); /* the oldest still counts */
    assert_string_equal(sent(w), "");
    done(w, 1);
    assert_string_equal(sent(w), "S33/3 S34/3");
}

static void test_goes_back_for_all_that_is_unanswered(void **state)
{
    world_t *w = *state;
    push_n(w, ES_ROOM_SAY, 4);
    sent(w);
    done(w, 3);
    pass(w, MS(299));
    assert_string_equal(sent(w), "");
    pass(w, MS(1));
    assert_string_equal(sent(w), "S1/1 S2/1 S4/1");
    done(w, 1);
    pass(w, MS(300));
    assert_string_equal(sent(w), "S2/2 S4/2");
}

static void test_backs_off_until_something_is_answered(void **state)
{
    world_t *w = *state;
    push_n(w, ES_ROOM_SAY, 2);
    sent(w);
    static const int waits[] = {300, 600, 1200, 2400, 3000, 3000};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        pass(w, MS(waits[i] - 1));
        assert_string_equal(sent(w), "");
        pass(w, MS(1));
        assert_string_equal(sent(w), "S1/1 S2/1");
    }
    done(w, 1);
    pass(w, MS(300));
    assert_string_equal(sent(w), "S2/2");
}

/* The answer of the oldest is lost while those of later ones keep coming. */
static void test_a_lost_answer_does_not_starve(void **state)
{
    world_t *w = *state;
    push_n(w, ES_ROOM_SAY, 1);
    for (uint64_t seq = 2; seq <= 4; seq++) {
        push_n(w, ES_ROOM_SAY, 1);
        pass(w, MS(100) - 1);
        done(w, seq);
    }
    sent(w);
    pass(w, 3);
    assert_string_equal(sent(w), "S1/1");
}

static void test_answers_may_push(void **state)
{
    world_t *w = *state;
    push_n(w, ES_ROOM_SAY, 1);
    w->push_in_answer = 20;
    done(w, 1);
    assert_int_equal(es_room_outbox_count(w->box), 20);
    assert_non_null(strstr(w->sent, "S21/2"));
    for (uint64_t seq = 21; seq >= 2; seq--) done(w, seq);
    assert_int_equal(es_room_outbox_count(w->box), 0);
    assert_non_null(strstr(w->answered, "S21 S20"));
    assert_true(es_room_outbox_tick(w->box, w->now) == UINT64_MAX);
}

static void test_keeps_so_many_and_no_more(void **state)
{
    world_t *w = *state;
    push_n(w, ES_ROOM_SAY, ES_OUTBOX_MAX);
    assert_int_equal(push(w, ES_ROOM_SAY), -1);
    assert_int_equal(es_room_outbox_count(w->box), ES_OUTBOX_MAX);
    w->push_in_answer = 1; /* what is being answered is not kept any more */
    done(w, 1);
    assert_int_equal(push(w, ES_ROOM_SAY), -1);
    done(w, 2);
    assert_int_equal(push(w, ES_ROOM_SAY), 0);
    for (uint64_t seq = 3; seq <= ES_OUTBOX_MAX + 2; seq++) done(w, seq);
    assert_int_equal(es_room_outbox_count(w->box), 0);
}

static void test_a_kick_sends_what_waits(void **state)
{
    world_t *w = *state;
    es_room_outbox_kick(w->box, w->now);
    push_n(w, ES_ROOM_SAY, 2);
    pass(w, MS(3000));
    sent(w);
    es_room_outbox_kick(w->box, w->now);
    assert_string_equal(sent(w), "S1/1 S2/1");
    pass(w, MS(300));
    assert_string_equal(sent(w), "S1/1 S2/1");
    done(w, 2);
    done(w, 1);
    es_room_outbox_kick(w->box, w->now);
    assert_string_equal(sent(w), "");
    assert_true(es_room_outbox_tick(w->box, w->now) == UINT64_MAX);
}

static void test_counts_on_from_a_number(void **state)
{
    world_t *w = *state;
    es_room_outbox_begin_after(w->box, 41);
    assert_int_equal(es_room_outbox_last(w->box), 41);
    push_n(w, ES_ROOM_JOIN, 1);
    push_n(w, ES_ROOM_SAY, 1);
    assert_string_equal(sent(w), "J42/42");
    done(w, 41);
    done(w, 42);
    assert_string_equal(sent(w), "S43/43");
    assert_int_equal(es_room_outbox_last(w->box), 43);
    pass(w, MS(300));
    assert_string_equal(sent(w), "S43/43");
    assert_string_equal(w->answered, "J42");
}

static void test_knows_what_is_answered(void **state)
{
    world_t *w = *state;
    push(w, ES_ROOM_CAPTION);
    push(w, ES_ROOM_SAY);
    push(w, ES_ROOM_CAPTION);
    assert_false(es_room_outbox_answered(w->box, 1));
    assert_int_equal(es_room_outbox_count_of(w->box, ES_ROOM_CAPTION), 2);
    done(w, 3);
    assert_false(es_room_outbox_answered(w->box, 1));
    assert_true(es_room_outbox_answered(w->box, 3));
    assert_int_equal(es_room_outbox_count_of(w->box, ES_ROOM_CAPTION), 1);
    done(w, 1);
    done(w, 2);
    assert_true(es_room_outbox_answered(w->box, 1));
    assert_int_equal(es_room_outbox_count_of(w->box, ES_ROOM_CAPTION), 0);
}

static void test_forgets_what_it_has(void **state)
{
    world_t *w = *state;
    push_n(w, ES_ROOM_SAY, 50);
    done(w, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sends_at_once_and_gives_the_answer_back_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_join_holds_back_what_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_never_sent_has_no_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_at_most_a_window_is_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes_back_for_all_that_is_unanswered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backs_off_until_something_is_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_lost_answer_does_not_starve, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers_may_push, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keeps_so_many_and_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_kick_sends_what_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counts_on_from_a_number, setup, teardown),
        cmocka_unit_test_setup_teardown(test_knows_what_is_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgets_what_it_has, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
