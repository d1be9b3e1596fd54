#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "registry.h"

#define BEAT UINT64_C(500000)
#define START UINT64_C(1000000)

typedef struct {
    es_registry_t *registry;
    uint64_t pinged[16], lost[16], silence, unreachable; /* unreachable: this one is taken out in ping */
    size_t pings, losses;
} world_t;

static void on_ping(void *ctx, uint64_t inc)
{
    world_t *w = ctx;
    if (w->pings < 16) w->pinged[w->pings] = inc;
    w->pings++;
    if (inc == w->unreachable) es_registry_remove(w->registry, inc);
}

static void on_lost(void *ctx, uint64_t inc, uint64_t silence_us)
{
    world_t *w = ctx;
    assert_non_null(es_registry_find(w->registry, inc));
    if (w->losses < 16) w->lost[w->losses] = inc;
    w->losses++;
    w->silence = silence_us;
}

static const es_registry_ops_t ops = {.ping = on_ping, .lost = on_lost};

static uint64_t tick(world_t *w, uint64_t now_us)
{
    return es_registry_tick(w->registry, &ops, w, now_us);
}

static es_msg_t hello(const char *name, uint64_t capacity)
{
    es_msg_t msg = {.kind = 32};
    ES_SET(&msg, ES_M_NAME, name, es_span(name));
    ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
    ES_SET(&msg, ES_M_CAPACITY, capacity, capacity);
    return msg;
}

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    w->registry = es_registry_new(NULL, START);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    es_registry_destroy(&w->registry);
    assert_null(w->registry);
    es_registry_destroy(&w->registry);
    es_registry_destroy(NULL);
    free(w);
    return 0;
}

static void test_hello_and_figures(void **state)
{
    world_t *w = *state;
    es_msg_t msg = hello("transcriber-1", 4);
    assert_int_equal(es_registry_hello(w->registry, 11, &msg, START), ES_HELLO_NEW);
    assert_int_equal(es_registry_hello(w->registry, 11, &msg, START + 5), ES_HELLO_AGAIN);
    const es_actor_t *actor = es_registry_find(w->registry, 11);
    assert_string_equal(actor->name, "transcriber-1");
    assert_string_equal(actor->service, "transcribe");
    assert_int_equal(actor->capacity, 4);
    assert_int_equal(actor->heard_us, START + 5);
    assert_false(actor->draining);
    es_msg_t beat = {.kind = 33};
    ES_SET(&beat, ES_M_LOAD, load, 3);
    ES_SET(&beat, ES_M_LAG_US, lag_us, 77);
    ES_SET(&beat, ES_M_COUNT, count, 1234);
    assert_true(es_registry_heartbeat(w->registry, 11, &beat, START + 9));
    es_msg_t bare = {.kind = 33};
    assert_true(es_registry_heartbeat(w->registry, 11, &bare, START + 10));
    assert_int_equal(actor->load, 3);
    assert_int_equal(actor->lag_us, 77);
    assert_int_equal(actor->count, 1234);
    assert_int_equal(actor->heard_us, START + 10);
    assert_false(es_registry_heartbeat(w->registry, 12, &beat, START));
    msg = hello("transcriber-1", 0);
    assert_int_equal(es_registry_taking(w->registry, es_span(NULL)), 1);
    assert_int_equal(es_registry_taking(w->registry, es_span("transcribe")), 1);
    assert_int_equal(es_registry_taking(w->registry, es_span("transcribes")), 0);
    es_registry_hello(w->registry, 11, &msg, START + 11);
    assert_true(actor->draining);
    assert_int_equal(es_registry_taking(w->registry, es_span(NULL)), 0);
}

static void test_names_are_made_safe(void **state)
{
    world_t *w = *state;
    char longest[ES_NAME_MAX + 10];
    memset(longest, 'x', sizeof longest);
    longest[1] = '\0';
    es_msg_t msg = hello("", 1);
    msg.name = es_span_of(longest, sizeof longest);
    es_registry_hello(w->registry, 1, &msg, START);
    const es_actor_t *actor = es_registry_find(w->registry, 1);
    assert_int_equal(strlen(actor->name), ES_NAME_MAX);
    assert_int_equal(actor->name[1], '?');
}

