/* A world for the rooms of an edge: clients without sockets, a room actor made up by the test, time by hand. */
#ifndef ROOM_WORLD_H
#define ROOM_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "envelope_ws.h"
#include "rooms/edge_rooms.h"

#define LOG UINT64_C(0xabc)
#define OWN_KEY "abcdef0000000000"
#define IN_LOBBY "{\"room\":\"lobby\"}"
#define JOIN_LOBBY "{\"room\":\"lobby\",\"name\":\"Ann\"}"
enum { CLIENTS = 4, REQUESTS = 4096 };

typedef struct {
    uint32_t kind;
    uint64_t seq, base, from, count;
    char client[17], session[65], name[65], msg_id[129], text[3100], stream[65];
    size_t body_len;
    char body[4096];
} request_t;

typedef struct {
    es_client_env_t env;
    es_client_t *clients[CLIENTS];
    request_t requests[REQUESTS];
    unsigned request_count, taken; /* those looked at by the test */
    int subscribed;
    unsigned close_code[CLIENTS];
    bool woken[CLIENTS];
    char *said;
    uint64_t rseq; /* last event made up */
} room_world_t;

static inline void copy_text(char *out, size_t cap, es_span_t span)
{
    snprintf(out, cap, "%.*s", (int)span.len, span.len ? span.ptr : "");
}

static inline void rw_send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    room_world_t *w = ctx;
    es_span_t id;
    assert_true(es_room_of_key(key, &id));
    assert_true(w->request_count < REQUESTS);
    assert_int_equal(es_catalogue_check(msg, len), ES_CHECK_OK);
    request_t *r = &w->requests[w->request_count++];
    *r = (request_t){.kind = msg->kind, .seq = msg->seq, .base = msg->base, .from = msg->from_seq, .count = msg->count};
    copy_text(r->client, sizeof r->client, msg->client);
    copy_text(r->session, sizeof r->session, msg->session);
    copy_text(r->name, sizeof r->name, msg->name);
    copy_text(r->msg_id, sizeof r->msg_id, msg->msg_id);
    copy_text(r->text, sizeof r->text, msg->text);
    copy_text(r->stream, sizeof r->stream, msg->stream);
    r->body_len = len < sizeof r->body ? len : 0;
    if (r->body_len) memcpy(r->body, body, r->body_len);
}

static inline void rw_subscribe(void *ctx, es_span_t key, bool on)
{
    (void)key;
    ((room_world_t *)ctx)->subscribed += on ? 1 : -1;
}

static inline int rw_index(room_world_t *w, const es_client_t *client)
{
    for (int i = 0; i < CLIENTS; i++)
        if (w->clients[i] == client) return i;
    return CLIENTS; /* being made */
}

static inline int rw_broker(void *ctx, es_span_t key)
{
    (void)ctx;
    (void)key;
    return 0;
}

static inline void rw_frame(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    (void)ctx, (void)broker, (void)key, (void)msg, (void)body, (void)len;
}

static inline void rw_flush(void *ctx, es_client_t *client)
{
    room_world_t *w = ctx;
    int i = rw_index(w, client);
    if (i < CLIENTS) w->woken[i] = true;
}

static inline void rw_throttle(void *ctx, es_client_t *client, bool stop)
{
    (void)ctx, (void)client, (void)stop;
}

static inline void rw_close(void *ctx, es_client_t *client, unsigned code, const char *reason)
{
    room_world_t *w = ctx;
    assert_non_null(reason);
    w->close_code[rw_index(w, client)] = code;
}

static inline void rw_random(void *ctx, char *out, size_t digits)
{
    static unsigned n;
    (void)ctx;
    memset(out, '0', digits);
    out[digits - 1] = "0123456789abcdef"[n++ % 16];
}

