#include "sender_world.h"

static void remake_batch(world_t *w)
{
    es_sender_config_t config = es_sender_defaults();
    config.priority = 1;
    remake(w, &config, 0);
}

static void a_batch_stream_yields_at_the_next_final(void **state)
{
    world_t *w = *state;
    remake_batch(w);
    push_n(w, 4);
    ack(w, 1, 5, 0);
    sent(w);
    from_broker(w, ES_YIELD, 1, 0);
    assert_string_equal(sent(w), "");
    es_msg_t msg = final_of(1, 1, 2);
    ES_SET(&msg, ES_M_CHECKPOINT, checkpoint, es_span("state"));
    receive(w, &msg);
    assert_string_equal(sent(w), "1:2C 2:3S 2:4");
    assert_string_equal(w->checkpoint, "state");
    assert_int_equal(stats(w).yields, 1);
    from_broker(w, ES_WAIT, 2, 1);
    assert_int_equal(stats(w).place, 1);
    final(w, 1, 3, 4); /* of the place that was given back */
    assert_string_equal(w->story, "final2 wait1");
    ack(w, 2, 4, 2);
    final(w, 2, 3, 4);
    assert_string_equal(w->story, "final2 wait1 wait0 final4");
    sent(w);
    push_n(w, 1);
    final(w, 2, 5, 5);
    assert_string_equal(sent(w), "2:5");
}

static void with_nothing_on_its_way_it_yields_at_once(void **state)
{
    world_t *w = *state;
    remake_batch(w);
    push_n(w, 2);
    final(w, 1, 1, 2);
    sent(w);
    from_broker(w, ES_YIELD, 1, 0);
    assert_string_equal(sent(w), "1:2C");
    from_broker(w, ES_YIELD, 1, 0);
    from_broker(w, ES_YIELD, 2, 0); /* nothing was sent in it yet */
    assert_string_equal(sent(w), "");
    push_n(w, 2);
    assert_string_equal(sent(w), "2:3S 2:4");
    assert_int_equal(stats(w).yields, 1);
}

/* Decoders are busy with live streams: no final comes. */
static void it_does_not_wait_for_a_final_for_ever(void **state)
{
    world_t *w = *state;
    remake_batch(w);
    push_n(w, 4);
    ack(w, 1, 5, 0);
    for (int i = 0; i < 10; i++) {
        from_broker(w, ES_YIELD, 1, 0);
        w->now += MS(500);
        assert_int_equal(stats(w).yields, 0);
    }
    sent(w);
    from_broker(w, ES_YIELD, 1, 0);
    assert_string_equal(sent(w), "1:0C 2:1S 2:2 2:3 2:4");
    assert_int_equal(stats(w).yields, 1);
}

static void who_waits_has_no_place_to_give(void **state)
{
    world_t *w = *state;
    remake_batch(w);
    push_n(w, 4);
    from_broker(w, ES_WAIT, 1, 1);
    sent(w);
    from_broker(w, ES_YIELD, 1, 0);
    final(w, 1, 1, 1); /* placed since */
    assert_string_equal(sent(w), "1:2 1:3 1:4");
    assert_int_equal(stats(w).yields, 0);
}

/* Somebody gave a place back, and ours is the next turn: no need to wait until the START would be said again. */
static void who_waits_is_called(void **state)
{
    world_t *w = *state;
    es_msg_t call = {.kind = ES_WAIT, .epoch = 1};
    ES_SET(&call, ES_M_PLACE, place, 0);
    push_n(w, 2);
    receive(w, &call); /* it does not wait */
    assert_int_equal(stats(w).stale, 1);
    from_broker(w, ES_WAIT, 1, 3);
    pass(w, MS(100));
    sent(w);
    receive(w, &call);
    assert_string_equal(sent(w), "1:1S");
    assert_int_equal(stats(w).place, 3);
    pass(w, MS(499));
    assert_string_equal(sent(w), "");
    pass(w, MS(1));
    assert_string_equal(sent(w), "1:1S");
}

