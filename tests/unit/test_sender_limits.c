/* proto/stream_sender.c: windows, bounds, waiting, resume, closing, hostile values. The rules themselves are in test_stream_sender.c. */
#include "sender_world.h"

static void rule10_the_window_bounds_frames_in_flight(void **state)
{
    world_t *w = *state;
    es_sender_config_t config = es_sender_defaults();
    config.window_frames = 4;
    remake(w, &config, 0);
    push_n(w, 10);
    assert_string_equal(sent(w), "1:1S 1:2 1:3 1:4");
    ack(w, 1, 3, 0);
    assert_string_equal(sent(w), "1:5 1:6");
    final(w, 1, 1, 6);
    assert_string_equal(sent(w), "1:7 1:8 1:9 1:10");
    assert_int_equal(stats(w).oldest_us, w->now);
}

static void rule10_the_window_bounds_bytes_but_lets_one_frame_through(void **state)
{
    world_t *w = *state;
    es_sender_config_t config = es_sender_defaults();
    config.window_bytes = 700;
    remake(w, &config, 0);
    push_n(w, 3);
    assert_string_equal(sent(w), "1:1S 1:2");
    ack(w, 1, 2, 0);
    assert_string_equal(sent(w), "1:3");
    static const char big[2000];
    assert_int_equal(es_sender_push(w->sender, 0, 7, big, sizeof big, 4000, w->now), 4);
    assert_string_equal(sent(w), "");
    ack(w, 1, 4, 0);
    assert_int_equal(w->out[0].size, 4000);
    assert_int_equal(w->out[0].pos, 7);
    assert_string_equal(sent(w), "1:4");
}

static void rule10_retention_refuses_and_says_when_it_can_again(void **state)
{
    world_t *w = *state;
    es_sender_config_t config = es_sender_defaults();
    config.retain_frames = 4;
    remake(w, &config, 0);
    push_n(w, 3);
    assert_false(es_sender_full(w->sender));
    push_n(w, 1);
    assert_true(es_sender_full(w->sender));
    assert_int_equal(push(w, 0), 0);
    assert_int_equal(push(w, ES_F_MARK), 5); /* taken always, or a full stream could not be ended */
    final(w, 1, 1, 1);
    assert_string_equal(w->story, "final1"); /* still four */
    final(w, 1, 2, 2);
    assert_string_equal(w->story, "final1 final2 writable0");
    push_n(w, 1);
    assert_int_equal(push(w, ES_F_EOS), 7);
    final(w, 1, 3, 7);
    assert_string_equal(w->story, "final1 final2 writable0 final7 mark5 done0");
}

static void rule10_retention_bounds_bytes(void **state)
{
    world_t *w = *state;
    es_sender_config_t config = es_sender_defaults();
    config.retain_bytes = 1000;
    remake(w, &config, 0);
    push_n(w, 4);
    assert_int_equal(push(w, 0), 0);
    assert_int_equal(stats(w).retained_bytes, 1280);
    final(w, 1, 1, 4);
    assert_string_equal(w->story, "final4 writable0");
    assert_int_equal(stats(w).retained_bytes, 0);
}

static void rule10_pushes_from_inside_are_fine(void **state)
{
    world_t *w = *state;
    push_n(w, 2);
    push(w, ES_F_MARK);
    w->push_in_deliver = 40; /* the ring grows meanwhile */
    w->push_in_mark = 1;
    final(w, 1, 1, 2);
    assert_string_equal(w->story, "final2 mark3");
    assert_int_equal(stats(w).next_seq, 3 + 1 + 41);
    assert_int_equal(stats(w).sent, 44);
    final(w, 1, 3, 44);
    assert_int_equal(stats(w).retained_frames, 0);
}

static void rule11_close_is_said_once_and_ends_all(void **state)
{
    world_t *w = *state;
    push_n(w, 2);
    sent(w);
    es_sender_close(w->sender);
    es_sender_close(w->sender);
    assert_string_equal(sent(w), "1:0C");
    assert_int_equal(es_sender_tick(w->sender, w->now + MS(100000)), UINT64_MAX);
    assert_int_equal(push(w, 0), 0);
    final(w, 1, 1, 2);
    es_sender_raise(w->sender, w->now);
    assert_string_equal(w->story, "");
    assert_string_equal(sent(w), "");
}

static void rule11_close_of_a_stream_nobody_knows_says_nothing(void **state)
{
    world_t *w = *state;
    es_sender_close(w->sender);
    assert_string_equal(sent(w), "");
}

