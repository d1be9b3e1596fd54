/* The inside of a room, shared by room.c (life, log, questions), room_history.c (what is kept), room_operations.c (what clients do) and room_presence.c (what edges say of them). Nobody else
 * includes it. */
#ifndef ES_ROOM_STATE_H
#define ES_ROOM_STATE_H

#include "room_events.h"
#include "room_members.h"

struct es_room {
    es_room_shared_t *shared;
    const es_room_ops_t *ops;
    void *ctx;
    es_room_log_t log;
    es_room_members_t members;
    es_room_events_t news; /* of this turn */
    uint64_t lists;        /* of members, so far */
    uint64_t moves_from;   /* no join or leave below is kept */
    uint64_t look_us;      /* next look for events that are too old */
    size_t id_len;
    char id[ES_ROOM_ID_MAX];
};

typedef struct {
    const es_msg_t *msg;
    es_span_t body;
    es_room_now_t now;
} es_room_request_t;

/* An event happens: it gets the next number (PARTIAL: none) and the time, is stored and will be said. */
void es_room_happen(es_room_t *self, es_room_event_t *event, es_room_now_t now);
/* The event, just appended, is one more: what is beyond the bounds is given up. */
void es_room_count(es_room_t *self, const es_room_event_t *event);
/* Old events are given up. Returns the time of the next call. */
uint64_t es_room_give_up_old(es_room_t *self, es_room_now_t now);
/* Someone who is no member becomes one. */
void es_room_sit(es_room_t *self, const es_room_seat_t *seat, es_room_now_t now);
/* The member is there through another client. */
void es_room_move(es_room_t *self, es_room_seated_t *member, es_span_t client, uint64_t operation, es_room_now_t now);
/* The member leaves and is freed. */
void es_room_stand(es_room_t *self, es_room_seated_t *member, es_room_now_t now);
/* An answer of this kind to request->client, with log, rseq and floor. */
es_msg_t es_room_answer(const es_room_t *self, es_kind_t kind, const es_room_request_t *request);
void es_room_say(es_room_t *self, const es_room_request_t *request, const es_msg_t *answer, const void *body,
                 size_t len);
/* The answer, with the first members in its body and the count of all. */
void es_room_say_members(es_room_t *self, const es_room_request_t *request, es_msg_t *answer);
/* JOIN, LEAVE, SAY, CAPTION. */
void es_room_operate(es_room_t *self, const es_room_request_t *request);
void es_room_partial(es_room_t *self, const es_room_request_t *request);
/* MEMBERS. */
void es_room_list(es_room_t *self, const es_room_request_t *request);
/* Any request: its edge lives, and so does the client that it names. */
void es_room_heard(es_room_t *self, const es_msg_t *msg, es_room_now_t now);
/* Edges fall silent, members that are away leave. Returns the time of the next call. */
uint64_t es_room_presence(es_room_t *self, es_room_now_t now);
bool es_room_seat_valid(const es_room_seat_t *seat);

static inline uint64_t es_room_sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* 1..max bytes, no control characters. */
static inline bool es_room_word_valid(es_span_t text, size_t max)
{
    return text.len > 0 && text.len <= max && es_room_text_valid(text, false);
}

#endif
