/* proto/stream_sender.c, sender_receive.c: a test for each rule of PROTOCOL.md, "Streams", that concerns the sender. */
#include "sender_world.h"

static void rule1_epochs_count_on_from_the_last(void **state)
{
    world_t *w = *state;
    remake(w, NULL, 41);
    push_n(w, 1);
    assert_string_equal(sent(w), "42:1S");
    es_sender_raise(w->sender, w->now);
    assert_string_equal(sent(w), "43:1S");
}

static void rule2_the_first_frame_of_an_epoch_is_start_also_again(void **state)
{
    world_t *w = *state;
    es_sender_config_t config = es_sender_defaults();
    config.service = "shout";
    config.language = "en-us";
    config.partials = true;
    config.priority = 1;
    remake(w, &config, 0);
    push_n(w, 2);
    assert_true(w->out[0].flags & ES_F_PARTIALS);
    assert_int_equal(w->out[0].base, 0);
    assert_int_equal(w->out[0].priority, 1);
    assert_string_equal(w->service, "shout");
    assert_string_equal(w->language, "en-us");
    assert_false(ES_HAS(&w->out[0], ES_M_CHECKPOINT));
    assert_false(ES_HAS(&w->out[1], ES_M_BASE));
    assert_string_equal(sent(w), "1:1S 1:2");
    pass(w, MS(1000));
    assert_string_equal(sent(w), "1:1S");
}

static void rule2_start_carries_base_and_the_last_checkpoint(void **state)
{
    world_t *w = *state;
    push_n(w, 5);
    es_msg_t msg = final_of(1, 1, 3);
    ES_SET(&msg, ES_M_CHECKPOINT, checkpoint, es_span("cut at 3"));
    receive(w, &msg);
    sent(w);
    es_sender_raise(w->sender, w->now);
    assert_int_equal(w->out[0].base, 3);
    assert_int_equal(w->out[0].committed, 3);
    assert_string_equal(w->checkpoint, "cut at 3");
    assert_string_equal(sent(w), "2:4S 2:5");
    final(w, 2, 4, 4); /* this engine has none: an older one would lie */
    es_sender_raise(w->sender, w->now);
    assert_string_equal(w->checkpoint, "");
    assert_string_equal(sent(w), "3:5S");
}

static void rule2_a_start_waits_for_a_frame(void **state)
{
    world_t *w = *state;
    push_n(w, 1);
    final(w, 1, 1, 1);
    sent(w);
    es_sender_raise(w->sender, w->now);
    assert_string_equal(sent(w), "");
    push_n(w, 1);
    assert_string_equal(sent(w), "2:2S");
}

static void rule3_binds_to_the_first_incarnation(void **state)
{
    world_t *w = *state;
    push_n(w, 3);
    ack(w, 1, 2, 0);
    es_msg_t other = final_of(1, 1, 2);
    other.inc = INC + 1;
    receive(w, &other);
    assert_string_equal(w->story, "");
    assert_int_equal(stats(w).epoch, 2);
    other.epoch = 2; /* the new epoch may bind to it */
    receive(w, &other);
    assert_string_equal(w->story, "final2");
    ack(w, 2, 4, 2);
    assert_int_equal(stats(w).epoch, 3);
}

static void rule3_every_kind_of_answer_checks_the_incarnation(void **state)
{
    static const es_kind_t kinds[] = {ES_ACK, ES_FINAL, ES_PARTIAL, ES_REWIND};
    world_t *w = *state;
    push_n(w, 3);
    for (size_t i = 0; i < 4; i++) {
        uint64_t epoch = stats(w).epoch;
        ack(w, epoch, 2, 0);
        es_msg_t other = final_of(epoch, 1, 2);
        other.kind = kinds[i];
        other.inc = 5;
        receive(w, &other);
        assert_int_equal(stats(w).epoch, epoch + 1);
    }
    assert_string_equal(w->story, "");
}

static void rule4_raise_sends_again_within_the_window(void **state)
{
    world_t *w = *state;
    es_sender_config_t config = es_sender_defaults();
    config.window_frames = 3;
    remake(w, &config, 0);
    push_n(w, 9);
    ack(w, 1, 4, 0);
    final(w, 1, 1, 2);
    sent(w);
    from_broker(w, ES_WORKER_LOST, 1, 0);
    assert_string_equal(sent(w), "2:3S 2:4 2:5");
    assert_int_equal(stats(w).received, 2);
    assert_int_equal(stats(w).raises, 1);
}