static void rule12_begins_after_an_earlier_commit(void **state)
{
    world_t *w = *state;
    es_sender_begin_at(w->sender, 40, es_span("cut at 40"));
    assert_int_equal(push(w, 0), 41);
    assert_int_equal(w->out[0].base, 40);
    assert_string_equal(w->checkpoint, "cut at 40");
    assert_string_equal(sent(w), "1:41S");
    final(w, 1, 41, 41);
    assert_string_equal(w->story, "final41");
    push(w, ES_F_MARK);
    pass(w, 0);
    assert_string_equal(w->story, "final41 mark42");
}

static void waiting_sends_only_start_every_500_ms(void **state)
{
    world_t *w = *state;
    push_n(w, 3);
    sent(w);
    from_broker(w, ES_WAIT, 1, 2);
    from_broker(w, ES_WAIT, 1, 2);
    push_n(w, 1);
    assert_string_equal(sent(w), "");
    for (int i = 0; i < 20; i++) {
        pass(w, MS(500));
        assert_string_equal(sent(w), "1:1S");
    }
    from_broker(w, ES_WAIT, 1, 1);
    assert_string_equal(w->story, "wait2 wait1");
    assert_int_equal(stats(w).place, 1);
    assert_int_equal(stats(w).raises, 0);
    ack(w, 1, 2, 0);
    assert_string_equal(w->story, "wait2 wait1 wait0");
    assert_string_equal(sent(w), "1:2 1:3 1:4");
    assert_int_equal(es_sender_deadline(w->sender), w->now + MS(1000));
}

static void waiting_outlives_a_raise_until_someone_answers(void **state)
{
    world_t *w = *state;
    push_n(w, 3);
    sent(w);
    from_broker(w, ES_WAIT, 1, 2);
    es_sender_raise(w->sender, w->now);
    assert_string_equal(sent(w), "2:1S");
    pass(w, MS(500));
    assert_string_equal(sent(w), "2:1S");
    assert_string_equal(w->story, "wait2");
    partial(w, 2, 1, 1);
    assert_string_equal(w->story, "wait2 wait0 partial1");
    pass(w, MS(2000)); /* the timers run again */
    assert_true(w->n > 0);
}

static void waiting_of_a_bound_stream_means_that_its_worker_is_gone(void **state)
{
    world_t *w = *state;
    push_n(w, 2);
    ack(w, 1, 3, 0);
    sent(w);
    from_broker(w, ES_WAIT, 1, 1);
    assert_string_equal(sent(w), "2:1S 2:2");
    assert_string_equal(w->story, "");
    from_broker(w, ES_WAIT, 2, 1);
    assert_string_equal(w->story, "wait1");
}

static void answers_before_anything_was_sent_are_stale(void **state)
{
    world_t *w = *state;
    ack(w, 1, 1, 0);
    final(w, 1, 1, 1);
    partial(w, 1, 1, 1);
    rewind_to(w, 1, 0);
    from_broker(w, ES_WORKER_LOST, 1, 0);
    from_broker(w, ES_WAIT, 1, 1);
    assert_int_equal(stats(w).stale, 6);
    assert_int_equal(stats(w).epoch, 1);
    assert_string_equal(w->story, "");
}

static void hostile_values_change_nothing(void **state)
{
    world_t *w = *state;
    push_n(w, 5);
    ack(w, 1, 4, 0);
    es_sender_stats_t before = stats(w);
    es_msg_t bad[20];
    int n = 0;
#define BAD(base, field, value) (bad[n] = (base), bad[n].field = (value), n++)
    const es_msg_t a = ack_of(1, INC, 4, 0), f = final_of(1, 1, 3);
    BAD(a, expected, 0);
    BAD(a, expected, 7);
    BAD(a, expected, UINT64_MAX);
    BAD(a, committed, 4);
    BAD(a, committed, UINT64_MAX);
    BAD(a, epoch, 2);
    BAD(a, epoch, UINT64_MAX);
    BAD(a, present, ES_BIT(ES_M_INC));
    BAD(a, present, ES_BIT(ES_M_EXPECTED));
    BAD(f, from_seq, 0);
    BAD(f, from_seq, 4);
    BAD(f, to_seq, 6);
    BAD(f, to_seq, UINT64_MAX);
    BAD(f, expected, 3);
    BAD(f, expected, UINT64_MAX);
    BAD(f, present, ES_BIT(ES_M_INC) | ES_BIT(ES_M_FROM));
    bad[n] = f;
    ES_SET(&bad[n], ES_M_CHECKPOINT, checkpoint, ((es_span_t){"x", ES_CHECKPOINT_MAX + 1}));
    n++;
    BAD(f, to_seq, UINT64_MAX);
    bad[n - 1].kind = ES_PARTIAL;
    BAD(a, expected, UINT64_MAX);
    bad[n - 1].kind = ES_REWIND;
    bad[n] = (es_msg_t){.kind = ES_WAIT, .epoch = 1};
    n++;
    for (int i = 0; i < n; i++) receive(w, &bad[i]);
    es_sender_stats_t after = stats(w);
    assert_int_equal(after.stale, before.stale + (uint64_t)n);
    assert_int_equal(after.epoch, before.epoch);
    assert_int_equal(after.received, before.received);
    assert_int_equal(after.committed, before.committed);
    assert_int_equal(after.place, before.place);
    assert_int_equal(after.retained_frames, before.retained_frames);
    assert_string_equal(w->story, "");
    bad[0] = (es_msg_t){.kind = ES_HELLO, .epoch = 1}; /* not ours at all */
    receive(w, &bad[0]);
    assert_int_equal(stats(w).stale, after.stale);
}

