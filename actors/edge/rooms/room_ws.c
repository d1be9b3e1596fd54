#include "room_ws.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "edge_metrics.h"
#include "envelope_out.h"
#include "held_words.h"
#include "room_json.h"

enum { HISTORY_DEFAULT = 50 };

static void refuse(es_client_t *self, const char *code, const char *ref, es_span_t room, es_span_t msg_id,
                   const char *message)
{
    es_refusal_t why = {.code = code};
    snprintf(why.message, sizeof why.message, "%s", message);
    snprintf(why.ref, sizeof why.ref, "%s", ref);
    snprintf(why.room, sizeof why.room, "%.*s", (int)room.len, room.ptr);
    if (msg_id.len) snprintf(why.msg_id, sizeof why.msg_id, "%.*s", (int)msg_id.len, msg_id.ptr);
    es_envelope_refuse(self, &why);
}

static void count_says(es_membership_t *member, int change)
{
    es_envelope_t *envelope = &member->client->envelope;
    member->says += (uint64_t)change;
    envelope->pending = (uint16_t)(envelope->pending + change);
}

static void count_lost(size_t captions)
{
    if (captions) es_metric_add(&es_edge_room_captions_lost, captions);
}

/* ---- what the room says */

/* Begins a message about a room: its first field. */
#define room_begin(client, type, room) room_field((client), es_envelope_begin((client), type), (room))
static size_t room_field(es_client_t *client, size_t place, es_span_t room)
{
    es_json_raw(&client->out, "\"room\":");
    es_json_string(&client->out, room);
    return place;
}

static void member_fields(es_membership_t *member)
{
    es_frame_buf_t *out = &member->client->out;
    es_json_raw(out, ",\"member\":");
    es_json_plain(out, member->client->session, ES_SESSION_LEN);
    es_json_raw(out, ",\"name\":");
    es_json_string(out, es_span(member->join.name));
}

static void joined(es_membership_t *member, const es_msg_t *done, const es_room_member_t *members, size_t n,
                   uint64_t from, bool complete)
{
    es_client_t *self = member->client;
    size_t place = room_begin(self, "room.joined", es_edge_room_id(member->room));
    es_room_json_log(&self->out, done->log);
    es_envelope_uint(self, "rseq", done->rseq);
    member_fields(member);
    es_json_raw(&self->out, ",\"members\":");
    es_room_json_members(&self->out, members, n);
    es_envelope_uint(self, "total", ES_HAS(done, ES_M_COUNT) ? done->count : n);
    es_json_raw(&self->out, ",\"history\":{\"from\":");
    es_json_uint(&self->out, from);
    if (complete)
        es_json_raw(&self->out, ",\"complete\":true}");
    else
        es_json_raw(&self->out, ",\"complete\":false}");
    es_envelope_end(self, place);
}

/* What the room has for it goes first; the event of its own leaving may be among that. */
static void left(es_membership_t *member, const es_msg_t *done)
{
    es_client_t *self = member->client;
    bool told = member->state == ES_LIVE && es_room_follower_log(member->room->follower) == done->log &&
                es_room_follower_at(member->room->follower) >= done->rseq;
    es_membership_unload(member);
    if (told) return;
    size_t place = room_begin(self, "room.left", es_edge_room_id(member->room));
    es_envelope_uint(self, "rseq", done->rseq);
    es_envelope_uint(self, "time", self->env->wall_ms);
    member_fields(member);
    es_envelope_end(self, place);
}

static void said(es_membership_t *member, const es_msg_t *op, uint64_t rseq)
{
    es_client_t *self = member->client;
    count_says(member, -1);
    size_t place = room_begin(self, "room.said", es_edge_room_id(member->room));
    es_json_raw(&self->out, ",\"msg_id\":");
    es_json_string(&self->out, op->msg_id);
    es_envelope_uint(self, "rseq", rseq);
    es_envelope_end(self, place);
}