static void a_raise_forgets_that_it_was_to_yield(void **state)
{
    world_t *w = *state;
    remake_batch(w);
    push_n(w, 4);
    from_broker(w, ES_YIELD, 1, 0);
    from_broker(w, ES_WORKER_LOST, 1, 0);
    sent(w);
    final(w, 2, 1, 2);
    assert_string_equal(sent(w), "");
    assert_int_equal(stats(w).yields, 0);
}

static void the_last_final_ends_it_instead(void **state)
{
    world_t *w = *state;
    remake_batch(w);
    push_n(w, 1);
    push(w, ES_F_EOS);
    from_broker(w, ES_YIELD, 1, 0);
    sent(w);
    final(w, 1, 1, 2);
    assert_string_equal(sent(w), "");
    assert_string_equal(w->story, "final2 done0");
}

/* Which knows of the stream from its worker. */
static void another_broker_may_ask_for_the_place(void **state)
{
    world_t *w = *state;
    remake_batch(w);
    push_n(w, 2);
    final(w, 1, 1, 2);
    sent(w);
    assert_true(es_sender_overhear(w->sender, &(es_msg_t){.kind = ES_YIELD, .epoch = 1}, w->now));
    assert_string_equal(sent(w), "1:2C");
    assert_int_equal(stats(w).yields, 1);
}

/* Its own has a free place now, and would give it back to it before the other hears of it. */
static void who_yields_to_another_broker_waits_until_that_knows(void **state)
{
    world_t *w = *state;
    remake_batch(w);
    push_n(w, 4);
    ack(w, 1, 5, 0);
    sent(w);
    assert_true(es_sender_overhear(w->sender, &(es_msg_t){.kind = ES_YIELD, .epoch = 1}, w->now));
    from_broker(w, ES_YIELD, 1, 0); /* its own wants it as well */
    final(w, 1, 1, 2);
    assert_string_equal(sent(w), "1:2C");
    push_n(w, 1);
    pass(w, MS(1999));
    assert_string_equal(sent(w), "");
    pass(w, MS(1));
    assert_string_equal(sent(w), "2:3S 2:4 2:5");
    /* of the next epoch nobody has asked */
    from_broker(w, ES_YIELD, 2, 0);
    final(w, 2, 3, 3);
    assert_string_equal(sent(w), "2:3C 3:4S 3:5");
}

/* A broker that is gone takes no place. */
static void a_raise_ends_that_wait(void **state)
{
    world_t *w = *state;
    remake_batch(w);
    push_n(w, 3);
    es_sender_overhear(w->sender, &(es_msg_t){.kind = ES_YIELD, .epoch = 1}, w->now);
    final(w, 1, 1, 2);
    sent(w);
    es_sender_raise(w->sender, w->now);
    assert_string_equal(sent(w), "3:3S");
    pass(w, MS(200));
    assert_string_equal(sent(w), "");
}

static void a_live_stream_yields_to_nobody(void **state)
{
    world_t *w = *state;
    push_n(w, 4);
    from_broker(w, ES_YIELD, 1, 0);
    assert_int_equal(stats(w).stale, 1);
    sent(w);
    final(w, 1, 1, 2);
    assert_string_equal(sent(w), "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, sender_setup, sender_teardown)
    const struct CMUnitTest tests[] = {
        T(a_batch_stream_yields_at_the_next_final),
        T(with_nothing_on_its_way_it_yields_at_once),
        T(a_raise_forgets_that_it_was_to_yield),
        T(the_last_final_ends_it_instead),
        T(a_live_stream_yields_to_nobody),
        T(it_does_not_wait_for_a_final_for_ever),
        T(who_waits_has_no_place_to_give),
        T(who_waits_is_called),
        T(another_broker_may_ask_for_the_place),
        T(who_yields_to_another_broker_waits_until_that_knows),
        T(a_raise_ends_that_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