static void rule4_a_final_acknowledges(void **state)
{
    world_t *w = *state;
    push_n(w, 4);
    final(w, 1, 1, 3);
    assert_int_equal(stats(w).received, 3);
    assert_int_equal(stats(w).committed, 3);
    es_msg_t msg = final_of(1, 4, 4);
    msg.present &= ~(ES_BIT(ES_M_EXPECTED) | ES_BIT(ES_M_COMMITTED));
    receive(w, &msg);
    assert_int_equal(stats(w).received, 4);
}

static void rule5_rewind_goes_back_once_a_round_trip(void **state)
{
    world_t *w = *state;
    push_n(w, 6);
    w->now += MS(10);
    ack(w, 1, 2, 0); /* a round trip of 10 ms, variation 5: 30 ms at most */
    sent(w);
    rewind_to(w, 1, 4);
    assert_string_equal(sent(w), "1:4 1:5 1:6");
    rewind_to(w, 1, 4);
    assert_string_equal(sent(w), "");
    w->now += MS(30);
    rewind_to(w, 1, 4);
    assert_string_equal(sent(w), "1:4 1:5 1:6");
    assert_int_equal(stats(w).rewinds, 2);
    rewind_to(w, 1, 7); /* all there: nothing to send */
    assert_string_equal(sent(w), "");
    assert_int_equal(stats(w).received, 6);
}

static void rule5_rewind_never_goes_below_the_commit(void **state)
{
    world_t *w = *state;
    push_n(w, 5);
    final(w, 1, 1, 3);
    sent(w);
    rewind_to(w, 1, 2);
    assert_string_equal(sent(w), "1:4 1:5");
}

static void rule5_rewind_none_raises(void **state)
{
    world_t *w = *state;
    push_n(w, 3);
    final(w, 1, 1, 1);
    sent(w);
    rewind_to(w, 1, 0);
    assert_string_equal(sent(w), "2:2S 2:3");
    rewind_to(w, 1, 0); /* for the old epoch: once is enough */
    assert_string_equal(sent(w), "");
}

static void rule6_timer_runs_from_start_and_backs_off(void **state)
{
    world_t *w = *state;
    push_n(w, 3);
    sent(w);
    assert_int_equal(es_sender_deadline(w->sender), w->now + MS(1000));
    pass(w, MS(999));
    assert_string_equal(sent(w), "");
    pass(w, MS(1));
    assert_string_equal(sent(w), "1:1S"); /* one frame, not the window: nobody may be there */
    assert_int_equal(es_sender_tick(w->sender, w->now), w->now + MS(500)); /* the probe */
    pass(w, MS(2000));
    assert_int_equal(stats(w).raises, 0);
    pass(w, MS(4000));
    assert_int_equal(stats(w).raises, 1);
}

static void rule6_three_silent_expiries_raise_and_only_start_goes_out(void **state)
{
    world_t *w = *state;
    es_sender_config_t config = es_sender_defaults();
    config.probe_us = MS(100000);
    remake(w, &config, 0);
    push_n(w, 3);
    sent(w);
    pass(w, MS(1000 + 2000 + 4000));
    assert_string_equal(sent(w), "1:1S 1:1S 2:1S");
    pass(w, MS(5000)); /* the back-off outlives the raise: a slow worker gets its time to answer */
    assert_string_equal(sent(w), "2:1S");
    ack(w, 2, 2, 0);
    assert_string_equal(sent(w), "2:2 2:3");
}

static void rule6_anything_accepted_resets_the_count(void **state)
{
    world_t *w = *state;
    es_sender_config_t config = es_sender_defaults();
    config.probe_us = MS(100000);
    remake(w, &config, 0);
    push_n(w, 2);
    ack(w, 1, 2, 0); /* sample of 0: time-out 300 ms */
    for (int i = 0; i < 20; i++) {
        pass(w, MS(300 + 600));
        if (i % 2 == 0)
            ack(w, 1, 2, 0);
        else
            partial(w, 1, 1, 1);
        pass(w, MS(5000));
        ack(w, 1, 2, 0);
    }
    assert_int_equal(stats(w).raises, 0);
}

static void rule6_the_estimate_ignores_what_was_sent_twice(void **state)
{
    world_t *w = *state;
    push_n(w, 1);
    pass(w, MS(1200)); /* sent again after 1000 */
    ack(w, 1, 2, 0);
    push_n(w, 1); /* no sample yet: still 1 s, backed off to 2 s */
    assert_int_equal(es_sender_deadline(w->sender), MS(10000) + MS(1500)); /* the probe of frame 1 */
    final(w, 1, 1, 1);
    assert_int_equal(es_sender_deadline(w->sender), w->now + MS(1500));
    w->now += MS(50);
    ack(w, 1, 3, 1); /* sent once: 50 ms */
    push_n(w, 1);
    assert_int_equal(es_sender_deadline(w->sender), w->now + MS(300));
}

