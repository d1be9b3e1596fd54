/* What clients do in a room, in their order and once. */
#include <stdlib.h>

#include "alloc.h"
#include "room_caption.h"
#include "room_state.h"

static es_room_stats_t *stats(es_room_t *self)
{
    return &self->shared->stats;
}

static void done(es_room_t *self, const es_room_request_t *rq, uint64_t rseq)
{
    es_msg_t answer = es_room_answer(self, ES_ROOM_DONE, rq);
    answer.rseq = rseq;
    es_room_say(self, rq, &answer, NULL, 0);
}

static void refuse(es_room_t *self, const es_room_request_t *rq, es_room_reason_t reason)
{
    es_msg_t answer;
    es_room_refusal(rq->msg, es_room_id(self), reason, &answer);
    stats(self)->refused[reason]++;
    es_room_say(self, rq, &answer, NULL, 0);
}

/* ---- JOIN */

static bool join_valid(es_room_t *self, const es_msg_t *msg)
{
    (void)self;
    return es_room_word_valid(msg->name, ES_NAME_MAX);
}

static void joined(es_room_t *self, const es_room_request_t *rq)
{
    es_msg_t answer = es_room_answer(self, ES_ROOM_DONE, rq);
    es_room_say_members(self, rq, &answer);
}

static bool join(es_room_t *self, const es_room_request_t *rq, es_room_seated_t *member)
{
    const es_msg_t *msg = rq->msg;
    es_room_seat_t seat = {.session = msg->session, .client = msg->client, .name = msg->name, .operation = msg->seq};
    if (!member && self->members.count >= self->shared->members_max) {
        refuse(self, rq, ES_ROOM_FULL);
        return false;
    }
    if (member && es_span_eq(es_room_seated_name(member), msg->name)) {
        es_room_move(self, member, msg->client, msg->seq, rq->now);
    } else {
        if (member) es_room_stand(self, member, rq->now);
        es_room_sit(self, &seat, rq->now);
    }
    joined(self, rq);
    return true;
}

/* A late copy, or whoever sends it does not count on: it must not take itself for a member. */
static void join_again(es_room_t *self, const es_room_request_t *rq)
{
    if (es_room_members_find(&self->members, rq->msg->session))
        joined(self, rq);
    else
        refuse(self, rq, ES_ROOM_BAD_REQUEST);
}

/* ---- LEAVE */

static bool leave_valid(es_room_t *self, const es_msg_t *msg)
{
    (void)self;
    (void)msg;
    return true;
}

static bool leave(es_room_t *self, const es_room_request_t *rq, es_room_seated_t *member)
{
    bool elsewhere = member && !es_span_eq(es_room_seated_client(member), rq->msg->client);
    if (member && !elsewhere) es_room_stand(self, member, rq->now);
    if (!elsewhere) es_room_members_leave(&self->members, rq->msg->client, rq->msg->seq);
    done(self, rq, self->log.last);
    return true;
}

static void leave_again(es_room_t *self, const es_room_request_t *rq)
{
    done(self, rq, self->log.last);
}

/* ---- SAY */

/* Who says something is there. It left because its edge could not be heard for too long, or the log is another one: so it joins by this. NULL where it has
 * said LEAVE, or there is no place. */
static es_room_seated_t *come_back(es_room_t *self, const es_room_request_t *rq)
{
    const es_msg_t *msg = rq->msg;
    es_room_seat_t seat = {.session = msg->session, .client = msg->client, .name = msg->name};
    if (es_room_members_left(&self->members, msg->client) || self->members.count >= self->shared->members_max)
        return NULL;
    es_room_sit(self, &seat, rq->now);
    return es_room_members_find(&self->members, msg->session);
}

static bool say_valid(es_room_t *self, const es_msg_t *msg)
{
    if (msg->text.len > self->shared->text_max) {
        stats(self)->too_long++;
        return false;
    }
    return es_room_word_valid(msg->name, ES_NAME_MAX) && msg->msg_id.len > 0 && msg->text.len > 0 &&
           es_room_text_valid(msg->text, true);
}

