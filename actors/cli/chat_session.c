#include "chat_session_state.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "chat_text.h"

#define CLOSE_US UINT64_C(1000000)
enum { HISTORY_MAX = 100 };

static const unsigned successors[STATES] = {
    [WAITING] = 1u << CONNECTING | 1u << OVER,
    [CONNECTING] = 1u << GREETING | 1u << WAITING | 1u << OVER,
    [GREETING] = 1u << JOINING | 1u << WAITING | 1u << OVER,
    [JOINING] = 1u << INSIDE | 1u << WAITING | 1u << CLOSING | 1u << OVER,
    [INSIDE] = 1u << LEAVING | 1u << WAITING | 1u << OVER,
    [LEAVING] = 1u << CLOSING | 1u << OVER,
    [CLOSING] = 1u << OVER,
};

void es_chat_goto(es_chat_session_t *self, es_chat_state_t state)
{
    assert(successors[self->state] & 1u << state);
    self->state = state;
}

void es_chat_note(es_chat_session_t *self, es_chat_weight_t weight, const char *format, ...)
{
    char text[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    self->ops->note(self->ctx, weight, text);
}

void es_chat_fail(es_chat_session_t *self, const char *format, ...)
{
    va_list args;
    if (self->failed) return;
    self->failed = true;
    va_start(args, format);
    vsnprintf(self->why, sizeof self->why, format, args);
    va_end(args);
}

void es_chat_send(es_chat_session_t *self, char *text)
{
    if (self->ops->send(self->ctx, text) == -1) es_chat_fail(self, "it does not read what is sent");
    free(text);
}

uint64_t es_chat_wall_ms(const es_chat_session_t *self)
{
    return (self->now_us + self->options->wall_us) / 1000;
}

void es_chat_finish(es_chat_session_t *self, int status)
{
    es_chat_goto(self, OVER);
    if (status == ES_CHAT_OK && es_chat_outbox_count(self->outbox)) status = ES_CHAT_UNSAID;
    if (status == ES_CHAT_OK && self->refused) status = ES_CHAT_REFUSED;
    self->status = status;
}

void es_chat_close(es_chat_session_t *self, int status)
{
    es_chat_goto(self, CLOSING);
    self->status = status;
    self->due_us = self->now_us + CLOSE_US;
    self->ops->close(self->ctx);
}

es_chat_session_t *es_chat_session_new(const es_chat_options_t *options, const es_chat_ops_t *ops, void *ctx)
{
    es_chat_session_t *self = es_alloc_zero(sizeof *self);
    es_chat_outbox_limits_t limits = {.capacity = options->pending, .id = options->seed};
    self->options = options;
    self->ops = ops;
    self->ctx = ctx;
    es_backoff_init(&self->backoff, options->address_count, options->seed);
    self->outbox = es_chat_outbox_new(&limits);
    return self;
}

void es_chat_session_destroy(es_chat_session_t **self_p)
{
    es_chat_session_t *self = *self_p;
    if (!self) return;
    es_chat_outbox_destroy(&self->outbox);
    es_chat_place_fini(&self->place);
    free(self->session);
    free(self->token);
    free(self->fresh_session);
    free(self->fresh_token);
    free(self);
    *self_p = NULL;
}

const char *es_chat_address(const es_chat_session_t *self)
{
    return self->options->addresses[self->address];
}

bool es_chat_entered(const es_chat_session_t *self)
{
    return self->place.log != NULL;
}

void es_chat_session_open(es_chat_session_t *self, uint64_t now_us)
{
    self->now_us = self->heard_us = now_us;
    if (self->state != CONNECTING) return;
    es_chat_goto(self, GREETING);
    if (self->token) es_chat_send(self, es_message_resume(self->token, NULL, es_chat_wall_ms(self)));
}

void es_chat_session_down(es_chat_session_t *self, const char *why, uint64_t now_us)
{
    self->now_us = now_us;
    if (self->state == WAITING || self->state == OVER) return;
    if (self->state >= LEAVING) {
        es_chat_finish(self, self->status);
        return;
    }
    if (!self->failed) snprintf(self->why, sizeof self->why, "%s", why);
    es_chat_fall_back(self);
}

int es_chat_session_say(es_chat_session_t *self, const char *line, size_t len)
{
    char *clean = es_chat_text_clean(line, len);
    size_t pieces = 0, n;
    for (const char *p = clean; (n = es_chat_text_piece(p)); p += n) pieces++;
    bool taken = pieces <= es_chat_outbox_room(self->outbox);
    for (char *p = clean; taken && (n = es_chat_text_piece(p)); p += n) {
        char *piece = es_alloc_copy(p, n);
        es_chat_outbox_add(self->outbox, piece, self->now_us);
        free(piece);
    }
    free(clean);
    return taken ? 0 : -1;
}

bool es_chat_session_full(const es_chat_session_t *self)
{
    return es_chat_outbox_room(self->outbox) < ES_CHAT_PIECES_MAX;
}

bool es_chat_session_who(es_chat_session_t *self)
{
    if (self->state != INSIDE) return false;
    es_chat_send(self, es_message_who(self->options->room, es_chat_wall_ms(self)));
    return true;
}

bool es_chat_session_history(es_chat_session_t *self, unsigned count)
{
    if (self->state != INSIDE) return false;
    if (self->place.oldest <= 1) {
        es_chat_note(self, ES_CHAT_NOTE, "nothing happened before this");
        return true;
    }
    unsigned limit = count < 1 ? 1 : count > HISTORY_MAX ? HISTORY_MAX : count;
    self->asked_history = true;
    es_chat_send(self, es_message_history(self->options->room, self->place.oldest, limit, es_chat_wall_ms(self)));
    return true;
}

void es_chat_session_end(es_chat_session_t *self, bool settle)
{
    if (!self->ending) self->progress_us = self->now_us;
    self->settle = settle;
    self->ending = true;
}

void es_chat_session_abort(es_chat_session_t *self)
{
    if (self->state == OVER) return;
    es_chat_goto(self, OVER);
    self->status = ES_CHAT_INTERRUPTED;
}

bool es_chat_session_inside(const es_chat_session_t *self)
{
    return self->state == INSIDE;
}

bool es_chat_session_ending(const es_chat_session_t *self)
{
    return self->ending;
}

bool es_chat_session_over(const es_chat_session_t *self)
{
    return self->state == OVER;
}

int es_chat_session_status(const es_chat_session_t *self)
{
    return self->status;
}

const char *es_chat_session_unsaid(const es_chat_session_t *self, size_t i)
{
    return es_chat_outbox_text(self->outbox, i);
}

static void state_inside(const es_chat_session_t *self, char *out, size_t cap)
{
    size_t unsaid = es_chat_outbox_count(self->outbox);
    uint64_t oldest = es_chat_outbox_oldest_us(self->outbox);
    const char *why = self->unavailable ? "the room does not answer; " : "";
    if (unsaid && (self->ending || self->unavailable || self->now_us - oldest >= ES_CHAT_SLOW_US))
        snprintf(out, cap, "%s%zu line%s not confirmed yet%s", why, unsaid, unsaid == 1 ? "" : "s",
                 self->ending ? "; Ctrl-C leaves without" : "");
    else if (self->unavailable)
        snprintf(out, cap, "the room does not answer");
}

void es_chat_session_state(const es_chat_session_t *self, char *out, size_t cap)
{
    uint64_t left = self->due_us > self->now_us ? self->due_us - self->now_us : 0;
    *out = '\0';
    if (self->state == WAITING && *self->why)
        snprintf(out, cap, "connecting again in %.0f s (%s)", (double)left / 1e6, self->why);
    else if (self->state == INSIDE)
        state_inside(self, out, cap);
    else if (self->state == JOINING && self->unavailable)
        snprintf(out, cap, "entering %s: the room does not answer", self->options->room);
    else if (self->state < INSIDE)
        snprintf(out, cap, "connecting to %s", es_chat_address(self));
    else if (self->state < OVER)
        snprintf(out, cap, "leaving");
}
