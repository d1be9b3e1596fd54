/* A room with a store in memory; time is virtual, what it says is kept. */
#ifndef ROOM_LOG_WORLD_H
#define ROOM_LOG_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "room.h"

#define MS(n) ((uint64_t)(n)*1000u)
#define SECONDS(n) ((uint64_t)(n)*1000000u)
#define ANN "aaaaaa0000000001" /* clients of two edges */
#define BOB "aaaaaa0000000002"
#define ANN_AGAIN "bbbbbb0000000001"
#define CAROL "bbbbbb0000000002"
#define EDGE_A "aaaaaa0000000000"
#define EDGE_B "bbbbbb0000000000"

enum { WORLD_EVENTS = 20000, WORLD_SENT = 20000, WORLD_SEATS = 11000, WORLD_CAPTIONS = 64, WORLD_TEXT = 3200 };

typedef struct {
    es_room_event_t event; /* spans are owned copies */
} stored_t;

typedef struct {
    char session[ES_SESSION_MAX + 1], client[ES_CLIENT_ID_LEN + 1], name[ES_NAME_MAX + 1];
    uint64_t operation;
} seat_t;

typedef struct {
    char session[ES_SESSION_MAX + 1], stream[ES_SESSION_MAX + 1];
    uint64_t until;
} captioned_t;

typedef struct {
    char key[ES_KEY_MAX + 1], reason[32];
    size_t key_len;
    es_msg_t msg;
    void *body;
    size_t len;
} sent_t;

typedef struct {
    es_room_shared_t shared;
    es_room_t *room;
    es_room_now_t now;
    stored_t stored[WORLD_EVENTS];
    size_t n_stored;
    seat_t seats[WORLD_SEATS];
    size_t n_seats;
    captioned_t captions[WORLD_CAPTIONS];
    size_t n_captions;
    uint64_t floor;
    bool dropped[WORLD_EVENTS];
    sent_t sent[WORLD_SENT];
    size_t n_sent;
} world_t;

static inline es_span_t copied(es_span_t text)
{
    char *copy = malloc(text.len + 1);
    if (text.len > 0) memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    return es_span_of(copy, text.len);
}

static inline void text_of(char *out, size_t cap, es_span_t text)
{
    snprintf(out, cap, "%.*s", (int)text.len, text.ptr ? text.ptr : "");
}

static inline uint64_t world_said(void *ctx, es_span_t session, es_span_t msg_id)
{
    world_t *w = ctx;
    for (size_t i = 0; i < w->n_stored; i++) {
        const es_room_event_t *e = &w->stored[i].event;
        if (e->type == ES_EVENT_MESSAGE && es_span_eq(e->member, session) && es_span_eq(e->msg_id, msg_id))
            return e->rseq;
    }
    return 0;
}

static inline captioned_t *caption_of(world_t *w, es_span_t session, es_span_t stream)
{
    for (size_t i = 0; i < w->n_captions; i++)
        if (es_span_eq(es_span(w->captions[i].session), session) && es_span_eq(es_span(w->captions[i].stream), stream))
            return &w->captions[i];
    return NULL;
}

static inline bool world_captioned(void *ctx, es_span_t session, es_span_t stream, uint64_t *until)
{
    const captioned_t *found = caption_of(ctx, session, stream);
    if (found) *until = found->until;
    return found;
}

static inline void world_read(void *ctx, uint64_t from, uint64_t count,
                              bool (*each)(void *arg, const es_room_event_t *event), void *arg)
{
    world_t *w = ctx;
    for (uint64_t rseq = from; rseq <= w->n_stored && count > 0; rseq++) {
        if (w->dropped[rseq - 1]) continue;
        if (!each(arg, &w->stored[rseq - 1].event)) return;
        count--;
    }
}

static inline uint64_t world_back(void *ctx, uint64_t to, uint64_t count)
{
    const world_t *w = ctx;
    for (uint64_t rseq = to < w->n_stored ? to : w->n_stored; rseq > 0; rseq--)
        if (!w->dropped[rseq - 1] && --count == 0) return rseq;
    return 0;
}

static inline void world_append(void *ctx, const es_room_event_t *event)
{
    world_t *w = ctx;
    assert_true(w->n_stored < WORLD_EVENTS);
    es_room_event_t *e = &w->stored[w->n_stored++].event;
    *e = *event;
    assert_int_equal(e->rseq, w->n_stored); /* no number twice, none left out */
    e->member = copied(e->member);
    e->name = copied(e->name);
    e->text = copied(e->text);
    e->msg_id = copied(e->msg_id);
    e->stream = copied(e->stream);
}