static uint64_t store_message(es_room_t *self, const es_room_request_t *rq, const es_room_seated_t *member)
{
    es_room_event_t event = {.type = ES_EVENT_MESSAGE,
                             .member = rq->msg->session,
                             .name = es_room_seated_name(member),
                             .text = rq->msg->text,
                             .msg_id = rq->msg->msg_id};
    es_room_happen(self, &event, rq->now);
    return event.rseq;
}

/* What is stored is done, whoever asks: its member may have left before it heard the answer, and this actor may not be the one that took it. */
static bool say(es_room_t *self, const es_room_request_t *rq, es_room_seated_t *member)
{
    uint64_t rseq = self->ops->said(self->ctx, rq->msg->session, rq->msg->msg_id);
    if (rseq > 0)
        stats(self)->again++;
    else if (member || (member = come_back(self, rq)))
        rseq = store_message(self, rq, member);
    if (rseq > 0)
        done(self, rq, rseq);
    else
        refuse(self, rq, ES_ROOM_NOT_MEMBER);
    return true;
}

/* What was taken and is not stored was refused. */
static void say_again(es_room_t *self, const es_room_request_t *rq)
{
    uint64_t rseq = self->ops->said(self->ctx, rq->msg->session, rq->msg->msg_id);
    if (rseq > 0)
        done(self, rq, rseq);
    else
        refuse(self, rq, ES_ROOM_NOT_MEMBER);
}

/* ---- CAPTION */

static bool caption_valid(es_room_t *self, const es_msg_t *msg)
{
    (void)self;
    return es_room_word_valid(msg->name, ES_NAME_MAX) && es_room_word_valid(msg->stream, ES_SESSION_MAX) &&
           msg->start <= msg->end && es_room_text_valid(msg->text, true);
}

/* False: the body is no list of words, or one of them is no text. */
static bool cut(es_room_t *self, const es_room_request_t *rq, es_room_caption_t *caption, uint64_t until,
                char text[ES_TEXT_MAX])
{
    es_word_t *words = es_alloc(ES_ROOM_WORDS_MAX * sizeof *words);
    int n = es_words_decode(self->shared->decoder, rq->body.ptr, rq->body.len, words, ES_ROOM_WORDS_MAX);
    bool valid = n >= 0;
    for (int i = 0; i < n && valid; i++) valid = es_room_text_valid(words[i].text, true);
    if (valid) es_room_caption_cut(caption, words, (size_t)n, until, text);
    free(words);
    stats(self)->cut++;
    return valid;
}

static void store_caption(es_room_t *self, const es_room_request_t *rq, const es_room_seated_t *member,
                          const es_room_caption_t *caption)
{
    const es_msg_t *msg = rq->msg;
    es_room_event_t event = {.type = ES_EVENT_CAPTION,
                             .member = msg->session,
                             .name = es_room_seated_name(member),
                             .text = caption->text,
                             .stream = msg->stream,
                             .start = caption->start,
                             .end = caption->end};
    if (caption->text.len > 0) es_room_happen(self, &event, rq->now);
    self->ops->caption(self->ctx, msg->session, msg->stream, msg->end);
}

static bool caption(es_room_t *self, const es_room_request_t *rq, es_room_seated_t *member)
{
    const es_msg_t *msg = rq->msg;
    es_room_caption_t new = {.text = msg->text, .start = msg->start, .end = msg->end};
    uint64_t until;
    char text[ES_TEXT_MAX];
    bool begun = self->ops->captioned(self->ctx, msg->session, msg->stream, &until);
    if (begun && msg->end <= until) {
        stats(self)->cut++;
    } else if (!member && !(member = come_back(self, rq))) {
        refuse(self, rq, ES_ROOM_NOT_MEMBER);
        return true;
    } else if (begun && msg->start < until && !cut(self, rq, &new, until, text)) {
        refuse(self, rq, ES_ROOM_BAD_REQUEST);
        return true;
    } else {
        store_caption(self, rq, member, &new);
    }
    done(self, rq, self->log.last);
    return true;
}

