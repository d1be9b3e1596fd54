#include "room_follower.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define NEVER UINT64_MAX
#define TAIL_US 50000u
#define ASK_MIN_US 200000u
#define ASK_MAX_US 2000000u

typedef struct {
    es_room_event_t event; /* its spans point into data */
    size_t size;
    char data[];
} held_t;

typedef struct {
    uint64_t id, from, count;  /* id 0: not asked yet */
    uint64_t due_us, retry_us; /* NEVER: there is nothing to ask */
} ask_t;

enum { SPEAKERS = 32 }; /* who spoke last; of others a partial may be passed on twice */

/* The last partial or caption of a speaker's stream. */
typedef struct {
    uint64_t who; /* hash of both; 0: nobody */
    uint64_t at_ms, end;
} spoken_t;

/* at <= last;  at + 1 < held[0] < held[1] ... <= last */
struct es_room_follower {
    const es_room_follower_ops_t *ops;
    void *ctx;
    es_room_follower_config_t config;
    uint64_t log, at, last;
    bool known, wants_state;
    uint64_t heard_log, heard_last; /* news that no state has made sense of yet */
    held_t **held;
    size_t held_n, held_cap, held_bytes;
    ask_t ask;
    uint64_t asked;   /* ids given out; never one twice, so that a late answer is known as such */
    uint64_t at_ms;   /* of the last event given out */
    spoken_t *spoken; /* SPEAKERS; NULL: nobody has spoken yet */
    size_t spoken_next;
};

es_room_follower_config_t es_room_follower_defaults(void)
{
    return (es_room_follower_config_t){.backlog = 100, .held_max = 1024, .held_bytes = 1u << 20, .fetch_page = 256};
}

es_room_follower_t *es_room_follower_new(const es_room_follower_config_t *config, const es_room_follower_ops_t *ops,
                                         void *ctx)
{
    es_room_follower_t *self = es_alloc_zero(sizeof *self);
    self->config = config ? *config : es_room_follower_defaults();
    self->ops = ops;
    self->ctx = ctx;
    self->asked = self->config.asked;
    self->ask.due_us = NEVER;
    return self;
}

/* ---- events held over a gap */

static void forget_held(es_room_follower_t *self, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        self->held_bytes -= self->held[i]->size;
        free(self->held[i]);
    }
    self->held_n -= n;
    if (self->held_n > 0) {
        memmove(self->held, self->held + n, self->held_n * sizeof(void *));
        return;
    }
    free(self->held);
    self->held = NULL;
    self->held_cap = 0;
}

void es_room_follower_destroy(es_room_follower_t **self_p)
{
    es_room_follower_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    forget_held(self, self->held_n);
    free(self->spoken);
    free(self);
}

static es_span_t keep(char **end, es_span_t text)
{
    if (text.len == 0) return (es_span_t){0};
    memcpy(*end, text.ptr, text.len);
    es_span_t kept = es_span_of(*end, text.len);
    *end += text.len;
    return kept;
}

static held_t *copy(const es_room_event_t *event, size_t size)
{
    held_t *held = es_alloc(size);
    *held = (held_t){.event = *event, .size = size};
    char *end = held->data;
    held->event.member = keep(&end, event->member);
    held->event.name = keep(&end, event->name);
    held->event.text = keep(&end, event->text);
    held->event.msg_id = keep(&end, event->msg_id);
    held->event.stream = keep(&end, event->stream);
    return held;
}

/* Where this number is or belongs; nearly always the end. */
static size_t place_of(const es_room_follower_t *self, uint64_t rseq)
{
    size_t i = self->held_n;
    while (i > 0 && self->held[i - 1]->event.rseq >= rseq) i--;
    return i;
}

static void hold(es_room_follower_t *self, const es_room_event_t *event)
{
    size_t i = place_of(self, event->rseq);
    if (i < self->held_n && self->held[i]->event.rseq == event->rseq) return;
    size_t size =
        sizeof(held_t) + event->member.len + event->name.len + event->text.len + event->msg_id.len + event->stream.len;
    if (self->held_n >= self->config.held_max || size > self->config.held_bytes - self->held_bytes) return;
    if (self->held_n == self->held_cap) {
        self->held_cap = self->held_cap > 0 ? self->held_cap * 2 : 8;
        held_t **grown = es_alloc(self->held_cap * sizeof(void *));
        if (self->held_n > 0) memcpy(grown, self->held, self->held_n * sizeof(void *));
        free(self->held);
        self->held = grown;
    }
    memmove(self->held + i + 1, self->held + i, (self->held_n - i) * sizeof(void *));
    self->held[i] = copy(event, size);
    self->held_n++;
    self->held_bytes += size;
}

