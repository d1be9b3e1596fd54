/* What is kept of a log: the last messages and captions, as many of the joins and leaves, and nothing that is too old. So whoever comes and goes without end
 * pushes out nothing that was said. What is given up of the oldest raises the floor; joins and leaves between messages leave holes. */
#include "room_state.h"

#define LOOK_US (60 * UINT64_C(1000000)) /* between two looks for events that are too old */

static bool is_move(const es_room_event_t *event)
{
    return event->type == ES_EVENT_JOINED || event->type == ES_EVENT_LEFT;
}

static uint64_t *count_of(es_room_log_t *log, const es_room_event_t *event)
{
    return is_move(event) ? &log->moves : &log->said;
}

static void one_less(uint64_t *count)
{
    if (*count > 0) --*count;
}

/* ---- from the oldest on */

typedef struct {
    const es_room_t *room;
    uint64_t before_ms; /* what is older goes */
    uint64_t passed;
    es_room_log_t log; /* as it will be */
} pass_t;

static bool pass(void *arg, const es_room_event_t *event)
{
    pass_t *self = arg;
    if (event->at_ms >= self->before_ms && self->log.said <= self->room->shared->history) return false;
    one_less(count_of(&self->log, event));
    self->log.floor = event->rseq + 1;
    self->passed++;
    return true;
}

/* Returns how many it gave up, a turn's worth at most. */
static uint64_t raise_floor(es_room_t *self, uint64_t before_ms)
{
    pass_t over = {.room = self, .before_ms = before_ms, .log = self->log};
    if (self->log.floor <= self->log.last)
        self->ops->read(self->ctx, self->log.floor, ES_ROOM_EXPIRIES_A_TURN, pass, &over);
    if (over.passed == 0) return 0;
    self->shared->stats.given_up += over.passed;
    self->log = over.log;
    self->ops->floor(self->ctx, self->log.floor);
    return over.passed;
}

/* ---- joins and leaves */

static bool find_move(void *arg, const es_room_event_t *event)
{
    uint64_t *found = arg;
    if (is_move(event)) *found = event->rseq;
    return *found == 0;
}

static void drop_move(es_room_t *self)
{
    uint64_t from = self->moves_from > self->log.floor ? self->moves_from : self->log.floor, found = 0;
    if (from <= self->log.last) self->ops->read(self->ctx, from, self->log.last + 1 - from, find_move, &found);
    self->moves_from = found > 0 ? found + 1 : self->log.last + 1;
    one_less(&self->log.moves);
    if (found == 0) return;
    self->shared->stats.given_up++;
    if (found > self->log.floor) {
        self->ops->drop(self->ctx, found);
    } else {
        self->log.floor = found + 1;
        self->ops->floor(self->ctx, self->log.floor);
    }
}

static uint64_t drop_moves(es_room_t *self)
{
    uint64_t n = 0;
    for (; self->log.moves > self->shared->history && n < ES_ROOM_EXPIRIES_A_TURN; n++) drop_move(self);
    return n;
}

/* ---- when */

void es_room_count(es_room_t *self, const es_room_event_t *event)
{
    ++*count_of(&self->log, event);
    if (self->log.said > self->shared->history) raise_floor(self, 0);
    drop_moves(self);
}

uint64_t es_room_give_up_old(es_room_t *self, es_room_now_t now)
{
    if (now.us < self->look_us) return self->look_us;
    uint64_t before_ms = now.ms - es_room_sooner(now.ms, self->shared->age_ms);
    bool more = raise_floor(self, before_ms) == ES_ROOM_EXPIRIES_A_TURN;
    more = drop_moves(self) == ES_ROOM_EXPIRIES_A_TURN || more; /* it may have been loaded under another setting */
    self->look_us = now.us + (more ? 0 : LOOK_US);
    return self->look_us;
}
