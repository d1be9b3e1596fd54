/* A whole connection: the first bytes say how the socket, the handler and the clock behave, the rest is what the client sends. Whatever comes, every handler
 * hears of its end once, nothing is read from a connection that is over, and the connection ends when its time is up. */
#include <stdlib.h>
#include <string.h>

#include "http/http_conn.h"

#define SECOND UINT64_C(1000000)

enum { SCRIPT = 8, TURNS = 400, BODY_MAX = 3000 };

typedef struct {
    es_http_exchange_t *x; /* the exchange that is open, NULL where none is */
    const uint8_t *script, *data;
    size_t size, writable;
    unsigned at, takes, overs;
    bool reading, writing, answered;
} world_t;

/* The script goes round. */
static unsigned pick(world_t *world)
{
    world->at++;
    return world->script[world->at % SCRIPT] + world->at / SCRIPT;
}

static ssize_t io_read(void *io, void *data, size_t cap)
{
    world_t *world = io;
    size_t n = 1 + pick(world) * 7;
    if (n > cap) n = cap;
    if (n > world->size) n = world->size;
    if (!n) return pick(world) % 4 ? ES_HTTP_IO_NONE : pick(world) % 2 ? 0 : ES_HTTP_IO_BROKEN;
    memcpy(data, world->data, n);
    world->data += n;
    world->size -= n;
    return (ssize_t)n;
}

static ssize_t io_write(void *io, const void *data, size_t len)
{
    world_t *world = io;
    (void)data;
    size_t n = len < world->writable ? len : world->writable;
    world->writable -= n;
    if (n) return (ssize_t)n;
    return pick(world) % 32 ? ES_HTTP_IO_NONE : ES_HTTP_IO_BROKEN;
}

static void io_half_close(void *io)
{
    (void)io;
}

static void io_want(void *io, bool reading, bool writing)
{
    world_t *world = io;
    world->reading = reading;
    world->writing = writing;
}

static void io_mark(void *io)
{
    (void)io;
}

static void answer(world_t *world, es_http_exchange_t *x)
{
    char parameter[16];
    static const char piece[700];
    unsigned how = pick(world) % 4;
    if (es_http_begun(x) || world->answered) return;
    world->answered = true;
    (void)es_http_parameter(x, "a", parameter, sizeof parameter);
    if (how == 0) es_http_refuse(x, 409, "no", "%u", how);
    if (how == 1) es_http_reply(x, 200, "text/plain", NULL, piece, sizeof piece);
    if (how < 2) return;
    es_http_begin(x, 200, NULL, NULL, how == 2 ? -1 : (int64_t)sizeof piece);
    es_http_write(x, piece, how == 2 ? 1 + pick(world) % (unsigned)sizeof piece : sizeof piece);
    if (pick(world) % 8 == 0)
        es_http_abort(x);
    else
        es_http_finish(x);
}

static void on_body(void *handler, es_http_exchange_t *x, const void *data, size_t len)
{
    world_t *world = handler;
    (void)data;
    if (x != world->x || !len || len > ES_HTTP_BODY_READ) abort();
    if (pick(world) % 4 == 0) es_http_pause(x, true);
    if (pick(world) % 8 == 0) answer(world, x);
}

static void on_end(void *handler, es_http_exchange_t *x)
{
    if (pick(handler) % 2) answer(handler, x);
}

static void on_over(void *handler, bool answered)
{
    world_t *world = handler;
    (void)answered;
    if (!world->x) abort();
    world->x = NULL;
    world->overs++;
}

static bool io_enter(void *io, es_http_exchange_t *x)
{
    (void)x;
    return pick(io) % 4;
}

static void io_request(void *io, es_http_exchange_t *x)
{
    static const es_http_handler_ops_t ops = {.body = on_body, .end = on_end, .over = on_over};
    world_t *world = io;
    unsigned how = pick(world) % 8;
    if (world->x) abort();
    world->answered = false;
    if (how == 0) return;
    if (how == 1) {
        es_http_reply(x, 404, NULL, NULL, NULL, 0);
        return;
    }
    world->x = x;
    world->takes++;
    es_http_take(x, &ops, world, BODY_MAX);
}

/* What a handler may do at any time. */
static void interfere(world_t *world)
{
    unsigned how = pick(world) % 4;
    if (!world->x) return;
    if (how < 2) es_http_pause(world->x, false);
    if (how == 2) answer(world, world->x);
}

static es_conn_state_t play(world_t *world, es_http_exchange_t *x)
{
    uint64_t now_us = SECOND;
    es_conn_state_t state = es_http_conn_run(x, true, now_us);
    for (int i = 0; i < TURNS && state == ES_CONN_OPEN; i++) {
        now_us += pick(world) * 1000;
        world->writable += pick(world) * 4;
        interfere(world);
        if (pick(world) % 2) es_http_conn_admit(x);
        state = es_http_conn_run(x, world->reading && pick(world) % 8, now_us);
    }
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const es_http_io_ops_t ops = {io_read, io_write, io_half_close, io_want,
                                         io_mark, io_enter, io_request,    NULL};
    es_http_env_t env = {.io_ops = &ops,
                         .head_us = SECOND,
                         .body_us = SECOND,
                         .body_least = 64,
                         .idle_us = SECOND,
                         .send_us = SECOND,
                         .linger_us = SECOND,
                         .date = "now"};
    if (size < SCRIPT) return 0;
    world_t world = {.script = data, .data = data + SCRIPT, .size = size - SCRIPT};
    es_http_exchange_t *x = es_http_conn_new(&env, &world, SECOND);
    if (play(&world, x) != ES_CONN_OPEN && world.x) abort();
    es_http_conn_destroy(&x);
    if (world.x || world.takes != world.overs) abort();
    return 0;
}