static inline void world_caption(void *ctx, es_span_t session, es_span_t stream, uint64_t until)
{
    world_t *w = ctx;
    captioned_t *found = caption_of(w, session, stream);
    if (!found) {
        assert_true(w->n_captions < WORLD_CAPTIONS);
        found = &w->captions[w->n_captions++];
        text_of(found->session, sizeof found->session, session);
        text_of(found->stream, sizeof found->stream, stream);
    }
    found->until = until;
}

static inline seat_t *seat_of(world_t *w, es_span_t session)
{
    for (size_t i = 0; i < w->n_seats; i++)
        if (es_span_eq(es_span(w->seats[i].session), session)) return &w->seats[i];
    return NULL;
}

static inline void world_seat(void *ctx, const es_room_seat_t *seat)
{
    world_t *w = ctx;
    seat_t *found = seat_of(w, seat->session);
    if (!found) {
        assert_true(w->n_seats < WORLD_SEATS);
        found = &w->seats[w->n_seats++];
    }
    text_of(found->session, sizeof found->session, seat->session);
    text_of(found->client, sizeof found->client, seat->client);
    text_of(found->name, sizeof found->name, seat->name);
    found->operation = seat->operation;
}

static inline void world_unseat(void *ctx, es_span_t session)
{
    world_t *w = ctx;
    seat_t *found = seat_of(w, session);
    assert_non_null(found);
    *found = w->seats[--w->n_seats];
}

static inline void world_floor(void *ctx, uint64_t floor)
{
    world_t *w = ctx;
    assert_true(floor > w->floor && floor <= w->n_stored + 1);
    w->floor = floor;
}

static inline void world_drop(void *ctx, uint64_t rseq)
{
    world_t *w = ctx;
    assert_true(rseq > w->floor && rseq <= w->n_stored && !w->dropped[rseq - 1]);
    assert_true(w->stored[rseq - 1].event.type <= ES_EVENT_LEFT);
    w->dropped[rseq - 1] = true;
}

static inline void world_send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    world_t *w = ctx;
    assert_true(w->n_sent < WORLD_SENT);
    sent_t *sent = &w->sent[w->n_sent++];
    *sent = (sent_t){.msg = *msg, .len = len, .key_len = key.len};
    memcpy(sent->key, key.ptr, key.len);
    text_of(sent->reason, sizeof sent->reason, msg->reason);
    assert_int_equal(es_catalogue_check(msg, len), ES_CHECK_OK);
    sent->body = malloc(len + 1);
    if (len > 0) memcpy(sent->body, body, len);
}

static const es_room_ops_t world_ops = {.said = world_said,
                                        .captioned = world_captioned,
                                        .read = world_read,
                                        .back = world_back,
                                        .append = world_append,
                                        .caption = world_caption,
                                        .seat = world_seat,
                                        .unseat = world_unseat,
                                        .floor = world_floor,
                                        .drop = world_drop,
                                        .send = world_send};

/* A room with log number 7, loaded from what is stored. */
static inline void load(world_t *w)
{
    es_room_destroy(&w->room);
    es_room_log_t log = {.log = 7, .last = w->n_stored, .floor = w->floor};
    for (uint64_t rseq = w->floor; rseq <= w->n_stored; rseq++) {
        bool moves = w->stored[rseq - 1].event.type <= ES_EVENT_LEFT;
        if (!w->dropped[rseq - 1]) *(moves ? &log.moves : &log.said) += 1;
    }
    w->room = es_room_new(&w->shared, es_span("lobby"), &log, &world_ops, w);
    for (size_t i = 0; i < w->n_seats; i++) {
        es_room_seat_t seat = {.session = es_span(w->seats[i].session),
                               .client = es_span(w->seats[i].client),
                               .name = es_span(w->seats[i].name),
                               .operation = w->seats[i].operation};
        es_room_restore(w->room, &seat, w->now);
    }
}

static inline int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    es_room_shared_init(&w->shared, 1);
    w->now = (es_room_now_t){.us = SECONDS(1000), .ms = UINT64_C(1700000000000)};
    w->floor = 1;
    load(w);
    *state = w;
    return 0;
}

static inline void forget_sent(world_t *w)
{
    for (size_t i = 0; i < w->n_sent; i++) free(w->sent[i].body);
    w->n_sent = 0;
}

static inline int teardown(void **state)
{
    world_t *w = *state;
    es_room_destroy(&w->room);
    es_room_destroy(&w->room);
    forget_sent(w);
    for (size_t i = 0; i < w->n_stored; i++) {
        const es_room_event_t *e = &w->stored[i].event;
        free((char *)e->member.ptr), free((char *)e->name.ptr), free((char *)e->text.ptr);
        free((char *)e->msg_id.ptr), free((char *)e->stream.ptr);
    }
    es_room_shared_fini(&w->shared);
    free(w);
    return 0;
}