static const char *operation(uint32_t kind)
{
    return kind == ES_ROOM_JOIN    ? "room.join"
           : kind == ES_ROOM_LEAVE ? "room.leave"
           : kind == ES_ROOM_SAY   ? "room.say"
                                   : "audio.start";
}

static void refused(es_membership_t *member, const es_msg_t *op, es_span_t reason)
{
    static const struct {
        const char *reason, *code, *message;
    } known[] = {
        {"not_member", "not_in_room", "The room does not know you as a member any more; join it again."},
        {"room_full", "room_full", "The room has as many members as it may; try again later."},
        {"too_many_rooms", "too_many_rooms", "The server keeps as many rooms as it may; use one that is there."},
    };
    es_client_t *self = member->client;
    if (op->kind == ES_ROOM_SAY) count_says(member, -1);
    if (op->kind == ES_ROOM_CAPTION) count_lost(1);
    if (op->kind == ES_ROOM_JOIN) count_lost(es_membership_captions(member));
    const char *code = "bad_field", *message = "The room does not take this; see what is allowed.";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!es_span_eq(reason, es_span(known[i].reason))) continue;
        code = known[i].code;
        message = known[i].message;
    }
    refuse(self, code, operation(op->kind), es_edge_room_id(member->room), op->msg_id, message);
}

static void event(es_membership_t *member, const es_room_event_t *event)
{
    es_client_t *self = member->client;
    size_t place = es_client_say(self);
    es_room_json_event(&self->out, es_edge_room_id(member->room), event, self->env->wall_ms);
    es_client_said(self, place);
}

static void gone(es_membership_t *member, uint64_t from, uint64_t to)
{
    es_client_t *self = member->client;
    size_t place = es_client_say(self);
    es_room_json_gap(&self->out, es_edge_room_id(member->room), member->log, from, to, self->env->wall_ms);
    es_client_said(self, place);
    es_metric_add(&es_edge_room_gaps, 1);
}

static void say_history(es_membership_t *member, uint64_t log, const es_room_event_t *events, size_t n, uint64_t from,
                        bool complete)
{
    es_client_t *self = member->client;
    size_t place = room_begin(self, "room.history", es_edge_room_id(member->room));
    es_room_json_log(&self->out, log);
    es_json_raw(&self->out, ",\"events\":");
    es_room_json_events(&self->out, events, n);
    es_envelope_uint(self, "from", from);
    es_envelope_uint(self, "to", n ? events[n - 1].rseq : from - 1);
    if (complete)
        es_json_raw(&self->out, ",\"complete\":true");
    else
        es_json_raw(&self->out, ",\"complete\":false");
    es_envelope_end(self, place);
}

static void history(es_membership_t *member, const es_ask_t *ask, const es_msg_t *answer, const es_room_event_t *events,
                    size_t n)
{
    uint64_t end = ask->from + ask->count;
    while (n && events[n - 1].rseq >= end) n--;
    uint64_t from = n ? events[0].rseq : end;
    say_history(member, answer->log, events, n, from, from == 1);
}

static void present(es_membership_t *member, const es_msg_t *answer, const es_room_member_t *members, size_t n)
{
    es_client_t *self = member->client;
    size_t place = room_begin(self, "room.members", es_edge_room_id(member->room));
    es_envelope_uint(self, "rseq", answer->rseq);
    es_json_raw(&self->out, ",\"members\":");
    es_room_json_members(&self->out, members, n);
    es_envelope_uint(self, "total", answer->count);
    es_envelope_end(self, place);
}

static void unavailable(es_membership_t *member)
{
    refuse(member->client, "room_unavailable", "", es_edge_room_id(member->room), es_span(NULL),
           "No room actor has answered for 5 s; what you asked for is tried on until one does.");
}

static void late(es_membership_t *member)
{
    es_held_release(member->client);
}

/* ---- what the client says */