static inline room_world_t *rw_new(void)
{
    room_world_t *w = calloc(1, sizeof *w);
    const es_edge_rooms_ops_t ops = {.ctx = w, .send = rw_send, .subscribe = rw_subscribe};
    const es_edge_rooms_limits_t limits = {.max_rooms = 3, .max_room_members = 3, .backlog = 200000};
    w->env = (es_client_env_t){.ctx = w,
                               .limits = {.max_chunk = 1 << 20,
                                          .max_message = 1 << 21,
                                          .max_text = 65536,
                                          .max_fragments = 1024,
                                          .max_depth = 16,
                                          .max_queue = 1 << 20,
                                          .max_rooms = 2,
                                          .say_rate = 10,
                                          .say_burst = 100,
                                          .caption_us = 30000000,
                                          .session_ms = 86400000},
                               .now_us = 1000000,
                               .wall_ms = 1700000000000,
                               .broker = rw_broker,
                               .send = rw_frame,
                               .flush = rw_flush,
                               .throttle = rw_throttle,
                               .close = rw_close,
                               .random_hex = rw_random};
    w->env.rooms = es_edge_rooms_new(&limits, &ops, &w->env, OWN_KEY);
    return w;
}

/* The next message to client i, "" where there is none. Valid until the next call. */
static inline const char *rw_said(room_world_t *w, int i)
{
    const uint8_t *data;
    static char *next[CLIENTS], *at[CLIENTS];
    free(w->said);
    w->said = calloc(1, 1);
    if (!at[i] || !*at[i]) {
        /* What lies together is taken together, as a socket would. */
        es_client_next(w->clients[i], 1, &data);
        size_t n = es_client_next(w->clients[i], 65536, &data), len = 0;
        free(next[i]);
        at[i] = next[i] = calloc(1, n + 1);
        for (size_t p = 0; p < n;) {
            size_t size = data[p + 1] < 126 ? data[p + 1] : (size_t)data[p + 2] << 8 | data[p + 3];
            size_t head = data[p + 1] < 126 ? 2 : 4;
            assert_int_equal(data[p], 0x81);
            assert_true(data[p + 1] < 127 && p + head + size <= n);
            memcpy(next[i] + len, data + p + head, size);
            len += size;
            next[i][len++] = '\n';
            p += head + size;
        }
        if (n) es_client_written(w->clients[i], n);
    }
    char *end = strchr(at[i], '\n');
    if (!end) {
        free(next[i]);
        next[i] = at[i] = NULL;
        return w->said;
    }
    free(w->said);
    w->said = strndup(at[i], (size_t)(end - at[i]));
    at[i] = end + 1;
    if (!*at[i]) {
        free(next[i]);
        next[i] = at[i] = NULL;
    }
    return w->said;
}

#define expect_said(w, i, part)                                                                     \
    do {                                                                                            \
        const char *got = rw_said((w), (i));                                                        \
        if (!strstr(got, (part))) fail_msg("client %d: expected %s, got \"%s\"", (i), (part), got); \
    } while (0)
#define expect_silence(w, i) assert_string_equal(rw_said((w), (i)), "")

static inline void rw_connect(room_world_t *w, int i)
{
    char id[] = "abcdef0000000000";
    id[15] = (char)('1' + i);
    w->clients[i] = es_client_new(&w->env, id, &es_envelope_ws, "", NULL, w);
    expect_said(w, i, "welcome");
}

static inline void rw_gone(room_world_t *w, int i)
{
    es_client_destroy(&w->clients[i]);
}

static inline void rw_destroy(room_world_t *w)
{
    for (int i = 0; i < CLIENTS; i++)
        if (w->clients[i]) rw_gone(w, i);
    assert_int_equal(w->subscribed, 0);
    es_edge_rooms_destroy(&w->env.rooms);
    es_client_env_fini(&w->env);
    free(w->said);
    free(w);
}

static inline void rw_text(room_world_t *w, int i, const char *type, const char *payload)
{
    char text[8192];
    snprintf(text, sizeof text, "{\"type\":\"%s\",\"payload\":%s,\"timestamp\":0}", type, payload);
    assert_int_equal(es_client_piece(w->clients[i], text, strlen(text), 0, true, false), 0);
}

static inline void rw_turn(room_world_t *w, uint64_t later_us)
{
    w->env.now_us += later_us;
    es_edge_rooms_turn(w->env.rooms);
}

/* The next request of this kind that the test has not looked at yet, others are passed over. NULL: there is none. */
static inline request_t *rw_request(room_world_t *w, uint32_t kind)
{
    while (w->taken < w->request_count)
        if (w->requests[w->taken++].kind == kind) return &w->requests[w->taken - 1];
    return NULL;
}

