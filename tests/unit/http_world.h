/* A connection without a socket: what the client says is put in, what it gets is kept, time is set. */
#ifndef ES_TEST_HTTP_WORLD_H
#define ES_TEST_HTTP_WORLD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "http/http_conn.h"

#define WORLD_SECOND UINT64_C(1000000)

typedef struct {
    es_http_env_t env;
    es_http_exchange_t *x;
    es_conn_state_t state;
    void (*serve)(es_http_exchange_t *x);
    uint64_t now_us;
    const char *in;
    size_t in_len, out_len, out_room; /* out_room: bytes that the socket takes until it is set again */
    bool guarded;                     /* requests wait at the door until world_admit */
    bool eof, broken, reading, writing, half_closed, marked;
    unsigned requests;
    char out[1 << 20];
} world_t;

static ssize_t world_read(void *io, void *data, size_t cap)
{
    world_t *world = io;
    if (world->broken) return ES_HTTP_IO_BROKEN;
    if (!world->in_len) return world->eof ? 0 : ES_HTTP_IO_NONE;
    size_t n = cap < world->in_len ? cap : world->in_len;
    memcpy(data, world->in, n);
    world->in += n;
    world->in_len -= n;
    return (ssize_t)n;
}

static ssize_t world_write(void *io, const void *data, size_t len)
{
    world_t *world = io;
    size_t n = len < world->out_room ? len : world->out_room;
    if (world->broken) return ES_HTTP_IO_BROKEN;
    if (n > sizeof world->out - world->out_len - 1) n = sizeof world->out - world->out_len - 1;
    if (!n) return ES_HTTP_IO_NONE;
    memcpy(world->out + world->out_len, data, n);
    world->out_len += n;
    world->out[world->out_len] = 0;
    world->out_room -= n;
    return (ssize_t)n;
}

static void world_half_close(void *io)
{
    ((world_t *)io)->half_closed = true;
}

static void world_want(void *io, bool reading, bool writing)
{
    world_t *world = io;
    world->reading = reading;
    world->writing = writing;
}

static void world_mark(void *io)
{
    ((world_t *)io)->marked = true;
}

static bool world_enter(void *io, es_http_exchange_t *x)
{
    (void)x;
    return !((world_t *)io)->guarded;
}

static void world_request(void *io, es_http_exchange_t *x)
{
    world_t *world = io;
    world->requests++;
    if (world->serve) world->serve(x);
}

static inline world_t *world_new(void (*serve)(es_http_exchange_t *x))
{
    static const es_http_io_ops_t ops = {.read = world_read,
                                         .write = world_write,
                                         .half_close = world_half_close,
                                         .want = world_want,
                                         .mark = world_mark,
                                         .enter = world_enter,
                                         .request = world_request};
    world_t *world = calloc(1, sizeof *world);
    if (!world) abort();
    world->env = (es_http_env_t){.io_ops = &ops,
                                 .head_us = 10 * WORLD_SECOND,
                                 .body_us = 30 * WORLD_SECOND,
                                 .idle_us = 15 * WORLD_SECOND,
                                 .send_us = 20 * WORLD_SECOND,
                                 .linger_us = 5 * WORLD_SECOND,
                                 .date = "Sun, 06 Nov 1994 08:49:37 GMT"};
    world->serve = serve;
    world->now_us = WORLD_SECOND;
    world->out_room = SIZE_MAX;
    world->x = es_http_conn_new(&world->env, world, world->now_us);
    return world;
}

/* As the loop would: readiness, marks and time lead to runs. */
static inline void world_run(world_t *world)
{
    world->state = es_http_conn_run(world->x, false, world->now_us);
    for (int i = 0; i < 100000 && world->state == ES_CONN_OPEN; i++) {
        bool readable = world->reading && (world->in_len || world->eof || world->broken);
        bool writable = world->writing && (world->out_room || world->broken);
        if (!readable && !writable && !world->marked) break;
        world->marked = false;
        world->state = es_http_conn_run(world->x, readable, world->now_us);
    }
}

static inline void world_say_bytes(world_t *world, const char *bytes, size_t len)
{
    world->in = bytes;
    world->in_len = len;
    world_run(world);
}

static inline void world_say(world_t *world, const char *text)
{
    world_say_bytes(world, text, strlen(text));
}

static inline void world_admit(world_t *world)
{
    es_http_conn_admit(world->x);
    world_run(world);
}

static inline void world_wait(world_t *world, uint64_t us)
{
    world->now_us += us;
    world_run(world);
}

/* Forgets what has come so far. */
static inline void world_forget(world_t *world)
{
    world->out_len = 0;
    world->out[0] = 0;
}

static inline bool world_got(const world_t *world, const char *text)
{
    return strstr(world->out, text) != NULL;
}

/* The status of the first answer that is not 100, 0 where there is none. */
static inline unsigned world_status(const world_t *world)
{
    const char *at = world->out;
    unsigned status = 0;
    while (sscanf(at, "HTTP/1.1 %u", &status) == 1 && status == 100) at = strstr(at, "\r\n\r\n") + 4;
    return status == 100 ? 0 : status;
}

/* Behind the head of the last answer. */
static inline const char *world_body(const world_t *world)
{
    const char *body = "", *at = world->out;
    for (const char *next; (next = strstr(at, "\r\n\r\n")); at = next + 4) body = next + 4;
    return body;
}

static inline void world_destroy(world_t *world)
{
    es_http_conn_destroy(&world->x);
    free(world);
}

/* ---- a handler that takes every request and keeps what it hears */

static struct {
    es_http_exchange_t *x;
    char body[4096];
    size_t body_len;
    unsigned ends, rooms, overs;
    bool answered;
} world_heard;

static void world_on_body(void *handler, es_http_exchange_t *x, const void *data, size_t len)
{
    (void)handler;
    (void)x;
    assert_true(len > 0 && len <= ES_HTTP_BODY_READ);
    size_t keep = sizeof world_heard.body - 1 - world_heard.body_len;
    if (len < keep) keep = len;
    memcpy(world_heard.body + world_heard.body_len, data, keep);
    world_heard.body_len += keep;
}

static void world_on_end(void *handler, es_http_exchange_t *x)
{
    (void)handler;
    (void)x;
    world_heard.ends++;
}

static void world_on_room(void *handler, es_http_exchange_t *x)
{
    (void)handler;
    (void)x;
    world_heard.rooms++;
}

static void world_on_over(void *handler, bool answered)
{
    assert_ptr_equal(handler, &world_heard);
    world_heard.overs++;
    world_heard.answered = answered;
    world_heard.x = NULL;
}

static inline void world_take(es_http_exchange_t *x)
{
    static const es_http_handler_ops_t ops = {
        .body = world_on_body, .end = world_on_end, .room = world_on_room, .over = world_on_over};
    memset(&world_heard, 0, sizeof world_heard);
    world_heard.x = x;
    es_http_take(x, &ops, &world_heard, 100000);
}

/* And answers at last. */
static inline void world_finish(world_t *world)
{
    es_http_reply(world_heard.x, 200, "text/plain", NULL, "done", 4);
    world_run(world);
}

#endif
