/* proto/stream_receiver.c: a test for each rule of PROTOCOL.md, "Streams", that concerns the receiver. Time is virtual. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream_receiver.h"

#define MS(n) ((uint64_t)(n)*1000u)
#define LOG_MAX 600

typedef struct {
    es_receiver_t *receiver;
    uint64_t now;
    bool mock; /* answer each frame with a final, at once */
    es_msg_t sent[LOG_MAX];
    char text[LOG_MAX][32], body[LOG_MAX][32];
    int n, begins, frames;
    es_msg_t begun, taken;
    char checkpoint[32];
} world_t;

static void copy_span(char out[32], const void *ptr, size_t len)
{
    if (len > 31) len = 31;
    if (len > 0) memcpy(out, ptr, len);
    out[len] = '\0';
}

static void on_send(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    world_t *w = ctx;
    assert_true(w->n < LOG_MAX);
    w->sent[w->n] = *msg;
    copy_span(w->text[w->n], msg->text.ptr, msg->text.len);
    copy_span(w->body[w->n], body, len);
    w->n++;
}

static void on_begin(void *ctx, const es_msg_t *start)
{
    world_t *w = ctx;
    w->begun = *start;
    copy_span(w->checkpoint, start->checkpoint.ptr, start->checkpoint.len);
    w->begins++;
}

static void final_to(world_t *w, uint64_t to)
{
    char text[32];
    snprintf(text, sizeof text, "to %d", (int)to);
    es_receiver_final(w->receiver, &(es_final_t){.to_seq = to, .text = es_span(text)}, w->now);
}

static void on_frame(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    (void)body;
    (void)len;
    world_t *w = ctx;
    w->taken = *msg;
    w->frames++;
    if (w->mock) final_to(w, msg->seq);
}

static const es_receiver_ops_t ops = {.send = on_send, .begin = on_begin, .frame = on_frame};

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    w->now = MS(10000);
    w->receiver = es_receiver_new(NULL, &ops, w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    es_receiver_destroy(&w->receiver);
    assert_null(w->receiver);
    es_receiver_destroy(&w->receiver);
    free(w);
    return 0;
}

static es_msg_t frame_of(uint64_t epoch, uint64_t seq, uint64_t flags, uint64_t committed)
{
    es_msg_t msg = {.kind = ES_FRAME, .epoch = epoch, .seq = seq};
    ES_SET(&msg, ES_M_FLAGS, flags, flags);
    ES_SET(&msg, ES_M_POS, pos, (seq - 1) * 320);
    ES_SET(&msg, ES_M_COMMITTED, committed, committed);
    if (flags & ES_F_START) ES_SET(&msg, ES_M_BASE, base, committed);
    return msg;
}

static void feed(world_t *w, uint64_t epoch, uint64_t seq, uint64_t flags, uint64_t committed)
{
    es_msg_t msg = frame_of(epoch, seq, flags, committed);
    es_receiver_frame(w->receiver, &msg, "pcm", 3, w->now);
}

static es_receiver_stats_t stats(const world_t *w)
{
    es_receiver_stats_t s;
    es_receiver_stats(w->receiver, &s);
    return s;
}

static const es_msg_t *last(const world_t *w)
{
    assert_true(w->n > 0);
    return &w->sent[w->n - 1];
}

static int count(const world_t *w, es_kind_t kind)
{
    int n = 0;
    for (int i = 0; i < w->n; i++) n += w->sent[i].kind == (uint32_t)kind;
    return n;
}

/* An epoch 1 with frames 1..n taken and acknowledged, log empty. */
static void begun(world_t *w, uint64_t n)
{
    for (uint64_t seq = 1; seq <= n; seq++) feed(w, 1, seq, seq == 1 ? ES_F_START : 0, 0);
    w->now += MS(1000);
    es_receiver_tick(w->receiver, w->now);
    w->now += MS(1000);
    w->n = 0;
}