static const es_membership_ops_t membership_ops = {.joined = joined,
                                                   .left = left,
                                                   .said = said,
                                                   .refused = refused,
                                                   .event = event,
                                                   .gone = gone,
                                                   .history = history,
                                                   .present = present,
                                                   .unavailable = unavailable,
                                                   .late = late};

/* The membership of a client that is in the room; NULL: it was told that it is not. */
static es_membership_t *member_of(es_client_t *self, const char *room, const char *ref, const char *msg_id)
{
    es_membership_t *member = es_membership_find(self, es_span(room));
    if (member && !member->leaving) return member;
    refuse(self, "not_in_room", ref, es_span(room), es_span(msg_id), "You are not in this room; send room.join first.");
    return NULL;
}

static uint64_t rooms_of(const es_client_t *self)
{
    uint64_t n = 0;
    for (const es_membership_t *member = self->memberships; member; member = member->next) n++;
    return n;
}

/* Entering pays for leaving too: nobody has to stay in a room, and who is in none has nothing to leave. */
static bool may_enter(es_client_t *self)
{
    const es_client_limits_t *limits = &self->env->limits;
    return es_rate_take(&self->envelope.join_rate, limits->join_rate, limits->join_burst, self->env->now_us / 60);
}

/* The room to enter, or NULL: the client was told why not. */
static es_edge_room_t *room_to_join(es_client_t *self, es_span_t id)
{
    const char *code = NULL, *message = NULL;
    es_edge_room_t *room = NULL;
    if (es_membership_find(self, id)) {
        code = "already_in_room";
        message = "You are in this room already, or are about to enter it.";
    } else if (rooms_of(self) >= self->env->limits.max_rooms) {
        code = "too_many_rooms";
        message = "You are in as many rooms as a client may (limits.max_rooms); leave one.";
    } else if (!may_enter(self)) {
        code = "rate_limited";
        message = "You enter more rooms a minute than allowed (limits.join_rate); wait a little.";
    } else if (!(room = es_edge_rooms_need(self->env->rooms, id))) {
        code = "too_many_rooms";
        message = "This server is in as many rooms as it may be (--max-rooms); use one that is there.";
    } else if (room->count >= room->limits->max_room_members) {
        code = "room_full";
        message = "The room has as many members here as it may (--max-room-members); try again later.";
    }
    if (!code) return room;
    refuse(self, code, "room.join", id, es_span(NULL), message);
    return NULL;
}

static void enter(es_client_t *self, es_span_t id, const es_join_t *join)
{
    if (!es_client_allowed(self, ES_RIGHT_ROOM_JOIN, id, "room.join")) return;
    es_edge_room_t *room = room_to_join(self, id);
    if (room) es_membership_new(self, room, &membership_ops, join);
}

/* Who reads in the room that it has left may be faster than the answer which ends its membership. */
void es_room_ws_join(es_client_t *self, const es_client_says_t *says)
{
    es_membership_t *member = es_membership_find(self, es_span(says->room));
    bool later = member && member->leaving && !*member->comeback.name;
    es_join_t join = {.has_since = says->has_since, .has_log = says->has_log, .since = says->since, .log = says->log};
    memcpy(join.name, says->name, strlen(says->name) + 1);
    if (later)
        member->comeback = join;
    else
        enter(self, es_span(says->room), &join);
}

void es_room_ws_leave(es_client_t *self, const es_client_says_t *says)
{
    es_membership_t *member = es_membership_find(self, es_span(says->room));
    if (member) *member->comeback.name = '\0';
    member = member_of(self, says->room, "room.leave", "");
    if (!member) return;
    if (self->envelope.speaking == member) self->envelope.speaking = NULL;
    es_membership_leave(member);
    if (!member->leaving)
        refuse(self, "too_many_pending", "room.leave", es_span(says->room), es_span(NULL),
               "Too much waits for this room to leave it now; try again.");
}

