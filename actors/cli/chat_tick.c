/* What time brings: connections made and given up, lines sent, the end. */
#include "chat_session_state.h"

#include <stdlib.h>

#define STABLE_US ES_BACKOFF_MAX_US /* inside for so long, a connection was a good one */
#define LEAVE_US UINT64_C(2000000)
#define FULL_QUEUE_US UINT64_C(20000)
#define STALL_US UINT64_C(2000000) /* late by so much, this process did not run and could not hear */

static void tell_down(es_chat_session_t *self, bool inside)
{
    if (inside)
        es_chat_note(self, ES_CHAT_WARNING, "the connection to %s is lost: %s; connecting again", es_chat_address(self),
                     self->why);
    else if (!es_chat_entered(self) && self->backoff.failures == 0)
        es_chat_note(self, ES_CHAT_WARNING, "cannot enter %s at %s: %s; trying on for %.1f s", self->options->room,
                     es_chat_address(self), self->why, (double)self->options->connect_us / 1e6);
}

void es_chat_fall_back(es_chat_session_t *self)
{
    bool inside = self->state == INSIDE;
    tell_down(self, inside);
    es_chat_goto(self, WAITING);
    self->failed = self->unavailable = self->asked_history = false;
    self->due_us =
        self->now_us + es_backoff_lost(&self->backoff, inside && self->now_us - self->inside_us >= STABLE_US);
    self->address = (self->address + 1) % self->options->address_count;
    es_chat_outbox_lost(self->outbox);
}

static void lower(uint64_t *wake, uint64_t to)
{
    if (to < *wake) *wake = to;
}

static void tick_waiting(es_chat_session_t *self, uint64_t *wake)
{
    lower(wake, self->due_us);
    if (self->now_us < self->due_us) return;
    es_chat_goto(self, CONNECTING);
    self->due_us = self->now_us + self->options->connect_us;
    self->ops->connect(self->ctx, self->address);
}

static void tick_connecting(es_chat_session_t *self, uint64_t *wake)
{
    lower(wake, self->due_us);
    if (self->now_us >= self->due_us)
        es_chat_fail(self, "no answer within %.1f s", (double)self->options->connect_us / 1e6);
}

static void watch_silence(es_chat_session_t *self, uint64_t *wake)
{
    uint64_t ask_us = self->heard_us + self->options->silence_us / 2;
    uint64_t end_us = self->heard_us + self->options->silence_us;
    if (self->now_us >= end_us)
        es_chat_fail(self, "it has said nothing for %.1f s", (double)(self->now_us - self->heard_us) / 1e6);
    else if (self->now_us >= ask_us && self->asked_us <= self->heard_us) {
        self->asked_us = self->now_us;
        es_chat_send(self, es_message_ping(es_chat_wall_ms(self)));
    }
    lower(wake, self->now_us >= ask_us ? end_us : ask_us);
}

static void tick_greeting(es_chat_session_t *self, uint64_t *wake)
{
    tick_connecting(self, wake);
    watch_silence(self, wake);
}

/* Has everything been shown that had happened until now, as far as one can know? */
static bool settled(const es_chat_session_t *self)
{
    return es_chat_place_caught_up(&self->place) && self->place.last >= self->said_to;
}

/* What is in the history need not be said again: first the history. */
static void say_lines(es_chat_session_t *self, uint64_t *wake)
{
    const char *text, *id;
    if (!es_chat_place_caught_up(&self->place)) return;
    while ((text = es_chat_outbox_next(self->outbox, self->now_us, &id, wake))) {
        char *message = es_message_say(self->options->room, text, id, es_chat_wall_ms(self));
        int taken = self->ops->send(self->ctx, message);
        free(message);
        if (taken == -1) {
            lower(wake, self->now_us + FULL_QUEUE_US);
            return;
        }
        es_chat_outbox_sent(self->outbox);
    }
}

