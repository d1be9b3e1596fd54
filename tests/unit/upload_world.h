/* Uploads without sockets: exchanges that keep what was answered, a house that keeps what was sent, time by hand. Defines the functions of http_exchange.h itself. */
#ifndef UPLOAD_WORLD_H
#define UPLOAD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/uploads.h"

#define MIB 1048576u
#define SECONDS(n) ((uint64_t)((n)*1000000))
#define JOB "01234567-89ab-4cde-8f01-23456789abcd"
#define ACCEPTED "{\"job\":\"" JOB "\"}"

/* ---- an exchange */

struct es_http_exchange {
    const char *query, *type, *key, *principal, *peer;
    int64_t length; /* -2: no body */
    const es_http_handler_ops_t *ops;
    void *handler;
    uint64_t max_body;
    bool paused, begun, finished, aborted, full;
    unsigned status, pauses;
    char headers[512], *body;
    size_t body_len;
};

es_span_t es_http_query(const es_http_exchange_t *x)
{
    return es_span(x->query);
}

es_span_t es_http_method(const es_http_exchange_t *x)
{
    (void)x;
    return es_span("POST");
}

es_span_t es_http_path(const es_http_exchange_t *x)
{
    (void)x;
    return es_span("/session/s/upload");
}

es_span_t es_http_header(const es_http_exchange_t *x, const char *lower_name)
{
    return es_span(!strcmp(lower_name, "content-type")      ? x->type
                   : !strcmp(lower_name, "idempotency-key") ? x->key
                                                            : NULL);
}

const char *es_http_peer(const es_http_exchange_t *x)
{
    return x->peer ? x->peer : "";
}

const char *es_http_principal(const es_http_exchange_t *x)
{
    return x->principal ? x->principal : "";
}

int64_t es_http_body_length(const es_http_exchange_t *x)
{
    return x->length;
}

bool es_http_has_body(const es_http_exchange_t *x)
{
    return x->length != -2;
}

void es_http_take(es_http_exchange_t *x, const es_http_handler_ops_t *ops, void *handler, uint64_t max_body)
{
    x->ops = ops;
    x->handler = handler;
    x->max_body = max_body;
}

void es_http_pause(es_http_exchange_t *x, bool stop)
{
    if (stop && !x->paused) x->pauses++;
    x->paused = stop;
}

void es_http_begin(es_http_exchange_t *x, unsigned status, const char *type, const char *const *headers, int64_t length)
{
    assert_false(x->begun);
    assert_string_equal(type, "application/json");
    (void)length;
    x->begun = true;
    x->status = status;
    for (size_t i = 0; headers && headers[i]; i += 2) {
        size_t n = strlen(x->headers);
        snprintf(x->headers + n, sizeof x->headers - n, "%s: %s\n", headers[i], headers[i + 1]);
    }
}

bool es_http_write(es_http_exchange_t *x, const void *data, size_t len)
{
    assert_true(x->begun && !x->finished);
    x->body = realloc(x->body, x->body_len + len + 1);
    memcpy(x->body + x->body_len, data, len);
    x->body_len += len;
    x->body[x->body_len] = 0;
    return !x->full;
}

void es_http_finish(es_http_exchange_t *x)
{
    assert_true(x->begun && !x->finished);
    x->finished = true;
}

void es_http_reply(es_http_exchange_t *x, unsigned status, const char *type, const char *const *headers,
                   const void *body, size_t len)
{
    es_http_begin(x, status, type, headers, (int64_t)len);
    es_http_write(x, body, len);
    es_http_finish(x);
}

void es_http_abort(es_http_exchange_t *x)
{
    x->aborted = true;
}

/* ---- the house */

typedef struct {
    es_msg_t msg; /* spans are not valid, but for key */
    int broker;
    char key[ES_CLIENT_ID_LEN + 1], *body;
    size_t len;
} sent_t;

enum { SENT_MAX = 4096 };

typedef struct {
    es_client_env_t env;
    es_uploads_t *uploads;
    es_asks_t *asks;
    es_http_router_t router;
    sent_t sent[SENT_MAX];
    unsigned count;
    int broker, through; /* where streams are; where answers come from */
    uint64_t random;
    char question[256], verb[32]; /* the last */
    uint64_t question_seq;
    unsigned questions;
    char topic[ES_KEY_MAX + 1]; /* that is heard; "" none */
} world_t;