/* Through another broker than the stream is at. */
static void what_is_overheard_changes_nothing(void **state)
{
    world_t *w = *state;
    push_n(w, 4);
    const es_msg_t own[] = {ack_of(1, INC, 4, 3), final_of(1, 1, 3)};
    for (int i = 0; i < 2; i++)
        assert_true(es_sender_overhear(w->sender, &own[i], w->now)); /* it may be its worker's */
    ack(w, 1, 2, 0);
    push_n(w, 1);
    es_sender_stats_t before = stats(w);
    for (int i = 0; i < 2; i++) assert_true(es_sender_overhear(w->sender, &own[i], w->now));
    const es_kind_t of_workers[] = {ES_ACK, ES_REWIND, ES_FINAL, ES_PARTIAL};
    for (size_t i = 0; i < sizeof of_workers / sizeof *of_workers; i++) {
        es_msg_t msg = final_of(1, 1, 3);
        msg.kind = of_workers[i];
        msg.inc = INC + 1;
        assert_false(es_sender_overhear(w->sender, &msg, w->now));
        msg.present &= ~ES_BIT(ES_M_INC); /* nobody has any state: so says the broker of the stream alone */
        assert_false(es_sender_overhear(w->sender, &msg, w->now));
        msg = final_of(2, 1, 3); /* an epoch to come */
        msg.kind = of_workers[i];
        assert_false(es_sender_overhear(w->sender, &msg, w->now));
        msg.epoch = 0; /* of a worker before */
        assert_true(es_sender_overhear(w->sender, &msg, w->now));
    }
    const es_kind_t of_brokers[] = {ES_WORKER_LOST, ES_WAIT, ES_REFUSED};
    for (size_t i = 0; i < sizeof of_brokers / sizeof *of_brokers; i++) {
        es_msg_t msg = {.kind = of_brokers[i], .epoch = 1};
        ES_SET(&msg, ES_M_PLACE, place, 1);
        ES_SET(&msg, ES_M_REASON, reason, es_span("it kills its workers"));
        assert_true(es_sender_overhear(w->sender, &msg, w->now));
    }
    es_sender_stats_t after = stats(w);
    assert_int_equal(after.epoch, before.epoch);
    assert_int_equal(after.received, before.received);
    assert_int_equal(after.committed, before.committed);
    assert_int_equal(after.place, before.place);
    assert_int_equal(after.stale, before.stale);
    assert_false(after.done);
    assert_string_equal(w->story, "");
    final(w, 1, 1, 3);
    assert_string_equal(w->story, "final3");
}

static void a_receiver_that_began_again_is_followed_back(void **state)
{
    world_t *w = *state;
    push_n(w, 5);
    ack(w, 1, 6, 0);
    sent(w);
    rewind_to(w, 1, 2); /* it lost its state and took a START that came twice */
    assert_string_equal(sent(w), "1:2 1:3 1:4 1:5");
    assert_int_equal(stats(w).received, 1);
}

/* Found by tests/sim, seed 61607: all was received and forgotten again, and the probe is the START. */
static void a_receiver_that_forgot_all_and_never_asks_is_left(void **state)
{
    world_t *w = *state;
    push_n(w, 5);
    ack(w, 1, 6, 0);
    sent(w);
    pass(w, MS(1500));
    ack(w, 1, 2, 0);
    assert_string_equal(sent(w), "1:1S");
    pass(w, MS(1500));
    assert_string_equal(sent(w), "2:1S 2:2 2:3 2:4 2:5");
}