static void caption_again(es_room_t *self, const es_room_request_t *rq)
{
    uint64_t until;
    bool begun = self->ops->captioned(self->ctx, rq->msg->session, rq->msg->stream, &until);
    if (begun && rq->msg->end <= until)
        done(self, rq, self->log.last);
    else
        refuse(self, rq, ES_ROOM_NOT_MEMBER);
}

void es_room_partial(es_room_t *self, const es_room_request_t *rq)
{
    const es_msg_t *msg = rq->msg;
    const es_room_seated_t *member = es_room_members_find(&self->members, msg->session);
    uint64_t until;
    if (!member || !caption_valid(self, msg) || msg->text.len == 0) {
        stats(self)->refused[member ? ES_ROOM_BAD_REQUEST : ES_ROOM_NOT_MEMBER]++;
        return;
    }
    if (self->ops->captioned(self->ctx, msg->session, msg->stream, &until) && msg->end <= until) return;
    es_room_event_t event = {.type = ES_EVENT_PARTIAL,
                             .member = msg->session,
                             .name = es_room_seated_name(member),
                             .text = msg->text,
                             .stream = msg->stream,
                             .start = msg->start,
                             .end = msg->end};
    es_room_happen(self, &event, rq->now);
}

/* ---- order */

typedef struct {
    uint32_t kind;
    bool (*valid)(es_room_t *self, const es_msg_t *msg);
    /* Answers. True: it is taken, and never will be again. member: whoever its session is, or NULL. */
    bool (*take)(es_room_t *self, const es_room_request_t *rq, es_room_seated_t *member);
    /* Answers a valid one that was taken before. */
    void (*again)(es_room_t *self, const es_room_request_t *rq);
} operation_t;

static const operation_t operations[] = {{ES_ROOM_JOIN, join_valid, join, join_again},
                                         {ES_ROOM_LEAVE, leave_valid, leave, leave_again},
                                         {ES_ROOM_SAY, say_valid, say, say_again},
                                         {ES_ROOM_CAPTION, caption_valid, caption, caption_again}};

static const operation_t *operation_of(uint32_t kind)
{
    const operation_t *of = operations;
    while (of->kind != kind) of++;
    return of;
}

static void take(es_room_t *self, const operation_t *of, const es_room_request_t *rq, es_room_seated_t *member)
{
    const es_msg_t *msg = rq->msg;
    if (!of->take(self, rq, member)) return;
    member = es_room_members_find(&self->members, msg->session);
    es_room_members_take(&self->members, member, msg->client, msg->seq);
}

void es_room_operate(es_room_t *self, const es_room_request_t *rq)
{
    const es_msg_t *msg = rq->msg;
    const operation_t *of = operation_of(msg->kind);
    if (msg->base == 0 || msg->base > msg->seq || !es_room_word_valid(msg->session, ES_SESSION_MAX)) {
        stats(self)->malformed++;
        return;
    }
    es_room_seated_t *member = es_room_members_find(&self->members, msg->session);
    /* Who is no member may join, whatever it did before; unless it said that it leaves: then this may be a copy of the JOIN before that. */
    bool anew = !member && msg->kind == ES_ROOM_JOIN && !es_room_members_left(&self->members, msg->client);
    uint64_t taken = anew ? 0 : es_room_members_taken(&self->members, member, msg->client);
    bool again = msg->seq <= taken;
    if (!again && msg->seq > taken + 1 && msg->seq > msg->base) {
        stats(self)->early++;
    } else if (!of->valid(self, msg)) {
        refuse(self, rq, ES_ROOM_BAD_REQUEST);
        if (!again) es_room_members_take(&self->members, member, msg->client, msg->seq);
    } else if (again) {
        stats(self)->again++;
        of->again(self, rq);
    } else {
        take(self, of, rq, member);
    }
}