static void rule1_older_epochs_are_dropped_in_silence(void **state)
{
    world_t *w = *state;
    feed(w, 5, 1, ES_F_START, 0);
    w->n = 0;
    w->now += MS(1000);
    feed(w, 4, 1, ES_F_START, 0);
    feed(w, 4, 2, 0, 0);
    assert_int_equal(w->n, 0);
    assert_int_equal(w->begins, 1);
    assert_int_equal(stats(w).stale, 2);
}

static void rule2_begins_at_a_start_with_base_and_checkpoint(void **state)
{
    world_t *w = *state;
    es_msg_t start = frame_of(3, 41, ES_F_START, 40);
    ES_SET(&start, ES_M_CHECKPOINT, checkpoint, es_span("cut here"));
    es_receiver_frame(w->receiver, &start, "pcm", 3, w->now);
    assert_int_equal(w->begins, 1);
    assert_int_equal(w->begun.base, 40);
    assert_string_equal(w->checkpoint, "cut here");
    assert_int_equal(w->frames, 1);
    assert_int_equal(w->taken.seq, 41);
    assert_int_equal(stats(w).expected, 42);
    assert_int_equal(stats(w).committed, 40);
}

static void rule2_a_newer_start_begins_again_and_forgets_finals(void **state)
{
    world_t *w = *state;
    begun(w, 3);
    final_to(w, 2);
    assert_int_equal(stats(w).kept, 1);
    feed(w, 2, 3, ES_F_START, 2);
    assert_int_equal(w->begins, 2);
    assert_int_equal(stats(w).kept, 0);
    assert_int_equal(stats(w).epoch, 2);
    assert_int_equal(stats(w).expected, 4);
}

static void rule2_the_same_start_again_is_acknowledged_not_restarted(void **state)
{
    world_t *w = *state;
    begun(w, 2);
    feed(w, 1, 1, ES_F_START, 0);
    assert_int_equal(w->begins, 1);
    assert_int_equal(w->frames, 2);
    assert_int_equal(last(w)->kind, ES_ACK);
    assert_int_equal(last(w)->expected, 3);
}

static void rule2_the_next_number_alone_does_not_begin(void **state)
{
    world_t *w = *state;
    begun(w, 2);
    feed(w, 2, 3, 0, 2);
    assert_int_equal(w->begins, 1);
    assert_int_equal(w->frames, 2);
}

static void rule3_all_that_goes_back_carries_the_epoch(void **state)
{
    world_t *w = *state;
    feed(w, 7, 1, ES_F_START, 0);
    feed(w, 7, 2, 0, 0);
    es_receiver_partial(w->receiver, 2, es_span("hel"), 0, 100);
    final_to(w, 1);
    feed(w, 7, 9, 0, 0);
    assert_int_equal(count(w, ES_ACK), 1);
    assert_int_equal(count(w, ES_PARTIAL), 1);
    assert_int_equal(count(w, ES_FINAL), 1);
    assert_int_equal(count(w, ES_REWIND), 1);
    for (int i = 0; i < w->n; i++) assert_int_equal(w->sent[i].epoch, 7);
}

static void rule5_a_gap_is_answered_by_rewind_once_in_100_ms(void **state)
{
    world_t *w = *state;
    begun(w, 2);
    feed(w, 1, 5, 0, 0);
    assert_int_equal(last(w)->kind, ES_REWIND);
    assert_true(ES_HAS(last(w), ES_M_EXPECTED));
    assert_int_equal(last(w)->expected, 3);
    w->now += MS(99);
    feed(w, 1, 6, 0, 0);
    assert_int_equal(count(w, ES_REWIND), 1);
    w->now += MS(1);
    feed(w, 1, 7, 0, 0);
    assert_int_equal(count(w, ES_REWIND), 2);
    assert_int_equal(w->frames, 2);
    assert_int_equal(stats(w).gaps, 3);
}

