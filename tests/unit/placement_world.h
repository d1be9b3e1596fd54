/* A placement on a virtual clock, for test_placement.c and test_placement_queue.c. Include after cmocka.h. */
#ifndef PLACEMENT_WORLD_H
#define PLACEMENT_WORLD_H

#include <stdlib.h>

#include "placement.h"

#define MS UINT64_C(1000)
#define SECOND UINT64_C(1000000)

typedef struct {
    es_placement_t *p;
    uint64_t now;
    es_placement_config_t config;
} world_t;

static inline void restart(world_t *w)
{
    es_placement_destroy(&w->p);
    w->p = es_placement_new(&w->config, w->now);
}

/* A broker that has settled and learned, without workers. */
static inline int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    w->config = es_placement_defaults();
    w->now = 10 * SECOND;
    restart(w);
    w->now += 5 * SECOND;
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    world_t *w = *state;
    es_placement_destroy(&w->p);
    assert_null(w->p);
    es_placement_destroy(&w->p);
    es_placement_destroy(NULL);
    free(w);
    return 0;
}

static inline void up(world_t *w, uint64_t inc, uint64_t capacity)
{
    assert_int_equal(es_placement_worker_up(w->p, inc, es_span("transcribe"), capacity), 0);
}

static inline es_msg_t frame_of(uint64_t epoch, uint64_t flags)
{
    es_msg_t msg = {.kind = ES_FRAME, .epoch = epoch, .seq = 1};
    ES_SET(&msg, ES_M_FLAGS, flags, flags);
    if (flags & ES_F_START) {
        ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
        ES_SET(&msg, ES_M_BASE, base, 0);
    }
    return msg;
}

static inline es_route_t send(world_t *w, const char *key, es_msg_t msg)
{
    return es_placement_route(w->p, es_span(key), &msg, w->now);
}

static inline es_route_t start(world_t *w, const char *key, uint64_t epoch)
{
    return send(w, key, frame_of(epoch, ES_F_START));
}
static inline es_route_t frame(world_t *w, const char *key, uint64_t epoch)
{
    return send(w, key, frame_of(epoch, 0));
}
static inline es_route_t close_stream(world_t *w, const char *key, uint64_t epoch)
{
    return send(w, key, (es_msg_t){.kind = ES_CLOSE, .epoch = epoch});
}

static inline bool learn(world_t *w, uint64_t worker, const char *key, uint64_t epoch)
{
    return es_placement_learn(w->p, worker, &(es_stream_ref_t){es_span(key), epoch, 0}, w->now);
}

static inline es_placement_stats_t stats(world_t *w)
{
    es_placement_stats_t s;
    es_placement_stats(w->p, &s);
    return s;
}

static inline void assert_forward(es_route_t route, uint64_t worker)
{
    assert_int_equal(route.verdict, ES_ROUTE_FORWARD);
    assert_int_equal(route.worker, worker);
}

static inline void assert_wait(es_route_t route, uint64_t place)
{
    assert_int_equal(route.verdict, ES_ROUTE_WAIT);
    assert_int_equal(route.place, place);
}

static inline void assert_drop(es_route_t route, es_route_reason_t reason)
{
    assert_int_equal(route.verdict, ES_ROUTE_DROP);
    assert_int_equal(route.reason, reason);
}

#endif
