/* A world for one client of the edge: no sockets, no broker, time by hand. What the client sends to the house and to its socket is
 * kept, and the house's answers are made up by the test. */
#ifndef EDGE_WORLD_H
#define EDGE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"

#define WORLD_ID "abcdef0123456789"

typedef struct {
    es_client_env_t env;
    es_client_t *client;
    es_msg_t sent[4096]; /* frames; spans are not valid */
    size_t sent_len[4096];
    unsigned sent_count;
    unsigned flushes, throttles, unthrottles, close_code, closes;
    char *said; /* the last message taken */
} world_t;

static inline int world_broker(void *ctx, es_span_t key)
{
    (void)ctx;
    (void)key;
    return 0;
}

static inline void world_send(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    world_t *w = ctx;
    (void)body;
    assert_int_equal(broker, 0);
    assert_int_equal(key.len, ES_CLIENT_ID_LEN);
    assert_true(w->sent_count < 4096);
    w->sent[w->sent_count] = *msg;
    w->sent_len[w->sent_count++] = len;
}

static inline void world_flush(void *ctx, es_client_t *client)
{
    (void)client;
    ((world_t *)ctx)->flushes++;
}

static inline void world_throttle(void *ctx, es_client_t *client, bool stop)
{
    (void)client;
    if (stop)
        ((world_t *)ctx)->throttles++;
    else
        ((world_t *)ctx)->unthrottles++;
}

static inline void world_close(void *ctx, es_client_t *client, unsigned code, const char *reason)
{
    world_t *w = ctx;
    (void)client;
    assert_true(strlen(reason) > 5);
    w->close_code = code;
    w->closes++;
}

static inline void world_random(void *ctx, char *out, size_t digits)
{
    (void)ctx;
    memset(out, '7', digits);
}

/* Nobody is in it. */
static inline world_t *world_empty(void)
{
    world_t *w = calloc(1, sizeof *w);
    w->env = (es_client_env_t){.ctx = w,
                               .limits = {.max_chunk = 1 << 20,
                                          .max_message = (1 << 20) + 4096,
                                          .max_text = 65536,
                                          .max_fragments = 1024,
                                          .max_depth = 16,
                                          .max_queue = 1 << 20},
                               .now_us = 1000000,
                               .wall_ms = 1234567890123,
                               .broker = world_broker,
                               .send = world_send,
                               .flush = world_flush,
                               .throttle = world_throttle,
                               .close = world_close,
                               .random_hex = world_random};
    return w;
}

static inline world_t *world_new(const es_dialect_t *dialect, const char *query)
{
    world_t *w = world_empty();
    w->client = es_client_new(&w->env, WORLD_ID, dialect, query, NULL, w);
    return w;
}

static inline void world_destroy(world_t *w)
{
    es_client_destroy(&w->client);
    assert_null(w->client);
    assert_int_equal(w->env.timers.count, 0);
    es_client_env_fini(&w->env);
    free(w->said);
    free(w);
}

/* The next message on its way to the client, "" where there is none. Valid until the next call. */
static inline const char *world_said(world_t *w)
{
    uint8_t *data;
    size_t n = es_frame_buf_peek(&w->client->out, 1, &data);
    free(w->said);
    w->said = calloc(1, n + 1);
    if (n) {
        size_t header = data[1] < 126 ? 2 : data[1] == 126 ? 4 : 10;
        assert_int_equal(data[0], 0x81);
        memcpy(w->said, data + header, n - header);
        es_client_written(w->client, n);
    }
    return w->said;
}

static inline unsigned world_text(world_t *w, const char *text)
{
    return es_client_piece(w->client, text, strlen(text), 0, true, false);
}

static inline unsigned world_chunk(world_t *w, size_t len)
{
    uint8_t *data = calloc(1, len + 1);
    unsigned code = es_client_piece(w->client, data, len, 0, true, true);
    free(data);
    return code;
}

/* The house commits from..to with these words, through this broker. */
static inline void world_final_through(world_t *w, int broker, uint64_t from, uint64_t to, const char *text,
                                       uint64_t flags)
{
    es_msg_t msg = {.version = ES_VERSION, .kind = ES_FINAL, .epoch = w->sent[w->sent_count - 1].epoch, .seq = to};
    ES_SET(&msg, ES_M_INC, inc, 42);
    ES_SET(&msg, ES_M_EXPECTED, expected, to + 1);
    ES_SET(&msg, ES_M_COMMITTED, committed, to);
    ES_SET(&msg, ES_M_FROM, from_seq, from);
    ES_SET(&msg, ES_M_TO, to_seq, to);
    ES_SET(&msg, ES_M_FLAGS, flags, flags);
    ES_SET(&msg, ES_M_TEXT, text, es_span(text));
    ES_SET(&msg, ES_M_START, start, 16000);
    ES_SET(&msg, ES_M_END, end, 32000);
    ES_SET(&msg, ES_M_CONFIDENCE, confidence, 875);
    ES_SET(&msg, ES_M_CHECKPOINT, checkpoint, es_span("ckp"));
    es_client_receive(w->client, broker, &msg, NULL, 0);
}

static inline void world_final(world_t *w, uint64_t from, uint64_t to, const char *text, uint64_t flags)
{
    world_final_through(w, 0, from, to, text, flags);
}

/* The last frame sent has these flags. */
static inline bool world_sent(const world_t *w, uint64_t flags)
{
    return w->sent_count && (w->sent[w->sent_count - 1].flags & flags) == flags;
}

#endif