static void rule5_no_state_is_answered_by_rewind_none(void **state)
{
    world_t *w = *state;
    feed(w, 1, 4, 0, 0);
    assert_int_equal(last(w)->kind, ES_REWIND);
    assert_int_equal(last(w)->epoch, 1);
    assert_false(ES_HAS(last(w), ES_M_EXPECTED));
    feed(w, 1, 5, 0, 0);
    assert_int_equal(w->n, 1);
    es_receiver_repeat(w->receiver, w->now);
    assert_int_equal(w->n, 1);
    assert_int_equal(w->frames, 0);
    assert_int_equal(es_receiver_tick(w->receiver, w->now), UINT64_MAX);
}

static void rule5_an_old_frame_publishes_kept_finals_again(void **state)
{
    world_t *w = *state;
    begun(w, 4);
    final_to(w, 1);
    final_to(w, 3);
    w->n = 0;
    w->now += MS(1000);
    feed(w, 1, 1, ES_F_START, 0);
    assert_int_equal(w->n, 2); /* no ACK beside: they carry it */
    assert_string_equal(w->text[0], "to 1");
    assert_string_equal(w->text[1], "to 3");
    assert_int_equal(w->sent[1].from_seq, 2);
    assert_int_equal(w->sent[1].to_seq, 3);
    assert_int_equal(w->sent[1].expected, 5);
    feed(w, 1, 1, ES_F_START, 0); /* a burst of old frames does not multiply them */
    assert_int_equal(count(w, ES_FINAL), 2);
    w->now += MS(1000);
    w->n = 0;
    feed(w, 1, 2, 0, 1); /* the first came through */
    assert_int_equal(w->n, 1);
    assert_string_equal(w->text[0], "to 3");
    assert_int_equal(stats(w).old, 3);
}

static void rule5_finals_are_dropped_once_confirmed(void **state)
{
    world_t *w = *state;
    w->mock = true;
    begun(w, 3);
    assert_int_equal(stats(w).kept, 3);
    feed(w, 1, 4, 0, 2);
    assert_int_equal(stats(w).kept, 2);
    feed(w, 1, 5, 0, 4);
    assert_int_equal(stats(w).kept, 1);
    feed(w, 1, 6, 0, 1); /* a late frame does not bring them back */
    assert_int_equal(stats(w).kept, 2);
}

static void rule7_acks_every_100_ms_or_quarter_window(void **state)
{
    world_t *w = *state;
    feed(w, 1, 1, ES_F_START, 0);
    assert_int_equal(count(w, ES_ACK), 1); /* at once: nothing was said before */
    uint64_t began = w->now;
    w->now += MS(10);
    feed(w, 1, 2, 0, 0);
    assert_int_equal(count(w, ES_ACK), 1);
    assert_int_equal(es_receiver_tick(w->receiver, w->now), began + MS(100));
    w->now = began + MS(100);
    assert_int_equal(es_receiver_tick(w->receiver, w->now), UINT64_MAX);
    assert_int_equal(count(w, ES_ACK), 2);
    assert_int_equal(last(w)->expected, 3);
    for (uint64_t seq = 3; seq < 3 + 128; seq++) feed(w, 1, seq, 0, 0);
    assert_int_equal(count(w, ES_ACK), 3);
    assert_int_equal(last(w)->expected, 3 + 128);
}

static void rule7_finals_carry_the_acknowledgement(void **state)
{
    world_t *w = *state;
    w->mock = true;
    feed(w, 1, 1, ES_F_START, 0);
    for (uint64_t seq = 2; seq <= 200; seq++) {
        w->now += MS(5);
        feed(w, 1, seq, 0, seq - 1);
        es_receiver_tick(w->receiver, w->now);
    }
    assert_int_equal(count(w, ES_ACK), 0);
    assert_int_equal(count(w, ES_FINAL), 200);
    assert_int_equal(last(w)->expected, 201);
    assert_int_equal(last(w)->committed, 200);
}