static uint64_t deaths_in_start(world_t *w)
{
    uint64_t deaths = 99;
    for (int i = 0; i < w->n; i++)
        if (w->out[i].flags & ES_F_START) deaths = ES_HAS(&w->out[i], ES_M_DEATHS) ? w->out[i].deaths : 0;
    sent(w);
    return deaths;
}

static void worker_died(world_t *w, uint64_t epoch, uint64_t streams)
{
    es_msg_t msg = {.kind = ES_WORKER_LOST, .epoch = epoch};
    if (streams) ES_SET(&msg, ES_M_LOAD, load, streams);
    receive(w, &msg);
}

static void deaths_alone_are_counted_until_a_commit(void **state)
{
    world_t *w = *state;
    push_n(w, 5);
    assert_int_equal(deaths_in_start(w), 0);
    worker_died(w, 1, 1);
    assert_int_equal(deaths_in_start(w), 1);
    worker_died(w, 1, 1); /* said twice */
    assert_int_equal(w->n, 0);
    worker_died(w, 2, 3); /* one of three streams */
    assert_int_equal(deaths_in_start(w), 1);
    worker_died(w, 3, 0); /* it left by itself */
    assert_int_equal(deaths_in_start(w), 1);
    worker_died(w, 4, 1);
    assert_int_equal(deaths_in_start(w), 2);
    final(w, 5, 1, 2);
    worker_died(w, 5, 0);
    assert_int_equal(deaths_in_start(w), 0);
}

static uint64_t shared_in_start(world_t *w)
{
    uint64_t shared = 99;
    for (int i = 0; i < w->n; i++)
        if (w->out[i].flags & ES_F_START) shared = ES_HAS(&w->out[i], ES_M_SHARED) ? w->out[i].shared : 0;
    sent(w);
    return shared;
}

static void deaths_with_others_are_counted_apart(void **state)
{
    world_t *w = *state;
    push_n(w, 5);
    assert_int_equal(shared_in_start(w), 0);
    worker_died(w, 1, 1);
    assert_int_equal(shared_in_start(w), 0);
    worker_died(w, 2, 3);
    assert_int_equal(shared_in_start(w), 1);
    worker_died(w, 3, 2);
    assert_int_equal(shared_in_start(w), 2);
    final(w, 4, 1, 2);
    worker_died(w, 4, 0);
    assert_int_equal(shared_in_start(w), 0);
}

static void a_refusal_is_the_end(void **state)
{
    world_t *w = *state;
    es_msg_t msg = {.kind = ES_REFUSED, .epoch = 2};
    ES_SET(&msg, ES_M_REASON, reason, es_span("it kills"));
    push_n(w, 5);
    receive(w, &msg);
    assert_string_equal(w->story, ""); /* not of this epoch */
    msg.epoch = 1;
    receive(w, &msg);
    receive(w, &msg);
    assert_string_equal(w->story, "refused0");
    assert_int_equal(es_sender_deadline(w->sender), UINT64_MAX);
    sent(w);
    final(w, 1, 1, 2);
    pass(w, MS(20000));
    assert_string_equal(sent(w), "");
    assert_string_equal(w->story, "refused0");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, sender_setup, sender_teardown)
    const struct CMUnitTest tests[] = {
        T(rule10_the_window_bounds_frames_in_flight),
        T(rule10_the_window_bounds_bytes_but_lets_one_frame_through),
        T(rule10_retention_refuses_and_says_when_it_can_again),
        T(rule10_retention_bounds_bytes),
        T(rule10_pushes_from_inside_are_fine),
        T(rule11_close_is_said_once_and_ends_all),
        T(rule11_close_of_a_stream_nobody_knows_says_nothing),
        T(rule12_begins_after_an_earlier_commit),
        T(waiting_sends_only_start_every_500_ms),
        T(waiting_outlives_a_raise_until_someone_answers),
        T(waiting_of_a_bound_stream_means_that_its_worker_is_gone),
        T(answers_before_anything_was_sent_are_stale),
        T(hostile_values_change_nothing),
        T(what_is_overheard_changes_nothing),
        T(a_receiver_that_began_again_is_followed_back),
        T(a_receiver_that_forgot_all_and_never_asks_is_left),
        T(deaths_alone_are_counted_until_a_commit),
        T(deaths_with_others_are_counted_apart),
        T(a_refusal_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