static inline void pass(world_t *w, uint64_t us)
{
    w->now.us += us;
    w->now.ms += us / 1000;
}

static inline void ask(world_t *w, es_msg_t msg, const void *body, size_t len)
{
    es_room_message(w->room, &msg, es_span_of(body, len), w->now);
}

static inline es_msg_t request(uint32_t kind, const char *client, uint64_t seq)
{
    es_msg_t msg = {.kind = kind, .seq = seq};
    ES_SET(&msg, ES_M_CLIENT, client, es_span(client));
    return msg;
}

/* The operation `seq` of a client, of which it has all answers before. */
static inline es_msg_t operation(uint32_t kind, const char *client, const char *session, uint64_t seq)
{
    es_msg_t msg = request(kind, client, seq);
    ES_SET(&msg, ES_M_SESSION, session, es_span(session));
    ES_SET(&msg, ES_M_BASE, base, seq);
    ES_SET(&msg, ES_M_NAME, name, es_span(session));
    return msg;
}

static inline void join(world_t *w, const char *client, const char *session, uint64_t seq)
{
    ask(w, operation(ES_ROOM_JOIN, client, session, seq), NULL, 0);
}
static inline void leave(world_t *w, const char *client, const char *session, uint64_t seq)
{
    ask(w, operation(ES_ROOM_LEAVE, client, session, seq), NULL, 0);
}
static inline es_msg_t saying(const char *client, const char *session, uint64_t seq, const char *msg_id,
                              const char *text)
{
    es_msg_t msg = operation(ES_ROOM_SAY, client, session, seq);
    ES_SET(&msg, ES_M_MSG_ID, msg_id, es_span(msg_id));
    ES_SET(&msg, ES_M_TEXT, text, es_span(text));
    return msg;
}
static inline void say(world_t *w, const char *client, const char *session, uint64_t seq, const char *msg_id)
{
    ask(w, saying(client, session, seq, msg_id, msg_id), NULL, 0);
}

/* A list of an edge: client, session pairs up to NULL; the name is the session. */
static inline void list(world_t *w, const char *edge, ...)
{
    es_room_member_t rows[16];
    char body[4096];
    size_t n = 0;
    va_list args;
    va_start(args, edge);
    for (const char *client; (client = va_arg(args, const char *)); n++) {
        const char *session = va_arg(args, const char *);
        rows[n] = (es_room_member_t){es_span(client), es_span(session), es_span(session)};
    }
    va_end(args);
    ask(w, request(ES_ROOM_MEMBERS, edge, 0), body, n ? es_room_members_encode(rows, n, body, sizeof body) : 0);
}

static inline const sent_t *last_sent(const world_t *w)
{
    assert_true(w->n_sent > 0);
    return &w->sent[w->n_sent - 1];
}

/* Events in the body of a NEWS or EVENTS message; spans live until the next call. */
static inline int events_of(world_t *w, const sent_t *sent, es_room_event_t *events, size_t max)
{
    return es_room_events_decode(w->shared.decoder, sent->body, sent->len, events, max);
}

static inline void expect_done(const world_t *w, const char *client, uint64_t seq, uint64_t rseq)
{
    const sent_t *sent = last_sent(w);
    assert_int_equal(sent->msg.kind, ES_ROOM_DONE);
    assert_string_equal(sent->key, client);
    assert_int_equal(sent->msg.seq, seq);
    assert_int_equal(sent->msg.rseq, rseq);
    assert_int_equal(sent->msg.log, 7);
}

static inline void expect_refused(const world_t *w, const char *client, uint64_t seq, const char *reason)
{
    const sent_t *sent = last_sent(w);
    assert_int_equal(sent->msg.kind, ES_ROOM_REFUSED);
    assert_string_equal(sent->key, client);
    assert_int_equal(sent->msg.seq, seq);
    assert_string_equal(sent->reason, reason);
}

/* The log as text: "+ann -bob ann:hello ann~spoken" */
static inline const char *story(const world_t *w)
{
    static char text[20000];
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < w->n_stored; i++) {
        const es_room_event_t *e = &w->stored[i].event;
        const char *gap = at ? " " : "";
        char *to = text + at;
        size_t cap = sizeof text - at;
        if (e->type == ES_EVENT_JOINED || e->type == ES_EVENT_LEFT)
            at += (size_t)snprintf(to, cap, "%s%c%s", gap, e->type == ES_EVENT_JOINED ? '+' : '-', e->name.ptr);
        else
            at += (size_t)snprintf(to, cap, "%s%s%c%s", gap, e->name.ptr, e->type == ES_EVENT_MESSAGE ? ':' : '~',
                                   e->text.ptr);
        assert_true(at < sizeof text);
    }
    return text;
}

#endif
