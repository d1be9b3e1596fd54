/* A session of `earshot chat` on a clock that a test turns, and everything that it does, as text. Header-only. */
#ifndef ES_CHAT_WORLD_H
#define ES_CHAT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_session.h"

#define MS UINT64_C(1000)
#define S UINT64_C(1000000)

typedef struct {
    es_chat_options_t options;
    es_chat_session_t *session;
    uint64_t now, wake;
    bool full; /* the connection takes nothing more */
    char did[20000];
} chat_world_t;

__attribute__((format(printf, 2, 3))) static inline void chat_did(chat_world_t *w, const char *format, ...)
{
    size_t len = strlen(w->did);
    va_list args;
    va_start(args, format);
    vsnprintf(w->did + len, sizeof w->did - len, format, args);
    va_end(args);
}

static inline void chat_connect(void *ctx, size_t address)
{
    chat_did(ctx, "connect %zu\n", address);
}

static inline void chat_drop(void *ctx)
{
    chat_did(ctx, "drop\n");
}

static inline void chat_close(void *ctx)
{
    chat_did(ctx, "close\n");
}

/* Shown without timestamps: {"type":"ping","payload":{} */
static inline int chat_send(void *ctx, const char *text)
{
    chat_world_t *w = ctx;
    if (w->full) return -1;
    const char *end = strstr(text, ",\"timestamp\"");
    assert_non_null(end);
    chat_did(w, "> %.*s\n", (int)(end - text), text);
    return 0;
}

/* The type, and what makes it this one. */
static inline void chat_show(void *ctx, const es_message_t *m)
{
    const char *type = m->line + strlen("{\"type\":\"");
    chat_did(ctx, "show %.*s", (int)strcspn(type, "\""), type);
    if (m->rseq) chat_did(ctx, " %llu", (unsigned long long)m->rseq);
    chat_did(ctx, "%s%s\n", *m->text ? " " : "", m->text);
}

static inline void chat_note(void *ctx, es_chat_weight_t weight, const char *text)
{
    chat_did(ctx, "%s %s\n", weight == ES_CHAT_WARNING ? "warn" : "note", text);
}

static inline void chat_world_open(chat_world_t *w)
{
    static const char *const addresses[] = {"ws://a/ws", "ws://b/ws"};
    static const es_chat_ops_t ops = {.connect = chat_connect,
                                      .drop = chat_drop,
                                      .close = chat_close,
                                      .send = chat_send,
                                      .show = chat_show,
                                      .note = chat_note};
    *w = (chat_world_t){.options = {.room = "lobby",
                                    .name = "Ann",
                                    .addresses = addresses,
                                    .address_count = 2,
                                    .connect_us = 10 * S,
                                    .silence_us = 15 * S,
                                    .wait_us = 60 * S,
                                    .history = 50,
                                    .pending = 256,
                                    .seed = 0xabc},
                        .now = S};
    w->session = es_chat_session_new(&w->options, &ops, w);
}

static inline void chat_world_close(chat_world_t *w)
{
    es_chat_session_destroy(&w->session);
}

static inline void chat_tick(chat_world_t *w)
{
    w->wake = es_chat_session_tick(w->session, w->now);
}

static inline void chat_at(chat_world_t *w, uint64_t us)
{
    w->now += us;
    chat_tick(w);
}

/* The server says this. */
__attribute__((format(printf, 3, 4))) static inline void chat_hear(chat_world_t *w, const char *type,
                                                                   const char *payload, ...)
{
    char text[4000], fields[3000];
    es_message_t m;
    va_list args;
    va_start(args, payload);
    vsnprintf(fields, sizeof fields, payload, args);
    va_end(args);
    int n = snprintf(text, sizeof text, "{\"type\":\"%s\",\"payload\":{%s},\"timestamp\":1}", type, fields);
    es_message_parse(&m, text, (size_t)n);
    es_chat_session_hear(w->session, &m, w->now);
    es_message_fini(&m);
    chat_tick(w);
}

static inline void chat_open(chat_world_t *w)
{
    es_chat_session_open(w->session, w->now);
    chat_tick(w);
}

static inline void chat_down(chat_world_t *w, const char *why)
{
    es_chat_session_down(w->session, why, w->now);
    chat_tick(w);
}

static inline void chat_say(chat_world_t *w, const char *line)
{
    assert_int_equal(es_chat_session_say(w->session, line, strlen(line)), 0);
    chat_tick(w);
}

/* What was done since the last time. */
static inline void chat_check(chat_world_t *w, const char *expected)
{
    assert_string_equal(w->did, expected);
    *w->did = '\0';
}

static inline void chat_forget(chat_world_t *w)
{
    *w->did = '\0';
}

/* A world that is inside, with nothing done yet. */
static inline void chat_world_inside(chat_world_t *w)
{
    chat_world_open(w);
    chat_tick(w);
    chat_open(w);
    chat_hear(w, "welcome", "\"session\":\"s1\",\"token\":\"t1\"");
    chat_hear(w, "room.joined",
              "\"room\":\"lobby\",\"log\":\"L\",\"rseq\":0,\"member\":\"s1\",\"name\":\"Ann\",\"members\":[],"
              "\"history\":{\"from\":1,\"complete\":true}");
    assert_true(es_chat_session_inside(w->session));
    chat_forget(w);
}

#endif