static void rule7_is_repeated_on_demand_with_committed(void **state)
{
    world_t *w = *state;
    begun(w, 5);
    final_to(w, 3);
    es_receiver_repeat(w->receiver, w->now);
    assert_int_equal(last(w)->kind, ES_ACK);
    assert_int_equal(last(w)->expected, 6);
    assert_int_equal(last(w)->committed, 3);
}

static void rule8_a_final_covers_from_the_last_commit(void **state)
{
    world_t *w = *state;
    begun(w, 6);
    es_receiver_final(w->receiver,
                      &(es_final_t){.to_seq = 4,
                                    .flags = ES_F_FAILED,
                                    .text = es_span("hello"),
                                    .reason = es_span("slow"),
                                    .checkpoint = es_span("state"),
                                    .start = 320,
                                    .end = 960,
                                    .confidence = 900,
                                    .words = "wordlist",
                                    .words_len = 8},
                      w->now);
    const es_msg_t *f = last(w);
    assert_int_equal(f->kind, ES_FINAL);
    assert_int_equal(f->from_seq, 1);
    assert_int_equal(f->to_seq, 4);
    assert_int_equal(f->flags, ES_F_FAILED);
    assert_int_equal(f->start, 320);
    assert_int_equal(f->end, 960);
    assert_int_equal(f->confidence, 900);
    assert_int_equal(f->committed, 4);
    assert_int_equal(f->expected, 7);
    assert_string_equal(w->text[w->n - 1], "hello");
    assert_memory_equal(f->reason.ptr, "slow", 4);
    assert_memory_equal(f->checkpoint.ptr, "state", 5);
    assert_string_equal(w->body[w->n - 1], "wordlist");
    final_to(w, 6);
    assert_int_equal(last(w)->from_seq, 5);
    assert_false(ES_HAS(last(w), ES_M_CHECKPOINT));
    assert_false(ES_HAS(last(w), ES_M_REASON));
}

static void rule8_overlong_text_is_cut_at_a_character(void **state)
{
    world_t *w = *state;
    begun(w, 1);
    static char text[ES_TEXT_MAX + 10], words[ES_WORDS_MAX + 1];
    memset(text, 'a', sizeof text);
    memcpy(text + ES_TEXT_MAX - 1, "\xc3\xa4", 2);
    es_receiver_final(
        w->receiver,
        &(es_final_t){.to_seq = 1, .text = es_span_of(text, sizeof text), .words = words, .words_len = sizeof words},
        w->now);
    assert_int_equal(last(w)->text.len, ES_TEXT_MAX - 1);
    assert_string_equal(w->body[w->n - 1], "");
}

static void rule8_partials_only_of_what_is_not_final(void **state)
{
    world_t *w = *state;
    begun(w, 4);
    final_to(w, 2);
    w->n = 0;
    es_receiver_partial(w->receiver, 2, es_span("late"), 0, 1);
    assert_int_equal(w->n, 0);
    es_receiver_partial(w->receiver, 4, es_span("wor"), 640, 960);
    assert_int_equal(last(w)->from_seq, 3);
    assert_int_equal(last(w)->to_seq, 4);
    assert_int_equal(last(w)->start, 640);
    assert_int_equal(last(w)->end, 960);
    assert_string_equal(w->text[0], "wor");
}

static void rule9_eos_is_over_when_its_final_is_out(void **state)
{
    world_t *w = *state;
    begun(w, 1);
    feed(w, 1, 2, ES_F_MARK, 0);
    assert_int_equal(w->taken.flags, ES_F_MARK);
    feed(w, 1, 3, ES_F_EOS, 0);
    assert_false(stats(w).eos);
    feed(w, 1, 4, 0, 0);
    assert_int_equal(w->frames, 3);
    assert_int_equal(stats(w).stale, 1);
    final_to(w, 3);
    assert_true(stats(w).eos);
    feed(w, 1, 2, ES_F_MARK, 0); /* the last final is still to be had (rule 7) */
    assert_int_equal(count(w, ES_FINAL), 2);
    feed(w, 2, 4, ES_F_START, 3); /* a later stream on the same key */
    assert_false(stats(w).eos);
}

