#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_outbox.h"

#define MS UINT64_C(1000)

static es_chat_outbox_t *make(size_t capacity)
{
    const es_chat_outbox_limits_t limits = {.capacity = capacity, .id = 0xabc};
    return es_chat_outbox_new(&limits);
}

/* Sends all that may be sent now; the texts with a blank behind each. */
static const char *send_all(es_chat_outbox_t *box, uint64_t now, uint64_t *wake)
{
    static char sent[2000];
    const char *text, *id;
    *sent = '\0';
    *wake = UINT64_MAX;
    while ((text = es_chat_outbox_next(box, now, &id, wake))) {
        snprintf(sent + strlen(sent), sizeof sent - strlen(sent), "%s ", text);
        es_chat_outbox_sent(box);
    }
    return sent;
}

static void said(es_chat_outbox_t *box, unsigned n)
{
    char id[40];
    snprintf(id, sizeof id, "0000000000000abc-%u", n);
    es_chat_outbox_said(box, id);
}

static char *refused(es_chat_outbox_t *box, unsigned n, bool for_good, uint64_t now)
{
    char id[40];
    snprintf(id, sizeof id, "0000000000000abc-%u", n);
    return es_chat_outbox_refused(box, id, for_good, now);
}

static void lines_stay_until_confirmed(void **state)
{
    es_chat_outbox_t *box = make(2);
    uint64_t wake;
    (void)state;
    assert_int_equal(es_chat_outbox_add(box, "a", 5), 0);
    assert_int_equal(es_chat_outbox_add(box, "b", 6), 0);
    assert_int_equal(es_chat_outbox_add(box, "c", 7), -1);
    assert_int_equal(es_chat_outbox_room(box), 0);
    assert_string_equal(send_all(box, 0, &wake), "a b ");
    assert_int_equal(es_chat_outbox_count(box), 2);
    said(box, 1);
    said(box, 1);
    assert_int_equal(es_chat_outbox_count(box), 1);
    assert_int_equal(es_chat_outbox_oldest_us(box), 6);
    assert_string_equal(es_chat_outbox_text(box, 0), "b");
    assert_null(es_chat_outbox_text(box, 1));
    said(box, 2);
    assert_int_equal(es_chat_outbox_add(box, "d", 8), 0);
    assert_string_equal(send_all(box, 0, &wake), "d ");
    es_chat_outbox_destroy(&box);
}

static void a_lost_connection_says_again_under_the_same_name(void **state)
{
    es_chat_outbox_t *box = make(9);
    const char *id;
    char before[40];
    uint64_t wake = UINT64_MAX;
    (void)state;
    es_chat_outbox_add(box, "a", 1);
    es_chat_outbox_add(box, "b", 1);
    es_chat_outbox_next(box, 0, &id, &wake);
    snprintf(before, sizeof before, "%s", id);
    send_all(box, 0, &wake);
    es_chat_outbox_lost(box);
    assert_string_equal(es_chat_outbox_next(box, 0, &id, &wake), "a");
    assert_string_equal(id, before);
    es_chat_outbox_seen(box, before); /* it is in the history */
    assert_string_equal(send_all(box, 0, &wake), "b ");
    es_chat_outbox_seen(box, "0000000000000abc-2"); /* under way: its answer will come */
    assert_int_equal(es_chat_outbox_count(box), 1);
    es_chat_outbox_lost(box); /* or not */
    assert_int_equal(es_chat_outbox_count(box), 0);
    es_chat_outbox_destroy(&box);
}

static void no_more_under_way_than_allowed(void **state)
{
    es_chat_outbox_t *box = make(100);
    uint64_t wake;
    (void)state;
    es_chat_outbox_allow(box, UINT64_MAX, 0, 3);
    for (int i = 0; i < 5; i++) es_chat_outbox_add(box, "x", 0);
    assert_string_equal(send_all(box, 0, &wake), "x x x ");
    said(box, 2);
    assert_string_equal(send_all(box, 0, &wake), "x ");
    es_chat_outbox_destroy(&box);
}