static bool may_say(es_client_t *self, const es_client_says_t *says)
{
    es_refusal_t why;
    if (es_client_may(self, ES_RIGHT_ROOM_SAY, es_span(says->room))) return true;
    es_client_forbid(ES_RIGHT_ROOM_SAY, es_span(says->room), "room.say", &why);
    memcpy(why.msg_id, says->msg_id, sizeof why.msg_id);
    es_envelope_refuse(self, &why);
    return false;
}

void es_room_ws_say(es_client_t *self, const es_client_says_t *says)
{
    char own_id[48];
    es_membership_t *member = member_of(self, says->room, "room.say", says->msg_id);
    if (!member || !may_say(self, says)) return;
    if (!es_rate_take(&self->envelope.say_rate, self->env->limits.say_rate, self->env->limits.say_burst,
                      self->env->now_us)) {
        refuse(self, "rate_limited", "room.say", es_span(says->room), es_span(says->msg_id),
               "You say more messages a second than allowed; this one was not taken, wait a little.");
        return;
    }
    es_msg_t op = {.kind = ES_ROOM_SAY};
    snprintf(own_id, sizeof own_id, "%s-%" PRIu64, self->id, ++self->envelope.messages);
    ES_SET(&op, ES_M_MSG_ID, msg_id, es_span(says->msg_id[0] ? says->msg_id : own_id));
    ES_SET(&op, ES_M_TEXT, text, es_span(says->text));
    if (self->envelope.pending < ES_ROOM_PENDING_MAX && es_membership_do(member, &op, NULL, 0) == 0)
        count_says(member, 1);
    else
        refuse(self, "too_many_pending", "room.say", es_span(says->room), es_span(says->msg_id),
               "Too many of your messages wait for room.said; this one was not taken.");
}

static void ask(es_client_t *self, es_membership_t *member, uint32_t kind, const char *ref, uint64_t from,
                uint64_t count)
{
    if (es_membership_ask(member, kind, from, count) == 0) return;
    refuse(self, "too_many_pending", ref, es_edge_room_id(member->room), es_span(NULL),
           "Two such requests are under way already; wait for them.");
}

void es_room_ws_history(es_client_t *self, const es_client_says_t *says)
{
    es_membership_t *member = member_of(self, says->room, "room.history", "");
    if (!member) return;
    const es_room_follower_t *follower = member->room->follower;
    uint64_t before = says->before ? says->before : es_room_follower_at(follower) + 1;
    uint64_t limit = says->limit ? says->limit : HISTORY_DEFAULT, from = before > limit ? before - limit : 1;
    if (before <= 1)
        say_history(member, es_room_follower_log(follower), NULL, 0, 1, true);
    else
        ask(self, member, ES_ROOM_FETCH, "room.history", from, before - from);
}

void es_room_ws_who(es_client_t *self, const es_client_says_t *says)
{
    es_membership_t *member = member_of(self, says->room, "room.who", "");
    if (member) ask(self, member, ES_ROOM_WHO, "room.who", 0, 0);
}

static void put_out(es_client_t *self, es_membership_t *member)
{
    es_client_allowed(self, ES_RIGHT_ROOM_JOIN, es_edge_room_id(member->room), "session.auth"); /* says why */
    es_membership_leave(member);
    if (!member->leaving) es_client_close(self, ES_WS_RIGHTS);
}

void es_room_ws_rights(es_client_t *self)
{
    es_membership_t *speaking = self->envelope.speaking;
    if (speaking && !es_client_may(self, ES_RIGHT_ROOM_SAY, es_edge_room_id(speaking->room)))
        self->envelope.speaking = NULL;
    for (es_membership_t *member = self->memberships, *next; member; member = next) {
        next = member->next;
        if (member->leaving || es_client_may(self, ES_RIGHT_ROOM_JOIN, es_edge_room_id(member->room))) continue;
        if (self->envelope.speaking == member) self->envelope.speaking = NULL;
        put_out(self, member);
    }
}

