/* Which room actor has a room: as evenly as a hash deals, alike everywhere, and moving no more than must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "catalogue.h"
#include "rendezvous.h"

enum { ROOMS = 300 };

static void hello(es_registry_t *registry, uint64_t inc, const char *name, const char *service, uint64_t capacity)
{
    es_msg_t msg = {.kind = ES_HELLO};
    ES_SET(&msg, ES_M_NAME, name, es_span(name));
    ES_SET(&msg, ES_M_SERVICE, service, es_span(service));
    ES_SET(&msg, ES_M_CAPACITY, capacity, capacity);
    assert_int_not_equal(es_registry_hello(registry, inc, &msg, 1), ES_HELLO_FULL);
}

/* The incarnation of who has room `room-N`; 0: nobody. */
static uint64_t owner(const es_registry_t *registry, int n)
{
    char id[16];
    snprintf(id, sizeof id, "room-%d", n);
    const es_actor_t *actor = es_rendezvous_actor(registry, es_span("room"), es_span(id));
    return actor ? actor->inc : 0;
}

static int setup(void **state)
{
    es_registry_t *registry = es_registry_new(NULL, 0);
    hello(registry, 1, "room-1", "room", 1000);
    hello(registry, 2, "room-2", "room", 1000);
    hello(registry, 3, "room-3", "room", 1000);
    hello(registry, 9, "transcriber-1", "transcribe", 8);
    *state = registry;
    return 0;
}

static int teardown(void **state)
{
    es_registry_destroy((es_registry_t **)state);
    return 0;
}

static void rooms_are_dealt_evenly_and_to_room_actors_only(void **state)
{
    unsigned has[10] = {0};
    for (int n = 0; n < ROOMS; n++) has[owner(*state, n)]++;
    for (int inc = 1; inc <= 3; inc++) assert_in_range(has[inc], ROOMS / 4, ROOMS / 2);
    assert_int_equal(has[0] + has[9], 0);
}

/* Another broker heard of them in another order, and of other incarnations. */
static void every_broker_chooses_alike(void **state)
{
    es_registry_t *other = es_registry_new(NULL, 0);
    hello(other, 33, "room-3", "room", 5);
    hello(other, 11, "room-1", "room", 5);
    hello(other, 22, "room-2", "room", 5);
    for (int n = 0; n < ROOMS; n++) assert_int_equal(owner(other, n), 11 * owner(*state, n));
    es_registry_destroy(&other);
}

static void who_goes_or_drains_moves_its_own_rooms_only(void **state)
{
    uint64_t before[ROOMS];
    for (int n = 0; n < ROOMS; n++) before[n] = owner(*state, n);
    hello(*state, 2, "room-2", "room", 0);
    for (int n = 0; n < ROOMS; n++)
        if (before[n] == 2)
            assert_int_not_equal(owner(*state, n), 2);
        else
            assert_int_equal(owner(*state, n), before[n]);
    assert_true(es_registry_remove(*state, 2));
    hello(*state, 4, "room-2", "room", 1000); /* restarted: it has them again */
    for (int n = 0; n < ROOMS; n++) assert_int_equal(owner(*state, n), before[n] == 2 ? 4 : before[n]);
}

static void among_equals_the_higher_incarnation(void **state)
{
    hello(*state, 7, "room-1", "room", 1000);
    hello(*state, 5, "room-1", "room", 1000);
    for (int n = 0; n < ROOMS; n++) assert_in_set(owner(*state, n), ((uint64_t[]){2, 3, 7}), 3);
}

static void without_a_room_actor_nobody_has_it(void **state)
{
    for (uint64_t inc = 1; inc <= 3; inc++) assert_true(es_registry_remove(*state, inc));
    assert_int_equal(owner(*state, 1), 0);
    hello(*state, 1, "room-1", "room", 0);
    assert_int_equal(owner(*state, 1), 0);
    hello(*state, 2, "room-2", "rooms", 10);
    assert_int_equal(owner(*state, 1), 0);
}

#define WITH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(rooms_are_dealt_evenly_and_to_room_actors_only),
        WITH(every_broker_chooses_alike),
        WITH(who_goes_or_drains_moves_its_own_rooms_only),
        WITH(among_equals_the_higher_incarnation),
        WITH(without_a_room_actor_nobody_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