static void no_faster_than_allowed(void **state)
{
    es_chat_outbox_t *box = make(100);
    uint64_t wake;
    (void)state;
    es_chat_outbox_allow(box, 10, 4, 0);
    for (int i = 0; i < 9; i++) es_chat_outbox_add(box, "x", 0);
    assert_string_equal(send_all(box, 0, &wake), "x x "); /* half of the burst */
    assert_int_equal(wake, 100 * MS);
    assert_string_equal(send_all(box, 99 * MS, &wake), "");
    assert_string_equal(send_all(box, 100 * MS, &wake), "x ");
    assert_string_equal(send_all(box, 1000 * MS, &wake), "x x ");
    es_chat_outbox_destroy(&box);
}

static void refused_for_now_waits_and_keeps_the_order(void **state)
{
    es_chat_outbox_t *box = make(100);
    uint64_t wake;
    (void)state;
    for (const char *c = "a\0b\0c\0d\0"; *c; c += 2) es_chat_outbox_add(box, c, 0);
    assert_string_equal(send_all(box, 0, &wake), "a b c d ");
    assert_null(refused(box, 2, false, 0));
    said(box, 1);
    assert_null(refused(box, 3, false, 0));
    assert_string_equal(send_all(box, 500 * MS, &wake), ""); /* the last has no answer yet */
    assert_null(refused(box, 4, false, 0));
    assert_string_equal(send_all(box, 100 * MS, &wake), "");
    assert_true(wake > 100 * MS && wake <= 250 * MS);
    assert_string_equal(send_all(box, wake, &wake), "b ");
    said(box, 2);
    assert_string_equal(send_all(box, 500 * MS, &wake), "c d ");
    es_chat_outbox_destroy(&box);
}

static void the_pause_grows(void **state)
{
    es_chat_outbox_t *box = make(100);
    uint64_t wake, now = 0, last = 0;
    (void)state;
    es_chat_outbox_add(box, "a", 0);
    for (int i = 0; i < 8; i++) {
        assert_string_equal(send_all(box, now, &wake), "a ");
        refused(box, 1, false, now);
        assert_string_equal(send_all(box, now, &wake), "");
        assert_true(wake - now >= last && wake - now <= 5000 * MS);
        last = wake - now;
        now = wake;
    }
    assert_int_equal(last, 5000 * MS);
    es_chat_outbox_destroy(&box);
}

static void an_answer_that_never_comes_holds_nothing_up_for_ever(void **state)
{
    es_chat_outbox_t *box = make(100);
    uint64_t wake;
    (void)state;
    es_chat_outbox_add(box, "a", 0);
    es_chat_outbox_add(box, "b", 0);
    send_all(box, 0, &wake);
    refused(box, 1, false, 0);
    assert_string_equal(send_all(box, 5000 * MS, &wake), "");
    assert_string_equal(send_all(box, wake, &wake), "a ");
    es_chat_outbox_destroy(&box);
}

static void refused_for_good_leaves(void **state)
{
    es_chat_outbox_t *box = make(100);
    uint64_t wake;
    (void)state;
    for (const char *c = "a\0b\0c\0"; *c; c += 2) es_chat_outbox_add(box, c, 0);
    send_all(box, 0, &wake);
    char *text = refused(box, 2, true, 0);
    assert_string_equal(text, "b");
    free(text);
    assert_null(refused(box, 2, true, 0));
    said(box, 1);
    said(box, 3);
    assert_int_equal(es_chat_outbox_count(box), 0);
    es_chat_outbox_destroy(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_stay_until_confirmed),
        cmocka_unit_test(a_lost_connection_says_again_under_the_same_name),
        cmocka_unit_test(no_more_under_way_than_allowed),
        cmocka_unit_test(no_faster_than_allowed),
        cmocka_unit_test(refused_for_now_waits_and_keeps_the_order),
        cmocka_unit_test(the_pause_grows),
        cmocka_unit_test(an_answer_that_never_comes_holds_nothing_up_for_ever),
        cmocka_unit_test(refused_for_good_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
