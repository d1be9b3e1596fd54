/* What the tests of the follower share: a follower with everything it says written down. What comes out is "5" an event, "p" a partial, "!3-4" missed, "R9"
 * reset to log 9; what is asked "#1:3+2", id, from, count. Virtual time. */
#ifndef ES_FOLLOWER_WORLD_H
#define ES_FOLLOWER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "room_follower.h"

#define MS(n) ((uint64_t)(n)*1000u)
#define LOG 7u

typedef struct {
    es_room_follower_t *f;
    uint64_t now, spoken_ms;
    char out[8192], asked[4096];
    char text[64]; /* of the last event */
} world_t;

__attribute__((format(printf, 3, 4))) static inline void note(char *story, size_t cap, const char *format, ...)
{
    va_list args;
    size_t at = strlen(story);
    if (at > 0) story[at++] = ' ';
    va_start(args, format);
    vsnprintf(story + at, cap - at, format, args);
    va_end(args);
}

static inline void on_event(void *ctx, const es_room_event_t *event)
{
    world_t *w = ctx;
    if (event->rseq > 0)
        note(w->out, sizeof w->out, "%d", (int)event->rseq);
    else
        note(w->out, sizeof w->out, "p");
    snprintf(w->text, sizeof w->text, "%.*s/%.*s", (int)event->text.len, event->text.len ? event->text.ptr : "",
             (int)event->msg_id.len, event->msg_id.len ? event->msg_id.ptr : "");
    if (event->rseq > 0) assert_int_equal(es_room_follower_at(w->f), event->rseq);
}

static inline void on_fetch(void *ctx, uint64_t id, uint64_t from, uint64_t count)
{
    world_t *w = ctx;
    note(w->asked, sizeof w->asked, "#%d:%d+%d", (int)id, (int)from, (int)count);
}

static inline void on_missed(void *ctx, uint64_t from, uint64_t to)
{
    world_t *w = ctx;
    assert_true(from <= to);
    note(w->out, sizeof w->out, "!%d-%d", (int)from, (int)to);
}

static inline void on_reset(void *ctx, uint64_t log)
{
    world_t *w = ctx;
    assert_int_equal(es_room_follower_log(w->f), log);
    note(w->out, sizeof w->out, "R%d", (int)log);
}

static const es_room_follower_ops_t ops = {
    .event = on_event, .fetch = on_fetch, .missed = on_missed, .reset = on_reset};

static inline int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    w->now = MS(10000);
    w->f = es_room_follower_new(NULL, &ops, w);
    *state = w;
    return 0;
}

static inline int teardown(void **state)
{
    world_t *w = *state;
    es_room_follower_destroy(&w->f);
    assert_null(w->f);
    es_room_follower_destroy(&w->f);
    free(w);
    return 0;
}

static inline void remake(world_t *w, size_t held_max, size_t held_bytes)
{
    es_room_follower_config_t config = es_room_follower_defaults();
    config.held_max = held_max;
    config.held_bytes = held_bytes;
    es_room_follower_destroy(&w->f);
    w->f = es_room_follower_new(&config, &ops, w);
}

static inline es_room_event_t event(uint64_t rseq)
{
    return (es_room_event_t){.rseq = rseq, .type = ES_EVENT_MESSAGE};
}

static inline size_t range(es_room_event_t *events, uint64_t from, uint64_t to)
{
    size_t n = 0;
    for (uint64_t rseq = from; rseq <= to; rseq++) events[n++] = event(rseq);
    return n;
}

static inline void news(world_t *w, uint64_t from, uint64_t to)
{
    es_room_event_t events[600];
    es_room_follower_news(w->f, LOG, events, range(events, from, to), w->now);
}

/* A caption; rseq 0: a partial. */
static inline void speak(world_t *w, uint64_t rseq, const char *stream, uint64_t at_ms, uint64_t end)
{
    es_room_event_t e = {.rseq = rseq,
                         .type = rseq > 0 ? ES_EVENT_CAPTION : ES_EVENT_PARTIAL,
                         .at_ms = at_ms,
                         .member = es_span("ann"),
                         .stream = es_span(stream),
                         .end = end};
    es_room_follower_news(w->f, LOG, &e, 1, w->now);
}

#define partial(w) speak(w, 0, "s1", ++(w)->spoken_ms, 1)

static inline void state_of(world_t *w, uint64_t last, uint64_t floor)
{
    es_room_follower_state(w->f, LOG, last, floor, w->now);
}

/* Events from..to; none where to < from. */
static inline void answer(world_t *w, uint64_t id, uint64_t last, uint64_t floor, uint64_t from, uint64_t to)
{
    es_room_event_t events[600];
    es_room_follower_fetched(w->f, LOG, id, last, floor, events, range(events, from, to), w->now);
}

static const char *out(world_t *w)
{
    static char text[sizeof w->out];
    memcpy(text, w->out, sizeof text);
    w->out[0] = '\0';
    return text;
}

static const char *asked(world_t *w)
{
    static char text[sizeof w->asked];
    memcpy(text, w->asked, sizeof text);
    w->asked[0] = '\0';
    return text;
}

static inline void pass(world_t *w, uint64_t us)
{
    uint64_t end = w->now + us, at;
    while ((at = es_room_follower_tick(w->f, w->now)) <= end) w->now = at;
    w->now = end;
}

/* Level after 1..at of a log that began empty. */
static inline void follow(world_t *w, uint64_t at)
{
    state_of(w, 0, 1);
    if (at > 0) news(w, 1, at);
    assert_true(es_room_follower_level(w->f));
    assert_int_equal(es_room_follower_at(w->f), at);
    out(w);
    assert_string_equal(asked(w), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

#endif