static void rule6_progress_restarts_and_all_received_stops(void **state)
{
    world_t *w = *state;
    push_n(w, 3);
    w->now += MS(100);
    ack(w, 1, 3, 0);
    assert_int_equal(es_sender_deadline(w->sender), w->now + MS(300));
    final(w, 1, 1, 3);
    assert_int_equal(es_sender_deadline(w->sender), UINT64_MAX);
    assert_int_equal(es_sender_tick(w->sender, w->now), UINT64_MAX);
}

static void rule6_after_an_expiry_the_rest_follows_the_answer(void **state)
{
    world_t *w = *state;
    push_n(w, 4);
    ack(w, 1, 2, 0);
    sent(w);
    pass(w, MS(300));
    assert_string_equal(sent(w), "1:2");
    push_n(w, 1);
    assert_string_equal(sent(w), "");
    ack(w, 1, 3, 0); /* only that one came: the rest was lost too */
    assert_string_equal(sent(w), "1:3 1:4 1:5");
    pass(w, MS(600)); /* backed off until a frame that was sent once is acknowledged */
    assert_string_equal(sent(w), "1:3");
    ack(w, 1, 6, 0); /* it was only slow: nothing twice */
    assert_string_equal(sent(w), "");
}

static void rule7_a_lost_final_is_probed_for_at_once(void **state)
{
    world_t *w = *state;
    push_n(w, 4);
    w->now += MS(10);
    ack(w, 1, 4, 3);
    assert_string_equal(sent(w), "1:1S 1:2 1:3 1:4 1:1S");
    ack(w, 1, 5, 3); /* within the round trip */
    assert_string_equal(sent(w), "");
    w->now += MS(31);
    final(w, 1, 3, 3); /* a gap shows it as well */
    assert_string_equal(sent(w), "1:1S");
    assert_int_equal(stats(w).probes, 2);
    final(w, 1, 1, 2);
    final(w, 1, 3, 3);
    assert_string_equal(w->story, "final2 final3");
}

static void rule7_a_standing_commit_is_probed_every_1500_ms(void **state)
{
    world_t *w = *state;
    push_n(w, 3);
    ack(w, 1, 4, 0);
    sent(w);
    for (int i = 0; i < 10; i++) {
        pass(w, MS(1500));
        assert_string_equal(sent(w), "1:1S");
        ack(w, 1, 4, 0);
    }
    final(w, 1, 1, 2);
    pass(w, MS(1499));
    assert_string_equal(sent(w), "");
    pass(w, MS(1));
    assert_string_equal(sent(w), "1:3");
    assert_int_equal(stats(w).raises, 0);
}

static void rule7_three_unanswered_probes_raise(void **state)
{
    world_t *w = *state;
    push_n(w, 2);
    ack(w, 1, 3, 0);
    sent(w);
    pass(w, MS(4500));
    assert_string_equal(sent(w), "1:1S 1:1S 1:1S");
    pass(w, MS(1500));
    assert_string_equal(sent(w), "2:1S");
}

static void rule8_finals_are_taken_once_and_in_order(void **state)
{
    world_t *w = *state;
    push_n(w, 6);
    final(w, 1, 3, 4);
    assert_string_equal(w->story, "");
    final(w, 1, 1, 2);
    final(w, 1, 1, 2);
    final(w, 1, 3, 4);
    final(w, 1, 3, 4);
    final(w, 1, 1, 2);
    assert_string_equal(w->story, "final2 final4");
    assert_int_equal(stats(w).retained_frames, 2);
    assert_int_equal(stats(w).retained_bytes, 640);
}

static void rule8_a_final_across_the_commit_raises(void **state)
{
    world_t *w = *state;
    push_n(w, 6);
    final(w, 1, 1, 3);
    final(w, 1, 2, 5);
    assert_string_equal(w->story, "final3");
    assert_int_equal(stats(w).epoch, 2);
}

static void rule8_nothing_of_an_old_epoch_counts(void **state)
{
    world_t *w = *state;
    push_n(w, 3);
    es_sender_raise(w->sender, w->now);
    final(w, 1, 1, 2);
    partial(w, 1, 1, 2);
    ack(w, 1, 3, 0);
    rewind_to(w, 1, 1);
    from_broker(w, ES_WORKER_LOST, 1, 0);
    from_broker(w, ES_WAIT, 1, 3);
    assert_string_equal(w->story, "");
    assert_int_equal(stats(w).stale, 6);
    assert_int_equal(stats(w).epoch, 2);
    assert_int_equal(stats(w).received, 0);
}

