/* actors/edge/stream_memory.h: who may hold how much, and that the streams of clients keep to it and none waits for ever. */
#include "edge_metrics.h"
#include "edge_world.h"
#include "envelope_ws.h"
#include "flat.h"

#define MIB 1048576u
#define SEGMENT 480640u /* bytes that an engine hears before it cuts: 15 s, and a frame of its grid */

static void a_share_is_the_limit_by_streams(void **state)
{
    (void)state;
    es_stream_memory_t memory = {.limit = 16 * MIB, .streams = 4};
    assert_false(es_stream_memory_spent(&memory, 4 * MIB - 1));
    assert_true(es_stream_memory_spent(&memory, 4 * MIB));
    memory.held = 16 * MIB; /* all of it is taken, if not by this one */
    assert_true(es_stream_memory_spent(&memory, MIB));
    assert_false(es_stream_memory_spent(&memory, MIB - 1));
    memory.streams = 100000;
    assert_false(es_stream_memory_spent(&memory, MIB - 1));
    memory.limit = 0;
    assert_false(es_stream_memory_spent(&memory, 4 * MIB));
}

static es_client_t *another(world_t *w, const char *id)
{
    return es_client_new(&w->env, id, &es_flat, "", NULL, w);
}

static unsigned speak(es_client_t *client, size_t len)
{
    uint8_t *data = calloc(1, len);
    unsigned code = es_client_piece(client, data, len, 0, true, true);
    free(data);
    assert_int_equal(code, ES_WS_FINE);
    return client->throttled;
}

static void the_house_hears(world_t *w, es_client_t *client, uint64_t to)
{
    es_client_t *first = w->client;
    w->client = client;
    world_final(w, 1, to, "", ES_F_SILENCE);
    w->client = first;
}

static void who_has_its_share_is_read_no_faster(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    es_client_t *other = another(w, "abcdef9876543210");
    uint64_t paused = es_metric_get(&es_edge_streams_paused), overruns = es_metric_get(&es_edge_overruns);
    w->env.memory.limit = 4 * MIB;
    assert_false(speak(other, 1000));
    for (int i = 0; i < 8; i++) assert_false(speak(w->client, MIB / 4));
    assert_true(speak(w->client, MIB / 4)); /* two MiB behind the oldest */
    assert_false(speak(other, 1000));
    assert_int_equal(es_metric_get(&es_edge_streams_paused), paused + 1);
    assert_in_range(w->env.memory.held, 9 * MIB / 4 + 2000, 9 * MIB / 4 + 4000);
    the_house_hears(w, w->client, 1);
    assert_false(w->client->throttled);
    assert_int_equal(es_metric_get(&es_edge_overruns), overruns);
    es_client_destroy(&other);
    world_destroy(w);
}

static void where_others_have_taken_it_there_is_a_mib(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    w->env.memory.limit = 4 * MIB;
    while (!speak(w->client, MIB / 2)) continue;
    assert_int_equal(w->client->held / (MIB / 2), 8);
    es_client_t *other = another(w, "abcdef9876543210");
    assert_false(speak(other, MIB / 2));
    assert_false(speak(other, MIB / 2));
    assert_true(speak(other, MIB / 2));
    es_client_destroy(&w->client);
    es_client_tick(other); /* as it is called once a second */
    assert_false(other->throttled);
    w->client = other;
    world_destroy(w);
}

/* What comes although the socket is not read is kept as before, and said once there is room. */
static void a_chunk_that_comes_on_waits(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    w->env.memory.limit = MIB;
    assert_false(speak(w->client, MIB));
    assert_true(speak(w->client, MIB));
    assert_true(speak(w->client, 1000));
    assert_true(w->client->held > 2 * MIB + 1000);
    the_house_hears(w, w->client, 1);
    assert_false(w->client->throttled);
    es_sender_stats_t stats;
    es_sender_stats(w->client->sender, &stats);
    assert_int_equal(stats.next_seq, 4);
    world_destroy(w);
}

static void what_is_not_whole_counts_and_is_read_on(void **state)
{
    (void)state;
    world_t *w = world_new(&es_flat, "");
    w->env.memory.limit = MIB;
    uint8_t *data = calloc(1, MIB / 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(es_client_piece(w->client, data, MIB / 2, 2, false, true), ES_WS_FINE);
        assert_false(w->client->throttled);
    }
    assert_in_range(w->env.memory.held, MIB, 2 * MIB);
    free(data);
    es_client_destroy(&w->client);
    assert_int_equal(w->env.memory.held, 0);
    assert_int_equal(w->env.memory.streams, 0);
    world_destroy(w);
}

/* However a client cuts its audio, and however little there is: an engine has its longest segment, and what is before it becomes final. */
static void no_share_is_too_small_for_a_segment(void **state)
{
    (void)state;
    static const size_t sizes[] = {80, 640, 6400, 65536, SEGMENT, SEGMENT + 2, MIB - 2, MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        world_t *w = world_new(&es_flat, "");
        w->env.memory = (es_stream_memory_t){.limit = 1, .streams = 100000};
        w->env.limits.max_queue = UINT64_MAX;
        while (!speak(w->client, sizes[i])) continue;
        assert_true(es_sender_backlog(w->client->sender) >= SEGMENT);
        world_destroy(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_is_the_limit_by_streams),
        cmocka_unit_test(who_has_its_share_is_read_no_faster),
        cmocka_unit_test(where_others_have_taken_it_there_is_a_mib),
        cmocka_unit_test(a_chunk_that_comes_on_waits),
        cmocka_unit_test(what_is_not_whole_counts_and_is_read_on),
        cmocka_unit_test(no_share_is_too_small_for_a_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
