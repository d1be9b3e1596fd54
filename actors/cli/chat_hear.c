/* What the server says. */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "chat_session_state.h"

typedef unsigned long long ull_t;

static void replace(char **field, const char *text)
{
    char *fresh = es_alloc_copy(text, strlen(text));
    free(*field);
    *field = fresh;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static void show(es_chat_session_t *self, const es_message_t *m)
{
    self->ops->show(self->ctx, m);
}

static void join(es_chat_session_t *self)
{
    es_chat_goto(self, JOINING);
    es_chat_send(self, es_message_join(self->options->room, self->options->name, self->place.log, self->place.last,
                                       es_chat_wall_ms(self)));
}

static void begin_session(es_chat_session_t *self, bool resumed, const char *session, const char *token)
{
    self->resumed = resumed;
    replace(&self->session, session);
    replace(&self->token, token);
    join(self);
}

static void hear_welcome(es_chat_session_t *self, const es_message_t *m)
{
    show(self, m);
    if (self->state != GREETING) return;
    es_chat_outbox_allow(self->outbox, m->say_rate, m->say_burst, m->max_pending);
    replace(&self->fresh_session, m->session);
    replace(&self->fresh_token, m->token);
    if (!self->token) begin_session(self, false, m->session, m->token);
}

static void not_resumed(es_chat_session_t *self, const char *why)
{
    if (self->state != GREETING || !self->fresh_session) return;
    es_chat_note(self, ES_CHAT_WARNING, "the server did not take up the session: %s; this is another member now",
                 *why ? why : "no reason given");
    begin_session(self, false, self->fresh_session, self->fresh_token);
}

static void hear_resumed(es_chat_session_t *self, const es_message_t *m)
{
    show(self, m);
    if (self->state != GREETING) return;
    if (m->ok)
        begin_session(self, true, m->session, m->token);
    else
        not_resumed(self, m->text);
}

static void tell_first(es_chat_session_t *self, const es_message_t *m)
{
    uint64_t history = self->options->history;
    self->hidden_to = m->rseq > history ? m->rseq - history : 0;
    if (self->place.oldest <= self->hidden_to) self->place.oldest = self->hidden_to + 1;
    if (self->place.oldest <= 1) return;
    es_chat_note(self, ES_CHAT_NOTE, "events before number %llu are not shown%s; /history asks for them",
                 (ull_t)self->place.oldest, m->complete ? "" : " and the first ones are no longer kept");
}

static void tell_gap(es_chat_session_t *self, const es_chat_gap_t *gap)
{
    if (gap->from > gap->to) return;
    ull_t count = gap->to - gap->from + 1;
    es_chat_note(self, ES_CHAT_WARNING,
                 "%llu event%s will never come (number %llu to %llu): the room does not keep them", count,
                 count == 1 ? "" : "s", (ull_t)gap->from, (ull_t)gap->to);
}

static void tell_again(es_chat_session_t *self, const es_message_t *m)
{
    uint64_t missed = m->rseq > self->place.last ? m->rseq - self->place.last : 0;
    if (missed)
        es_chat_note(self, ES_CHAT_WARNING, "back in %s; %llu event%s happened meanwhile:", self->options->room,
                     (ull_t)missed, missed == 1 ? "" : "s");
    else
        es_chat_note(self, ES_CHAT_WARNING, "back in %s; nothing was missed", self->options->room);
}

/* A line that was taken under the old session is known by its msg_id in the history, if all of the history has come. */
static void tell_doubles(es_chat_session_t *self, bool whole)
{
    size_t unsaid = es_chat_outbox_count(self->outbox);
    if (whole || self->resumed || unsaid == 0) return;
    es_chat_note(self, ES_CHAT_WARNING, "%zu line%s without confirmation %s said again and may be there twice", unsaid,
                 unsaid == 1 ? "" : "s", unsaid == 1 ? "is" : "are");
}

static void tell_other_log(es_chat_session_t *self)
{
    self->hidden_to = self->said_to = 0;
    es_chat_note(self, ES_CHAT_WARNING, "the room has begun another log: of what was said before, nothing more comes");
}

static void hear_entered(es_chat_session_t *self, const es_message_t *m)
{
    es_chat_gap_t gap;
    show(self, m);
    if (self->state == JOINING) {
        es_chat_goto(self, INSIDE);
        self->inside_us = self->now_us;
    }
    if (self->state != INSIDE) return;
    self->unavailable = false;
    self->progress_us = self->now_us;
    es_chat_entry_t entry = es_chat_place_enter(&self->place, m->log, m->rseq, m->from, &gap);
    if (entry == ES_CHAT_FIRST) tell_first(self, m);
    if (entry == ES_CHAT_OTHER_LOG) tell_other_log(self);
    tell_gap(self, &gap);
    if (entry == ES_CHAT_GOES_ON) tell_again(self, m);
    if (entry != ES_CHAT_FIRST) tell_doubles(self, entry == ES_CHAT_GOES_ON && gap.from > gap.to);
}

/* The answer to room.leave, not an old event of the history. */
static bool is_goodbye(const es_chat_session_t *self, const es_message_t *m)
{
    return self->state == LEAVING && m->type == ES_MESSAGE_LEFT && strcmp(m->member, self->session) == 0 &&
           (m->rseq == 0 || m->rseq > self->place.entry);
}

static void hear_event(es_chat_session_t *self, const es_message_t *m)
{
    es_chat_gap_t gap;
    if (m->rseq == 0 || is_goodbye(self, m)) /* not kept, or beyond what we wait for */
        show(self, m);
    else if (es_chat_place_take(&self->place, m->rseq, &gap)) {
        tell_gap(self, &gap);
        self->progress_us = self->now_us;
        if (m->type == ES_MESSAGE_SPOKEN) es_chat_outbox_seen(self->outbox, m->msg_id);
        if (m->rseq > self->hidden_to) show(self, m);
    }
    if (is_goodbye(self, m)) es_chat_close(self, ES_CHAT_OK);
}

static void hear_said(es_chat_session_t *self, const es_message_t *m)
{
    es_chat_outbox_said(self->outbox, m->msg_id);
    if (m->rseq > self->said_to) self->said_to = m->rseq;
    self->progress_us = self->now_us;
    self->unavailable = false;
    show(self, m);
}

static void hear_history(es_chat_session_t *self, const es_message_t *m)
{
    es_chat_gap_t gap;
    es_message_t first;
    bool any = es_message_event(m, 0, &first);
    show(self, m);
    if (m->to > self->place.last) {
        es_chat_place_skip(&self->place, m->to, &gap);
        tell_gap(self, &gap);
        return;
    }
    if (!self->asked_history) return;
    self->asked_history = false;
    if (any && first.rseq < self->place.oldest) self->place.oldest = first.rseq;
    if (!any)
        es_chat_note(self, ES_CHAT_NOTE, m->complete ? "nothing happened before this" : "nothing older is kept");
    else
        es_chat_note(self, ES_CHAT_NOTE, m->complete ? "that was everything" : "there was more before that");
}

/* A server that goes down asks to be left before it closes. */
static void hear_status(es_chat_session_t *self, const es_message_t *m)
{
    show(self, m);
    if (is(m->code, "draining") && self->state < LEAVING) es_chat_fail(self, "it goes down");
}

static void hear_invalid(es_chat_session_t *self, const es_message_t *m)
{
    es_chat_note(self, ES_CHAT_WARNING, "a message of the server is ignored: %s", m->text);
}

static void ignore(es_chat_session_t *self, const es_message_t *m)
{
    (void)self;
    (void)m;
}

static void line_refused(es_chat_session_t *self, const es_message_t *m)
{
    bool for_now = is(m->code, "rate_limited") || is(m->code, "too_many_pending");
    if (is(m->code, "not_in_room")) {
        es_chat_fail(self, "%s", m->text);
        return;
    }
    char *line = es_chat_outbox_refused(self->outbox, m->msg_id, !for_now, self->now_us);
    if (!line) return;
    self->refused = true;
    self->progress_us = self->now_us;
    es_chat_note(self, ES_CHAT_WARNING, "not taken: \"%.200s\": %s (%s)", line, m->text, m->code);
    free(line);
}

static void entry_refused(es_chat_session_t *self, const es_message_t *m)
{
    if (self->state != JOINING || is(m->code, "already_in_room")) return;
    if (es_chat_entered(self)) {
        es_chat_fail(self, "%s", m->text);
        return;
    }
    es_chat_note(self, ES_CHAT_WARNING, "%s is closed to you: %s (%s)", self->options->room, m->text, m->code);
    es_chat_close(self, ES_CHAT_REFUSED);
}

static void session_refused(es_chat_session_t *self, const es_message_t *m)
{
    not_resumed(self, m->text);
}

static void leave_refused(es_chat_session_t *self, const es_message_t *m)
{
    (void)m;
    if (self->state == LEAVING) es_chat_close(self, ES_CHAT_OK);
}

static void tell_error(es_chat_session_t *self, const es_message_t *m)
{
    es_chat_note(self, ES_CHAT_WARNING, "the server reports: %s (%s)", m->text, *m->code ? m->code : "no code");
}

static void history_refused(es_chat_session_t *self, const es_message_t *m)
{
    self->asked_history = false;
    tell_error(self, m);
}

static const struct {
    const char *ref;
    void (*hear)(es_chat_session_t *, const es_message_t *);
} refusals[] = {{"room.say", line_refused},          {"room.join", entry_refused},      {"room.leave", leave_refused},
                {"session.resume", session_refused}, {"room.history", history_refused}, {"ping", ignore}};

/* The room will answer, or be answered for, later: nothing is refused by this. */
static void room_unavailable(es_chat_session_t *self)
{
    if (!self->unavailable)
        es_chat_note(self, ES_CHAT_WARNING, "the room does not answer; what was asked waits until it does");
    self->unavailable = true;
    if (self->state == JOINING) self->due_us = UINT64_MAX;
}

static void hear_error(es_chat_session_t *self, const es_message_t *m)
{
    show(self, m);
    if (is(m->code, "room_unavailable")) {
        room_unavailable(self);
        return;
    }
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (is(m->ref, refusals[i].ref)) {
            refusals[i].hear(self, m);
            return;
        }
    tell_error(self, m);
    if (es_message_refuses_token(m)) es_chat_finish(self, ES_CHAT_REFUSED);
}

static void (*const hears[ES_MESSAGE_INVALID + 1])(es_chat_session_t *, const es_message_t *) = {
    [ES_MESSAGE_WELCOME] = hear_welcome, [ES_MESSAGE_RESUMED] = hear_resumed, [ES_MESSAGE_ENTERED] = hear_entered,
    [ES_MESSAGE_JOINED] = hear_event,    [ES_MESSAGE_LEFT] = hear_event,      [ES_MESSAGE_SPOKEN] = hear_event,
    [ES_MESSAGE_CAPTION] = hear_event,   [ES_MESSAGE_SAID] = hear_said,       [ES_MESSAGE_HISTORY] = hear_history,
    [ES_MESSAGE_ERROR] = hear_error,     [ES_MESSAGE_STATUS] = hear_status,   [ES_MESSAGE_PONG] = ignore,
    [ES_MESSAGE_INVALID] = hear_invalid,
};

void es_chat_session_hear(es_chat_session_t *self, const es_message_t *message, uint64_t now_us)
{
    self->now_us = self->heard_us = now_us;
    if (self->state < GREETING || self->state == OVER) return;
    if (hears[message->type])
        hears[message->type](self, message);
    else
        show(self, message);
}