/* What who waits is told changes when a line becomes late. */
static void watch_lines(const es_chat_session_t *self, uint64_t *wake)
{
    uint64_t late_us = es_chat_outbox_oldest_us(self->outbox) + ES_CHAT_SLOW_US;
    if (es_chat_outbox_count(self->outbox) && self->now_us < late_us) lower(wake, late_us);
}

static void tick_inside(es_chat_session_t *self, uint64_t *wake)
{
    watch_silence(self, wake);
    if (self->failed) return;
    say_lines(self, wake);
    watch_lines(self, wake);
    if (!self->ending || es_chat_outbox_count(self->outbox) || (self->settle && !settled(self))) return;
    es_chat_goto(self, LEAVING);
    self->due_us = self->now_us + LEAVE_US;
    es_chat_send(self, es_message_leave(self->options->room, es_chat_wall_ms(self)));
}

static void tick_leaving(es_chat_session_t *self, uint64_t *wake)
{
    lower(wake, self->due_us);
    if (self->failed || self->now_us >= self->due_us) es_chat_close(self, ES_CHAT_OK);
}

static void tick_closing(es_chat_session_t *self, uint64_t *wake)
{
    lower(wake, self->due_us);
    if (self->now_us >= self->due_us) es_chat_finish(self, self->status);
}

static void tick_over(es_chat_session_t *self, uint64_t *wake)
{
    lower(wake, self->now_us);
}

static void (*const ticks[STATES])(es_chat_session_t *, uint64_t *) = {
    [WAITING] = tick_waiting, [CONNECTING] = tick_connecting, [GREETING] = tick_greeting, [JOINING] = tick_greeting,
    [INSIDE] = tick_inside,   [LEAVING] = tick_leaving,       [CLOSING] = tick_closing,   [OVER] = tick_over,
};

static void check_entry(es_chat_session_t *self, uint64_t *wake)
{
    uint64_t until = self->begun_us + self->options->connect_us;
    if (es_chat_entered(self) || self->state >= CLOSING) return;
    lower(wake, until);
    if (self->now_us < until) return;
    es_chat_note(self, ES_CHAT_WARNING, "cannot enter %s at %s: %s. Is the system up? Start it with: earshot up",
                 self->options->room, es_chat_address(self),
                 self->unavailable ? "no room actor answers"
                 : *self->why      ? self->why
                                   : "no answer");
    es_chat_finish(self, ES_CHAT_NO_ENTRY);
}

/* The end, where it cannot be reached by leaving. */
static void check_end(es_chat_session_t *self, uint64_t *wake)
{
    size_t unsaid = es_chat_outbox_count(self->outbox);
    if (!self->ending || self->state >= LEAVING) return;
    uint64_t until = self->progress_us + self->options->wait_us;
    lower(wake, until);
    if (self->state < INSIDE && unsaid == 0 && (!self->settle || (es_chat_entered(self) && settled(self))))
        es_chat_finish(self, es_chat_entered(self) ? ES_CHAT_OK : ES_CHAT_INTERRUPTED);
    else if (self->now_us >= until) {
        es_chat_note(self, ES_CHAT_WARNING, "nothing has been confirmed for %.1f s; leaving",
                     (double)self->options->wait_us / 1e6);
        es_chat_finish(self, ES_CHAT_UNSAID);
    }
}

static void begin_turn(es_chat_session_t *self, uint64_t now_us)
{
    if (self->begun_us == 0) self->begun_us = now_us;
    if (self->promised_us && now_us > self->promised_us + STALL_US) self->heard_us = now_us;
    self->now_us = now_us;
}

uint64_t es_chat_session_tick(es_chat_session_t *self, uint64_t now_us)
{
    es_chat_state_t before;
    uint64_t wake;
    begin_turn(self, now_us);
    do {
        before = self->state;
        wake = UINT64_MAX;
        check_entry(self, &wake);
        check_end(self, &wake);
        ticks[self->state](self, &wake);
        if (self->failed && self->state > WAITING && self->state < LEAVING) {
            self->ops->drop(self->ctx);
            es_chat_fall_back(self);
        }
    } while (self->state != before);
    self->promised_us = wake == UINT64_MAX ? 0 : wake;
    return wake;
}