static inline es_msg_t rw_about(const char *room, uint32_t kind, uint64_t seq, uint64_t rseq, uint64_t floor)
{
    es_msg_t msg = {.version = ES_VERSION, .kind = kind, .seq = seq};
    ES_SET(&msg, ES_M_ROOM, room, es_span(room));
    ES_SET(&msg, ES_M_LOG, log, LOG);
    ES_SET(&msg, ES_M_RSEQ, rseq, rseq);
    ES_SET(&msg, ES_M_FLOOR, floor, floor);
    return msg;
}

static inline void rw_done(room_world_t *w, int i, const char *room, uint64_t seq, uint64_t rseq, uint64_t floor)
{
    char body[512];
    const es_room_member_t members[] = {{es_span("abcdef0000000001"), es_span("s1"), es_span("Ann")}};
    size_t len = es_room_members_encode(members, 1, body, sizeof body);
    es_msg_t msg = rw_about(room, ES_ROOM_DONE, seq, rseq, floor);
    es_client_answer(w->clients[i], &msg, body, len);
}

/* Events from..to as messages "m<rseq>". */
static inline size_t rw_events(es_room_event_t *events, char texts[][16], uint64_t from, uint64_t to)
{
    size_t n = 0;
    for (uint64_t r = from; r <= to; r++, n++) {
        snprintf(texts[n], 16, "m%llu", (unsigned long long)r);
        events[n] = (es_room_event_t){.rseq = r,
                                      .type = ES_EVENT_MESSAGE,
                                      .at_ms = 5,
                                      .member = es_span("s1"),
                                      .name = es_span("Ann"),
                                      .text = es_span(texts[n]),
                                      .msg_id = es_span(texts[n])};
    }
    return n;
}

static inline void rw_news(room_world_t *w, const char *room, uint64_t from, uint64_t to)
{
    static char body[65536], texts[512][16];
    es_room_event_t events[512];
    size_t len = es_room_events_encode(events, rw_events(events, texts, from, to), body, sizeof body);
    es_msg_t msg = {.version = ES_VERSION, .kind = ES_ROOM_NEWS};
    ES_SET(&msg, ES_M_LOG, log, LOG);
    es_edge_rooms_news(w->env.rooms, es_span(room), &msg, body, len);
}

/* The answer to a fetch: to the edge itself (client < 0), or to a client. */
static inline void rw_fetched_of(room_world_t *w, int client, const char *room, uint64_t id, uint64_t from, uint64_t to,
                                 uint64_t last, uint64_t floor, uint64_t log)
{
    static char body[65536], texts[512][16];
    es_room_event_t events[512];
    size_t len = es_room_events_encode(events, rw_events(events, texts, from, to), body, sizeof body);
    es_msg_t msg = rw_about(room, ES_ROOM_EVENTS, id, last, floor);
    msg.log = log;
    if (client < 0)
        es_edge_rooms_answer(w->env.rooms, &msg, body, len);
    else
        es_client_answer(w->clients[client], &msg, body, len);
}

static inline void rw_fetched(room_world_t *w, int client, const char *room, uint64_t id, uint64_t from, uint64_t to,
                              uint64_t last, uint64_t floor)
{
    rw_fetched_of(w, client, room, id, from, to, last, floor, LOG);
}

/* Client i joins a room whose last event is `last`; all older ones are kept. The follower has what it asks for. */
static inline void rw_enter(room_world_t *w, int i, uint64_t last)
{
    rw_text(w, i, "room.join", JOIN_LOBBY);
    request_t *join = rw_request(w, ES_ROOM_JOIN);
    assert_non_null(join);
    rw_done(w, i, "lobby", join->seq, last, 1);
    unsigned taken = w->taken;
    request_t *fetch = rw_request(w, ES_ROOM_FETCH);
    if (fetch)
        rw_fetched(w, -1, "lobby", fetch->seq, fetch->from, last, last, 1);
    else
        w->taken = taken;
    rw_turn(w, 0);
}

static inline void rw_drain(room_world_t *w, int i)
{
    while (*rw_said(w, i)) {
    }
}

#endif