/* ---- what is spoken: partials come from each broker, and may come after the caption that replaces them */

static uint64_t hash(uint64_t hash, es_span_t text)
{
    for (size_t i = 0; i < text.len; i++) hash = (hash ^ (uint8_t)text.ptr[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return (hash ^ 0x100) * UINT64_C(0x100000001b3);
}

static spoken_t *spoken_by(es_room_follower_t *self, const es_room_event_t *event)
{
    uint64_t who = hash(hash(UINT64_C(0xcbf29ce484222325), event->member), event->stream) | 1;
    if (!self->spoken) self->spoken = es_alloc_zero(SPEAKERS * sizeof *self->spoken);
    for (size_t i = 0; i < SPEAKERS; i++)
        if (self->spoken[i].who == who) return &self->spoken[i];
    spoken_t *spoken = &self->spoken[self->spoken_next++ % SPEAKERS];
    *spoken = (spoken_t){.who = who};
    return spoken;
}

static bool is_news(es_room_follower_t *self, const es_room_event_t *partial)
{
    if (partial->at_ms < self->at_ms) return false; /* it was overtaken by an event */
    spoken_t *last = spoken_by(self, partial);
    if (partial->at_ms < last->at_ms || (partial->at_ms == last->at_ms && partial->end <= last->end)) return false;
    last->at_ms = partial->at_ms;
    last->end = partial->end;
    return true;
}

/* ---- giving out */

static void give(es_room_follower_t *self, const es_room_event_t *event)
{
    self->at = event->rseq;
    self->at_ms = event->at_ms;
    if (event->type == ES_EVENT_CAPTION) {
        spoken_t *last = spoken_by(self, event);
        last->at_ms = event->at_ms;
        last->end = event->end;
    }
    self->ops->event(self->ctx, event);
}

/* The held events that have become the next ones. */
static void give_held(es_room_follower_t *self)
{
    size_t n = 0;
    for (; n < self->held_n && self->held[n]->event.rseq <= self->at + 1; n++)
        if (self->held[n]->event.rseq == self->at + 1) give(self, &self->held[n]->event);
    if (n > 0) forget_held(self, n);
}

static void take(es_room_follower_t *self, const es_room_event_t *event)
{
    if (event->rseq == 0) {
        if (es_room_follower_level(self) && is_news(self, event)) self->ops->event(self->ctx, event);
        return;
    }
    if (event->rseq <= self->at) return;
    if (event->rseq > self->last) self->last = event->rseq;
    if (event->rseq > self->at + 1) {
        hold(self, event);
        return;
    }
    give(self, event);
    give_held(self);
}

/* What lies below `floor` and is not held will never come. */
static void give_up_below(es_room_follower_t *self, uint64_t floor)
{
    while (self->at + 1 < floor) {
        uint64_t from = self->at + 1, next = floor;
        if (self->held_n > 0 && self->held[0]->event.rseq < floor) next = self->held[0]->event.rseq;
        self->at = next - 1;
        if (self->last < self->at) self->last = self->at;
        self->ops->missed(self->ctx, from, self->at);
        give_held(self);
    }
}

/* ---- asking for what is missing */

static void say_ask(es_room_follower_t *self, uint64_t now_us)
{
    self->ask.due_us = now_us + self->ask.retry_us;
    self->ops->fetch(self->ctx, self->ask.id, self->ask.from, self->ask.count);
}

static void ask(es_room_follower_t *self, uint64_t now_us)
{
    uint64_t end = self->held_n > 0 ? self->held[0]->event.rseq : self->last + 1;
    uint64_t count = end - self->at - 1;
    if (count > self->config.fetch_page) count = self->config.fetch_page;
    self->ask = (ask_t){.id = ++self->asked, .from = self->at + 1, .count = count, .retry_us = ASK_MIN_US};
    say_ask(self, now_us);
}

static void stop_asking(es_room_follower_t *self)
{
    self->ask = (ask_t){.due_us = NEVER};
}

static bool asked_for_next(const es_room_follower_t *self)
{
    return self->ask.id > 0 && self->at + 1 - self->ask.from < self->ask.count;
}

/* Keeps one question under way while something is missing. A tail that nothing but a state has shown is mostly on its way: that question waits a little. */
static void seek(es_room_follower_t *self, bool urgent, uint64_t now_us)
{
    if (!self->known || es_room_follower_level(self)) {
        stop_asking(self);
    } else if (asked_for_next(self)) {
        return;
    } else if (urgent || self->held_n > 0) {
        ask(self, now_us);
    } else if (self->ask.id > 0 || self->ask.due_us == NEVER) {
        stop_asking(self);
        self->ask.due_us = now_us + TAIL_US;
    }
}

uint64_t es_room_follower_tick(es_room_follower_t *self, uint64_t now_us)
{
    if (now_us < self->ask.due_us) return self->ask.due_us;
    if (self->ask.id == 0) {
        ask(self, now_us);
    } else {
        self->ask.retry_us = self->ask.retry_us * 2 < ASK_MAX_US ? self->ask.retry_us * 2 : ASK_MAX_US;
        say_ask(self, now_us);
    }
    return self->ask.due_us;
}

/* ---- what arrives */

static void begin(es_room_follower_t *self, uint64_t log, uint64_t last, uint64_t floor)
{
    forget_held(self, self->held_n);
    stop_asking(self);
    self->known = true;
    self->log = log;
    self->at = last > self->config.backlog ? last - self->config.backlog : 0;
    if (self->at + 1 < floor) self->at = floor - 1;
    self->last = last;
    if (self->heard_log == log && self->heard_last > last) self->last = self->heard_last;
    self->heard_log = self->heard_last = 0;
}

static uint64_t sane_floor(uint64_t floor, uint64_t last)
{
    return floor <= last ? floor : last + 1;
}

void es_room_follower_state(es_room_follower_t *self, uint64_t log, uint64_t last, uint64_t floor, uint64_t now_us)
{
    bool anew = !self->known || log != self->log, reset = self->known && anew;
    self->wants_state = false;
    if (anew)
        begin(self, log, last, sane_floor(floor, last));
    else if (last > self->last)
        self->last = last;
    if (reset) self->ops->reset(self->ctx, log);
    seek(self, anew, now_us);
}

/* Nothing can be made of these now, but a state that is older than they are must not hide them. */
static void hear(es_room_follower_t *self, uint64_t log, const es_room_event_t *events, size_t n)
{
    if (log != self->heard_log) self->heard_last = 0;
    self->heard_log = log;
    for (size_t i = 0; i < n; i++)
        if (events[i].rseq > self->heard_last) self->heard_last = events[i].rseq;
    self->wants_state = self->known;
}

void es_room_follower_news(es_room_follower_t *self, uint64_t log, const es_room_event_t *events, size_t n,
                           uint64_t now_us)
{
    if (!self->known || log != self->log) {
        hear(self, log, events, n);
        return;
    }
    for (size_t i = 0; i < n; i++) take(self, &events[i]);
    seek(self, false, now_us);
}

void es_room_follower_fetched(es_room_follower_t *self, uint64_t log, uint64_t id, uint64_t last, uint64_t floor,
                              const es_room_event_t *events, size_t n, uint64_t now_us)
{
    if (id == 0 || id != self->ask.id) return;
    if (log != self->log) {
        self->wants_state = true;
        return;
    }
    uint64_t before = self->at;
    if (last > self->last) self->last = last;
    give_up_below(self, sane_floor(floor, last));
    for (size_t i = 0; i < n; i++) {
        give_up_below(self, events[i].rseq); /* what is not in between was left out of the history */
        take(self, &events[i]);
    }
    /* An answer that brings nothing comes from an actor that is behind: the question stays, and is asked again at its time. */
    if (self->at > before) stop_asking(self);
    seek(self, true, now_us);
}

bool es_room_follower_known(const es_room_follower_t *self)
{
    return self->known;
}

uint64_t es_room_follower_log(const es_room_follower_t *self)
{
    return self->log;
}

uint64_t es_room_follower_at(const es_room_follower_t *self)
{
    return self->at;
}

bool es_room_follower_level(const es_room_follower_t *self)
{
    return self->known && self->at >= self->last;
}

bool es_room_follower_wants_state(const es_room_follower_t *self)
{
    return self->wants_state;
}