static inline int world_broker(void *ctx, es_span_t key)
{
    assert_int_equal(key.len, ES_CLIENT_ID_LEN);
    return ((world_t *)ctx)->broker;
}

static inline void world_send(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    world_t *w = ctx;
    assert_true(w->count < SENT_MAX);
    sent_t *sent = &w->sent[w->count++];
    *sent = (sent_t){.msg = *msg, .broker = broker, .len = len, .body = malloc(len + 1)};
    memcpy(sent->key, key.ptr, key.len);
    if (len) memcpy(sent->body, body, len);
    sent->body[len] = 0;
    if (msg->kind == ES_FRAME && (msg->flags & ES_F_START)) assert_true(es_span_eq(msg->service, es_span("upload")));
}

static inline void world_random(void *ctx, char *out, size_t digits)
{
    world_t *w = ctx;
    char hex[17];
    for (size_t i = 0; i < digits; i += 16) {
        snprintf(hex, sizeof hex, "%016llx", (unsigned long long)(++w->random * UINT64_C(0x9e3779b97f4a7c15)));
        memcpy(out + i, hex, digits - i < 16 ? digits - i : 16);
    }
}

static inline void world_ask(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    world_t *w = ctx;
    (void)key;
    assert_int_equal(msg->kind, ES_JOB_ASK);
    snprintf(w->question, sizeof w->question, "%.*s", (int)len, (const char *)body);
    snprintf(w->verb, sizeof w->verb, "%.*s", (int)msg->name.len, msg->name.ptr);
    w->question_seq = msg->seq;
    w->questions++;
}

static inline void world_subscribe(void *ctx, es_span_t topic, bool on)
{
    world_t *w = ctx;
    assert_int_equal(on, *w->topic == 0);
    snprintf(w->topic, sizeof w->topic, "%.*s", on ? (int)topic.len : 0, topic.ptr);
}

static const es_uploads_config_t defaults = {.max_upload = 64 * MIB,
                                             .max_uploads = 4,
                                             .memory = 16 * MIB,
                                             .sync_max = 10 * MIB,
                                             .wait_us = SECONDS(5),
                                             .stall_us = SECONDS(60),
                                             .sync_us = SECONDS(60)};

static inline world_t *world_new(const es_uploads_config_t *config)
{
    world_t *w = calloc(1, sizeof *w);
    const es_asks_ops_t ask_ops = {.ctx = w, .send = world_ask};
    w->env = (es_client_env_t){
        .ctx = w, .now_us = SECONDS(1), .broker = world_broker, .send = world_send, .random_hex = world_random};
    w->asks = es_asks_new("abcdef0000000000", &ask_ops);
    const es_uploads_ops_t ops = {.ctx = w, .subscribe = world_subscribe};
    w->uploads = es_uploads_new(config, &ops, &w->env, w->asks, "abcdef");
    return w;
}

static inline void world_destroy(world_t *w)
{
    assert_int_equal(es_uploads_count(w->uploads), 0);
    assert_string_equal(w->topic, "");
    es_uploads_destroy(&w->uploads);
    assert_int_equal(es_asks_under_way(w->asks), 0);
    es_asks_destroy(&w->asks);
    es_client_env_fini(&w->env);
    for (unsigned i = 0; i < w->count; i++) free(w->sent[i].body);
    free(w);
}

/* Time passes, to the microsecond where something is due. */
static inline void pass(world_t *w, uint64_t us)
{
    uint64_t until = w->env.now_us + us;
    for (;;) {
        uint64_t a = es_uploads_turn(w->uploads), b = es_asks_tick(w->asks, w->env.now_us), next = a < b ? a : b;
        if (next > until) break;
        if (next > w->env.now_us) w->env.now_us = next;
    }
    w->env.now_us = until;
}

/* ---- a request */

static inline void serve(world_t *w, es_http_exchange_t *x, const char *route)
{
    es_span_t ids[ES_HTTP_IDS] = {es_span("s")};
    if (!w->router.count) es_uploads_routes(w->uploads, &w->router);
    for (const es_http_route_t *r = w->router.tables[0].routes; r->method; r++)
        if (!strcmp(r->pattern, route)) r->handle(w->uploads, x, ids);
}