static void rule8_partials_only_of_the_segment_that_is_open(void **state)
{
    world_t *w = *state;
    push_n(w, 6);
    partial(w, 1, 1, 2);
    final(w, 1, 1, 3);
    partial(w, 1, 1, 3); /* final already */
    partial(w, 1, 5, 6); /* a final between is missing */
    partial(w, 1, 4, 5);
    assert_string_equal(w->story, "partial2 final3 partial5");
}

static void a_partial_comes_once_though_it_is_said_twice(void **state)
{
    world_t *w = *state;
    push_n(w, 6);
    partial(w, 1, 1, 2);
    partial(w, 1, 1, 2);
    partial(w, 1, 1, 4);
    partial(w, 1, 1, 2); /* overtaken */
    partial(w, 1, 1, 4);
    assert_string_equal(w->story, "partial2 partial4");
    assert_int_equal(stats(w).stale, 3);
    es_sender_raise(w->sender, w->now);
    partial(w, 2, 1, 2); /* another receiver begins again */
    assert_string_equal(w->story, "partial2 partial4 partial2");
}

static void rule9_eos_ends_and_done_comes_last(void **state)
{
    world_t *w = *state;
    push_n(w, 1);
    assert_int_equal(push(w, ES_F_MARK), 2);
    assert_int_equal(push(w, ES_F_EOS), 3);
    assert_int_equal(w->out[2].flags, ES_F_EOS);
    assert_int_equal(push(w, 0), 0);
    assert_int_equal(push(w, ES_F_MARK), 0);
    final(w, 1, 1, 2);
    assert_false(stats(w).done);
    final(w, 1, 3, 3);
    assert_string_equal(w->story, "final2 mark2 final3 done0");
    assert_true(stats(w).done);
    assert_int_equal(stats(w).retained_frames, 0);
    assert_int_equal(es_sender_deadline(w->sender), UINT64_MAX);
    final(w, 1, 3, 3);
    from_broker(w, ES_WORKER_LOST, 1, 0);
    es_sender_raise(w->sender, w->now);
    assert_string_equal(w->story, "final2 mark2 final3 done0");
    assert_int_equal(stats(w).epoch, 1);
}

static void rule9_marks_come_when_all_before_is_committed(void **state)
{
    world_t *w = *state;
    push_n(w, 2);       /* 1 2 */
    push(w, ES_F_MARK); /* 3 */
    push(w, ES_F_MARK); /* 4 */
    push_n(w, 1);       /* 5 */
    push(w, ES_F_MARK); /* 6 */
    final(w, 1, 1, 1);
    final(w, 1, 2, 2);
    final(w, 1, 3, 6);
    assert_string_equal(w->story, "final1 final2 mark3 final6 mark4 mark6");
    push(w, ES_F_MARK); /* 7, nothing before it is open; told by the tick, after push has returned its number */
    assert_int_equal(es_sender_deadline(w->sender), w->now);
    pass(w, 0);
    assert_string_equal(w->story, "final1 final2 mark3 final6 mark4 mark6 mark7");
    final(w, 1, 7, 7);
    assert_string_equal(w->story, "final1 final2 mark3 final6 mark4 mark6 mark7 final7");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, sender_setup, sender_teardown)
    const struct CMUnitTest tests[] = {
        T(rule1_epochs_count_on_from_the_last),
        T(rule2_the_first_frame_of_an_epoch_is_start_also_again),
        T(rule2_start_carries_base_and_the_last_checkpoint),
        T(rule2_a_start_waits_for_a_frame),
        T(rule3_binds_to_the_first_incarnation),
        T(rule3_every_kind_of_answer_checks_the_incarnation),
        T(rule4_raise_sends_again_within_the_window),
        T(rule4_a_final_acknowledges),
        T(rule5_rewind_goes_back_once_a_round_trip),
        T(rule5_rewind_never_goes_below_the_commit),
        T(rule5_rewind_none_raises),
        T(rule6_timer_runs_from_start_and_backs_off),
        T(rule6_three_silent_expiries_raise_and_only_start_goes_out),
        T(rule6_anything_accepted_resets_the_count),
        T(rule6_the_estimate_ignores_what_was_sent_twice),
        T(rule6_progress_restarts_and_all_received_stops),
        T(rule6_after_an_expiry_the_rest_follows_the_answer),
        T(rule7_a_lost_final_is_probed_for_at_once),
        T(rule7_a_standing_commit_is_probed_every_1500_ms),
        T(rule7_three_unanswered_probes_raise),
        T(rule8_finals_are_taken_once_and_in_order),
        T(rule8_a_final_across_the_commit_raises),
        T(rule8_nothing_of_an_old_epoch_counts),
        T(rule8_partials_only_of_the_segment_that_is_open),
        T(a_partial_comes_once_though_it_is_said_twice),
        T(rule9_eos_ends_and_done_comes_last),
        T(rule9_marks_come_when_all_before_is_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
