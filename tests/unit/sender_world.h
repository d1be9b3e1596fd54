/* What the tests of the sender share: a sender with everything it says written down, and short ways to answer it. Virtual time. */
#ifndef ES_SENDER_WORLD_H
#define ES_SENDER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream_sender.h"

#define MS(n) ((uint64_t)(n)*1000u)
#define LOG_MAX 4096
#define INC 77u

typedef struct {
    es_sender_t *sender;
    uint64_t now;
    es_msg_t out[LOG_MAX]; /* transmitted */
    size_t out_len[LOG_MAX];
    char checkpoint[64], service[64], language[64]; /* of the last START */
    int n;
    char story[4096]; /* deliver, marked, done, waiting, partial, writable, in order */
    es_msg_t delivered;
    int push_in_deliver, push_in_mark;
} world_t;

static inline void tell(world_t *w, const char *what, uint64_t value)
{
    size_t at = strlen(w->story);
    snprintf(w->story + at, sizeof w->story - at, "%s%s%d", at > 0 ? " " : "", what, (int)value);
}

static inline void copy_span(char out[64], es_span_t span)
{
    assert_true(span.len < 64);
    if (span.len > 0) memcpy(out, span.ptr, span.len);
    out[span.len] = '\0';
}

static inline void on_transmit(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    (void)body;
    world_t *w = ctx;
    assert_true(w->n < LOG_MAX);
    if (msg->flags & ES_F_START) {
        copy_span(w->checkpoint, msg->checkpoint);
        copy_span(w->service, msg->service);
        copy_span(w->language, msg->language);
    }
    w->out_len[w->n] = len;
    w->out[w->n++] = *msg;
}

static inline uint64_t push(world_t *w, uint64_t flags)
{
    static const char pcm[320];
    return es_sender_push(w->sender, flags, 0, pcm, flags & ES_F_MARK ? 0 : sizeof pcm, 0, w->now);
}

static inline void on_deliver(void *ctx, const es_msg_t *final, const void *words, size_t len)
{
    (void)words;
    (void)len;
    world_t *w = ctx;
    w->delivered = *final;
    tell(w, "final", final->to_seq);
    for (; w->push_in_deliver > 0; w->push_in_deliver--) assert_true(push(w, 0) > 0);
}

static inline void on_partial(void *ctx, const es_msg_t *partial)
{
    tell(ctx, "partial", partial->to_seq);
}

static inline void on_marked(void *ctx, uint64_t seq)
{
    world_t *w = ctx;
    tell(w, "mark", seq);
    for (; w->push_in_mark > 0; w->push_in_mark--) assert_true(push(w, 0) > 0);
}

static inline void on_done(void *ctx)
{
    tell(ctx, "done", 0);
}

static inline void on_refused(void *ctx, es_span_t reason)
{
    assert_true(reason.len > 0);
    tell(ctx, "refused", 0);
}

static inline void on_writable(void *ctx)
{
    tell(ctx, "writable", 0);
}

static inline void on_waiting(void *ctx, uint64_t place)
{
    tell(ctx, "wait", place);
}

static const es_sender_ops_t sender_ops = {.transmit = on_transmit,
                                           .deliver = on_deliver,
                                           .partial = on_partial,
                                           .marked = on_marked,
                                           .done = on_done,
                                           .refused = on_refused,
                                           .writable = on_writable,
                                           .waiting = on_waiting};

static inline int sender_setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    w->now = MS(10000);
    w->sender = es_sender_new(NULL, &sender_ops, w, 0);
    *state = w;
    return 0;
}

static inline int sender_teardown(void **state)
{
    world_t *w = *state;
    es_sender_destroy(&w->sender);
    assert_null(w->sender);
    es_sender_destroy(&w->sender);
    free(w);
    return 0;
}

/* Another configuration than the defaults. */
static inline void remake(world_t *w, const es_sender_config_t *config, uint64_t last_epoch)
{
    es_sender_destroy(&w->sender);
    w->sender = es_sender_new(config, &sender_ops, w, last_epoch);
}

static inline es_sender_stats_t stats(const world_t *w)
{
    es_sender_stats_t s;
    es_sender_stats(w->sender, &s);
    return s;
}

static inline void push_n(world_t *w, int n)
{
    for (int i = 0; i < n; i++) assert_true(push(w, 0) > 0);
}

static inline void receive(world_t *w, const es_msg_t *msg)
{
    es_sender_receive(w->sender, msg, NULL, 0, w->now);
}

static inline es_msg_t ack_of(uint64_t epoch, uint64_t inc, uint64_t expected, uint64_t committed)
{
    es_msg_t msg = {.kind = ES_ACK, .epoch = epoch, .seq = expected - 1};
    ES_SET(&msg, ES_M_INC, inc, inc);
    ES_SET(&msg, ES_M_EXPECTED, expected, expected);
    ES_SET(&msg, ES_M_COMMITTED, committed, committed);
    return msg;
}

static inline void ack(world_t *w, uint64_t epoch, uint64_t expected, uint64_t committed)
{
    es_msg_t msg = ack_of(epoch, INC, expected, committed);
    receive(w, &msg);
}

static inline es_msg_t final_of(uint64_t epoch, uint64_t from, uint64_t to)
{
    es_msg_t msg = ack_of(epoch, INC, to + 1, to);
    msg.kind = ES_FINAL;
    ES_SET(&msg, ES_M_FROM, from_seq, from);
    ES_SET(&msg, ES_M_TO, to_seq, to);
    ES_SET(&msg, ES_M_TEXT, text, es_span("word"));
    return msg;
}

static inline void final(world_t *w, uint64_t epoch, uint64_t from, uint64_t to)
{
    es_msg_t msg = final_of(epoch, from, to);
    receive(w, &msg);
}

static inline void partial(world_t *w, uint64_t epoch, uint64_t from, uint64_t to)
{
    es_msg_t msg = final_of(epoch, from, to);
    msg.kind = ES_PARTIAL;
    receive(w, &msg);
}

static inline void rewind_to(world_t *w, uint64_t epoch, uint64_t expected)
{
    es_msg_t msg = {.kind = ES_REWIND, .epoch = epoch};
    if (expected > 0) {
        ES_SET(&msg, ES_M_INC, inc, INC);
        ES_SET(&msg, ES_M_EXPECTED, expected, expected);
    }
    receive(w, &msg);
}

static inline void from_broker(world_t *w, es_kind_t kind, uint64_t epoch, uint64_t place)
{
    es_msg_t msg = {.kind = kind, .epoch = epoch};
    if (place > 0) ES_SET(&msg, ES_M_PLACE, place, place);
    receive(w, &msg);
}

/* Lets time pass, ticking when the sender asks for it. */
static inline void pass(world_t *w, uint64_t us)
{
    uint64_t end = w->now + us, at;
    while ((at = es_sender_deadline(w->sender)) <= end) {
        w->now = at > w->now ? at : w->now;
        es_sender_tick(w->sender, w->now);
    }
    w->now = end;
}

/* The transmitted frames since the log was last emptied as "epoch:seq" with S for START, C for CLOSE; empties it. */
static inline const char *sent(world_t *w)
{
    static char text[LOG_MAX * 4];
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < w->n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%d:%d%s", i > 0 ? " " : "", (int)w->out[i].epoch,
                               (int)w->out[i].seq,
                               w->out[i].kind == ES_CLOSE     ? "C"
                               : w->out[i].flags & ES_F_START ? "S"
                                                              : "");
    w->n = 0;
    return text;
}

#endif