static inline es_http_exchange_t *request_of(world_t *w, const char *peer, const char *principal)
{
    es_http_exchange_t *x = calloc(1, sizeof *x);
    *x = (es_http_exchange_t){.type = "audio/wav", .length = -1, .peer = peer, .principal = principal};
    serve(w, x, "/session/{id}/upload");
    return x;
}

static inline es_http_exchange_t *request(world_t *w, const char *type, int64_t length, const char *query)
{
    es_http_exchange_t *x = calloc(1, sizeof *x);
    x->type = type;
    x->length = length;
    x->query = query;
    serve(w, x, "/session/{id}/upload");
    return x;
}

static inline void body(es_http_exchange_t *x, const void *data, size_t len)
{
    x->ops->body(x->handler, x, data, len);
}

/* Bytes that know where they are, in pieces of 50 000, as long as it is not paused. Returns the bytes given. */
static inline size_t stream(es_http_exchange_t *x, size_t from, size_t len)
{
    static uint8_t piece[50000];
    size_t at = from;
    while (at < from + len && !x->paused) {
        size_t n = from + len - at < sizeof piece ? from + len - at : sizeof piece;
        for (size_t i = 0; i < n; i++) piece[i] = (uint8_t)((at + i) * 31 >> 3);
        body(x, piece, n);
        at += n;
    }
    return at - from;
}

static inline void end(es_http_exchange_t *x)
{
    x->ops->end(x->handler, x);
}

/* The exchange is over, and checked. NULL: whatever was said. */
static inline void over(es_http_exchange_t *x, unsigned status, const char *said)
{
    if (x->status != status || (said && (!x->body || !strstr(x->body, said))))
        fail_msg("%u %s, not %u %s", x->status, x->body ? x->body : "", status, said ? said : "");
    if (x->ops) x->ops->over(x->handler, x->finished);
    free(x->body);
    free(x);
}

/* ---- the jobs actor */

static inline const sent_t *last(const world_t *w)
{
    assert_true(w->count > 0);
    return &w->sent[w->count - 1];
}

static inline void hear(world_t *w, const es_msg_t *msg)
{
    assert_true(es_uploads_receive(w->uploads, w->through, es_span(last(w)->key), msg, NULL, 0));
}

static inline void told(world_t *w, es_kind_t kind, uint64_t from, uint64_t to, uint64_t flags, const char *text)
{
    es_msg_t msg = {.kind = kind, .epoch = last(w)->msg.epoch, .seq = to};
    ES_SET(&msg, ES_M_INC, inc, 42);
    ES_SET(&msg, ES_M_EXPECTED, expected, to + 1);
    ES_SET(&msg, ES_M_COMMITTED, committed, kind == ES_FINAL ? to : from - 1);
    if (kind == ES_FINAL) {
        ES_SET(&msg, ES_M_FROM, from_seq, from);
        ES_SET(&msg, ES_M_TO, to_seq, to);
        ES_SET(&msg, ES_M_FLAGS, flags, flags);
        ES_SET(&msg, ES_M_TEXT, text, es_span(text));
    }
    hear(w, &msg);
}

static inline void commit(world_t *w, uint64_t from, uint64_t to, const char *text)
{
    told(w, ES_FINAL, from, to, 0, text);
}

/* From broker to sender. */
static inline void broker_says(world_t *w, es_kind_t kind)
{
    es_msg_t msg = {.kind = kind, .epoch = last(w)->msg.epoch};
    if (kind == ES_WAIT) ES_SET(&msg, ES_M_PLACE, place, 1);
    if (kind == ES_REFUSED) ES_SET(&msg, ES_M_REASON, reason, es_span("ten jobs actors died of it"));
    hear(w, &msg);
}

/* A jobs actor answers the last question. */
static inline void answer(world_t *w, unsigned status, const char *json, uint64_t more)
{
    es_msg_t msg = {.kind = ES_JOB_TOLD, .seq = w->question_seq};
    ES_SET(&msg, ES_M_COUNT, count, status);
    if (more) ES_SET(&msg, ES_M_TO, to_seq, more);
    es_asks_told(w->asks, &msg, json, strlen(json), w->env.now_us);
}

#endif