/* Captions that nobody says again: the room may not have them, and the speaker was told. */
void es_room_ws_fini(es_client_t *self)
{
    self->envelope.speaking = NULL;
    for (const es_membership_t *member = self->memberships; member; member = member->next)
        count_lost(es_membership_captions(member) - es_held_count(self, member));
    es_held_destroy(self);
    while (self->memberships) es_membership_destroy(&(es_membership_t *){self->memberships});
}

/* ---- captions */

int es_room_ws_speak(es_client_t *self, const char *room)
{
    self->envelope.speaking = NULL;
    if (!*room) return 0;
    if (!es_client_allowed(self, ES_RIGHT_ROOM_SAY, es_span(room), "audio.start")) return -1;
    self->envelope.speaking = member_of(self, room, "audio.start", "");
    return self->envelope.speaking ? 0 : -1;
}

static void words_of(es_client_t *self, es_msg_t *caption, const es_msg_t *words)
{
    ES_SET(caption, ES_M_STREAM, stream, es_span(self->envelope.stream));
    ES_SET(caption, ES_M_TEXT, text, words->text);
    ES_SET(caption, ES_M_START, start, words->start);
    ES_SET(caption, ES_M_END, end, words->end);
}

uint64_t es_room_ws_final(es_client_t *self, const es_msg_t *final, const void *words, size_t len)
{
    es_msg_t op = {.kind = ES_ROOM_CAPTION};
    es_membership_t *speaking = self->envelope.speaking;
    if (!speaking) return 0;
    words_of(self, &op, final);
    if (es_membership_do(speaking, &op, words, len) != 0) {
        es_held_give_up(self);
        count_lost(1);
        refuse(self, "too_many_pending", "audio.start", es_edge_room_id(speaking->room), es_span(NULL),
               "The room has not answered for so long that these words are no caption there.");
        return 0;
    }
    if (!self->envelope.resumable) return 0;
    if (!es_membership_late(speaking)) return es_membership_last(speaking);
    es_metric_add(&es_edge_room_captions_late, 1);
    es_held_release(self);
    return 0;
}

void es_room_ws_partial(es_client_t *self, const es_msg_t *partial)
{
    es_msg_t msg = {.kind = ES_ROOM_PARTIAL};
    if (!self->envelope.speaking) return;
    words_of(self, &msg, partial);
    es_membership_partial(self->envelope.speaking, &msg);
}

/* ---- for es_dialect_t */

void es_room_ws_answer(es_client_t *self, const es_msg_t *msg, const void *body, size_t len)
{
    es_membership_t *member = es_membership_find(self, msg->room);
    if (!member) return;
    const es_membership_t *speaking = self->envelope.speaking;
    es_join_t comeback = member->comeback;
    es_membership_receive(member, msg, body, len);
    if (es_membership_find(self, msg->room)) {
        es_held_release(self);
        return;
    }
    es_held_forget(self, member);
    if (speaking == member) self->envelope.speaking = NULL;
    if (*comeback.name && !self->closing) enter(self, msg->room, &comeback);
}

size_t es_room_ws_pending(es_client_t *self, const uint8_t **out)
{
    for (es_membership_t *member = self->memberships; member; member = member->next) {
        size_t n = es_membership_pending(member, out);
        if (n) return n;
    }
    return 0;
}

/* The one that was served goes behind the others: a busy room must not starve a quiet one. */
static void rotate(es_client_t *self, es_membership_t *served)
{
    es_membership_t **link = &self->memberships;
    if (!served->next) return;
    while (*link != served) link = &(*link)->next;
    *link = served->next;
    served->next = NULL;
    while (*link) link = &(*link)->next;
    *link = served;
}

void es_room_ws_written(es_client_t *self, size_t n)
{
    const uint8_t *data;
    es_membership_t *member = self->memberships;
    if (n) {
        while (!es_membership_pending(member, &data)) member = member->next;
        es_membership_written(member, n);
        rotate(self, member);
        return;
    }
    for (; member; member = member->next) es_membership_advance(member);
}