static void rule10_kept_finals_are_bounded(void **state)
{
    world_t *w = *state;
    es_receiver_destroy(&w->receiver);
    es_receiver_config_t config = es_receiver_defaults();
    config.kept_max = 4;
    w->receiver = es_receiver_new(&config, &ops, w);
    w->mock = true;
    begun(w, 4);
    feed(w, 1, 5, 0, 0);
    assert_int_equal(w->frames, 4);
    assert_int_equal(stats(w).refused, 1);
    assert_int_equal(w->n, 4); /* the sender is shown what it missed */
    feed(w, 1, 5, 0, 2);
    assert_int_equal(w->frames, 5);
    es_receiver_destroy(&w->receiver);
    config.kept_max = 0; /* the default, not "none" */
    w->receiver = es_receiver_new(&config, &ops, w);
    feed(w, 1, 1, ES_F_START, 0);
    assert_int_equal(stats(w).kept, 1);
}

static void commits_of_another_receiver_mean_no_state(void **state)
{
    world_t *w = *state;
    begun(w, 3);
    feed(w, 1, 4, 0, 2);
    assert_int_equal(last(w)->kind, ES_REWIND);
    assert_false(ES_HAS(last(w), ES_M_EXPECTED));
    assert_int_equal(w->frames, 3);
}

static void hostile_values_change_nothing(void **state)
{
    world_t *w = *state;
    begun(w, 2);
    es_receiver_stats_t before = stats(w);
    const es_msg_t good = frame_of(1, 3, 0, 0);
    es_msg_t bad[8];
    for (int i = 0; i < 8; i++) bad[i] = good;
    bad[0].seq = 0;
    bad[1].seq = UINT64_MAX;
    bad[2].committed = 3;
    bad[3].present = 0;
    bad[4].epoch = 0;
    bad[5].kind = ES_CLOSE;
    bad[6] = frame_of(2, 3, ES_F_START, 2); /* base above seq */
    bad[6].base = 7;
    bad[7] = frame_of(2, 3, ES_F_START, 1); /* committed is not the base */
    bad[7].base = 2;
    for (int i = 0; i < 8; i++) es_receiver_frame(w->receiver, &bad[i], NULL, 0, w->now);
    es_receiver_stats_t after = stats(w);
    assert_int_equal(after.stale, before.stale + 8);
    assert_int_equal(after.epoch, 1);
    assert_int_equal(after.expected, 3);
    assert_int_equal(w->n, 0);
    assert_int_equal(w->begins, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(rule1_older_epochs_are_dropped_in_silence),
        T(rule2_begins_at_a_start_with_base_and_checkpoint),
        T(rule2_a_newer_start_begins_again_and_forgets_finals),
        T(rule2_the_same_start_again_is_acknowledged_not_restarted),
        T(rule2_the_next_number_alone_does_not_begin),
        T(rule3_all_that_goes_back_carries_the_epoch),
        T(rule5_a_gap_is_answered_by_rewind_once_in_100_ms),
        T(rule5_no_state_is_answered_by_rewind_none),
        T(rule5_an_old_frame_publishes_kept_finals_again),
        T(rule5_finals_are_dropped_once_confirmed),
        T(rule7_acks_every_100_ms_or_quarter_window),
        T(rule7_finals_carry_the_acknowledgement),
        T(rule7_is_repeated_on_demand_with_committed),
        T(rule8_a_final_covers_from_the_last_commit),
        T(rule8_overlong_text_is_cut_at_a_character),
        T(rule8_partials_only_of_what_is_not_final),
        T(rule9_eos_is_over_when_its_final_is_out),
        T(rule10_kept_finals_are_bounded),
        T(commits_of_another_receiver_mean_no_state),
        T(hostile_values_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