static void test_bound_and_order(void **state)
{
    world_t *w = *state;
    es_registry_destroy(&w->registry);
    es_registry_config_t config = es_registry_defaults();
    config.max_actors = 3;
    w->registry = es_registry_new(&config, START);
    es_msg_t msg = hello("a", 1);
    for (uint64_t inc = 1; inc <= 3; inc++) es_registry_hello(w->registry, inc, &msg, START);
    assert_int_equal(es_registry_hello(w->registry, 4, &msg, START), ES_HELLO_FULL);
    assert_true(es_registry_remove(w->registry, 2));
    assert_false(es_registry_remove(w->registry, 2));
    assert_int_equal(es_registry_hello(w->registry, 4, &msg, START), ES_HELLO_NEW);
    assert_int_equal(es_registry_count(w->registry), 3);
    assert_int_equal(es_registry_at(w->registry, 0)->inc, 1);
    assert_int_equal(es_registry_at(w->registry, 1)->inc, 3);
    assert_int_equal(es_registry_at(w->registry, 2)->inc, 4);
    assert_null(es_registry_at(w->registry, 3));
}

static void test_three_missed_heartbeats(void **state)
{
    world_t *w = *state;
    es_msg_t msg = hello("a", 1), beat = {.kind = 33};
    es_registry_hello(w->registry, 1, &msg, START);
    es_registry_hello(w->registry, 2, &msg, START);
    uint64_t now = START, next = START;
    assert_int_equal(tick(w, now), START + BEAT);
    assert_int_equal(w->pings, 0);
    for (int i = 0; i < 3; i++) { /* 1 answers, 2 is dead */
        now += BEAT;
        es_registry_heartbeat(w->registry, 1, &beat, now);
        if (i == 2) break;
        next = tick(w, now);
        assert_int_equal(w->pings, 2 * (i + 1));
        assert_int_equal(w->losses, 0);
    }
    assert_int_equal(next, now);
    tick(w, now - 1);
    assert_int_equal(w->losses, 0);
    tick(w, now);
    assert_int_equal(w->losses, 1);
    assert_int_equal(w->lost[0], 2);
    assert_int_equal(w->silence, 3 * BEAT);
    assert_null(es_registry_find(w->registry, 2));
    assert_non_null(es_registry_find(w->registry, 1));
    assert_int_equal(es_registry_stalls(w->registry), 0);
}

/* An actor that was heard between two beats is lost between two beats, not at the next one. */
static void test_deadline_between_beats(void **state)
{
    world_t *w = *state;
    es_msg_t msg = hello("a", 1);
    uint64_t heard = START + BEAT / 5;
    es_registry_hello(w->registry, 1, &msg, heard);
    uint64_t next = tick(w, START + BEAT);
    next = tick(w, next);
    next = tick(w, next);
    assert_int_equal(next, heard + 3 * BEAT);
    tick(w, next);
    assert_int_equal(w->losses, 1);
}

static void test_unreachable_during_ping(void **state)
{
    world_t *w = *state;
    es_msg_t msg = hello("a", 1);
    for (uint64_t inc = 1; inc <= 4; inc++) es_registry_hello(w->registry, inc, &msg, START);
    w->unreachable = 3;
    tick(w, START + BEAT);
    assert_int_equal(w->pings, 4);
    assert_int_equal(es_registry_count(w->registry), 3);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < i; k++) assert_true(w->pinged[i] != w->pinged[k]);
}

/* The broker itself stood still for ten heartbeats: nobody is to blame, until three more have passed. */
static void test_stall_is_forgiven(void **state)
{
    world_t *w = *state;
    es_msg_t msg = hello("a", 1);
    es_registry_hello(w->registry, 1, &msg, START);
    uint64_t now = START + BEAT;
    tick(w, now);
    now += 10 * BEAT;
    tick(w, now);
    assert_int_equal(es_registry_stalls(w->registry), 1);
    assert_int_equal(w->losses, 0);
    for (int i = 1; i <= 2; i++) tick(w, now + (uint64_t)i * BEAT);
    assert_int_equal(w->losses, 0);
    tick(w, now + 3 * BEAT);
    assert_int_equal(w->losses, 1);
    assert_int_equal(es_registry_stalls(w->registry), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_hello_and_figures),      TEST(test_names_are_made_safe),
                                       TEST(test_bound_and_order),        TEST(test_three_missed_heartbeats),
                                       TEST(test_deadline_between_beats), TEST(test_unreachable_during_ping),
                                       TEST(test_stall_is_forgiven)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
