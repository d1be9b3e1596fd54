#include "chat_outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum {
    RATE =
        100, /* the server's default, of which a half of the burst is used: lines may arrive closer together than they left */
    BURST = 400,
    WINDOW = 32, /* under way; the server takes 64 */
    ID_MAX = 40,
};
#define SECOND_US UINT64_C(1000000)
#define PAUSE_MIN_US UINT64_C(250000)
#define PAUSE_MAX_US UINT64_C(5000000)
#define ANSWERS_US UINT64_C(10000000) /* for the answers to what was under way when one was refused */

typedef struct line {
    struct line *next;
    bool sent;  /* on this connection, and not known to be refused */
    bool there; /* seen in the room */
    uint64_t added_us;
    char id[ID_MAX];
    char text[];
} line_t;

struct es_chat_outbox {
    es_chat_outbox_limits_t limits;
    line_t *head, **tail;
    size_t count, under_way; /* under_way: lines without an answer */
    uint64_t added;          /* ever */
    size_t window, window_max;
    uint64_t rate, burst, credit_us, credit_max_us, credited_us; /* a line costs 1 / rate seconds of credit */
    bool refused;                                                /* waiting to begin again */
    uint64_t pause_us, again_us, give_up_us;
};

es_chat_outbox_t *es_chat_outbox_new(const es_chat_outbox_limits_t *limits)
{
    es_chat_outbox_t *self = es_alloc_zero(sizeof *self);
    self->limits = *limits;
    self->tail = &self->head;
    es_chat_outbox_allow(self, 0, 0, 0);
    self->credit_us = self->credit_max_us;
    return self;
}

static void drop(es_chat_outbox_t *self, line_t **at)
{
    line_t *line = *at;
    *at = line->next;
    if (self->tail == &line->next) self->tail = at;
    self->count--;
    free(line);
}

void es_chat_outbox_destroy(es_chat_outbox_t **self_p)
{
    es_chat_outbox_t *self = *self_p;
    if (!self) return;
    while (self->head) drop(self, &self->head);
    free(self);
    *self_p = NULL;
}

static uint64_t bounded(uint64_t value, uint64_t otherwise, uint64_t max)
{
    if (value == 0) return otherwise;
    return value < max ? value : max;
}

void es_chat_outbox_allow(es_chat_outbox_t *self, uint64_t rate, uint64_t burst, uint64_t unsaid)
{
    self->rate = bounded(rate, RATE, SECOND_US); /* a millionth of a second is the least cost */
    self->burst = bounded(burst, BURST, SECOND_US);
    self->credit_max_us = (self->burst + 1) / 2 * SECOND_US / self->rate;
    self->window_max = bounded(unsaid, WINDOW, WINDOW);
    self->window = self->window_max;
    if (self->credit_us > self->credit_max_us) self->credit_us = self->credit_max_us;
}

int es_chat_outbox_add(es_chat_outbox_t *self, const char *text, uint64_t now_us)
{
    if (self->count >= self->limits.capacity) return -1;
    size_t len = strlen(text);
    line_t *line = es_alloc(sizeof *line + len + 1);
    *line = (line_t){.added_us = now_us};
    snprintf(line->id, sizeof line->id, "%016llx-%llu", (unsigned long long)self->limits.id,
             (unsigned long long)++self->added);
    memcpy(line->text, text, len + 1);
    *self->tail = line;
    self->tail = &line->next;
    self->count++;
    return 0;
}

static void earn(es_chat_outbox_t *self, uint64_t now_us)
{
    uint64_t passed = now_us > self->credited_us ? now_us - self->credited_us : 0;
    self->credit_us = passed > self->credit_max_us - self->credit_us ? self->credit_max_us : self->credit_us + passed;
    self->credited_us = now_us;
}

static void begin_again(es_chat_outbox_t *self)
{
    for (line_t *line = self->head; line; line = line->next) line->sent = false;
    self->under_way = 0;
    self->refused = false;
    self->window = 1;
}

/* Is sending held up by a refusal? */
static bool held_up(es_chat_outbox_t *self, uint64_t now_us, uint64_t *wake_us)
{
    if (!self->refused) return false;
    uint64_t until = self->under_way ? self->give_up_us : self->again_us;
    if (now_us >= until) {
        begin_again(self);
        return false;
    }
    if (until < *wake_us) *wake_us = until;
    return true;
}

static line_t *first_waiting(const es_chat_outbox_t *self)
{
    line_t *line = self->head;
    while (line && line->sent) line = line->next;
    return line;
}

const char *es_chat_outbox_next(es_chat_outbox_t *self, uint64_t now_us, const char **msg_id, uint64_t *wake_us)
{
    if (held_up(self, now_us, wake_us) || self->under_way >= self->window) return NULL;
    line_t *line = first_waiting(self);
    if (!line) return NULL;
    uint64_t cost = SECOND_US / self->rate;
    earn(self, now_us);
    if (self->credit_us < cost) {
        uint64_t due = now_us + cost - self->credit_us;
        if (due < *wake_us) *wake_us = due;
        return NULL;
    }
    *msg_id = line->id;
    return line->text;
}

void es_chat_outbox_sent(es_chat_outbox_t *self)
{
    line_t *line = first_waiting(self);
    if (!line) return;
    line->sent = true;
    self->under_way++;
    self->credit_us -= SECOND_US / self->rate;
}

static line_t **find(es_chat_outbox_t *self, const char *msg_id)
{
    line_t **at = &self->head;
    while (*at && strcmp((*at)->id, msg_id) != 0) at = &(*at)->next;
    return at;
}

void es_chat_outbox_said(es_chat_outbox_t *self, const char *msg_id)
{
    line_t **at = find(self, msg_id);
    if (!*at) return;
    if ((*at)->sent && self->under_way) self->under_way--;
    if (self->window < self->window_max) self->window++;
    self->pause_us = 0;
    drop(self, at);
}

void es_chat_outbox_seen(es_chat_outbox_t *self, const char *msg_id)
{
    line_t **at = find(self, msg_id);
    if (*at && (*at)->sent)
        (*at)->there = true;
    else if (*at)
        drop(self, at);
}

static uint64_t pause(es_chat_outbox_t *self)
{
    self->pause_us = self->pause_us ? self->pause_us * 2 : PAUSE_MIN_US;
    if (self->pause_us > PAUSE_MAX_US) self->pause_us = PAUSE_MAX_US;
    return self->pause_us;
}

char *es_chat_outbox_refused(es_chat_outbox_t *self, const char *msg_id, bool for_good, uint64_t now_us)
{
    line_t **at = find(self, msg_id);
    if (self->under_way) self->under_way--;
    if (for_good && *at) {
        char *text = es_alloc_copy((*at)->text, strlen((*at)->text));
        drop(self, at);
        return text;
    }
    if (!self->refused) {
        self->again_us = now_us + pause(self);
        self->give_up_us = now_us + ANSWERS_US;
    }
    self->refused = true;
    return NULL;
}

void es_chat_outbox_lost(es_chat_outbox_t *self)
{
    for (line_t **at = &self->head; *at;)
        if ((*at)->there)
            drop(self, at);
        else
            at = &(*at)->next;
    begin_again(self);
    self->window = self->window_max;
}

size_t es_chat_outbox_count(const es_chat_outbox_t *self)
{
    return self->count;
}

size_t es_chat_outbox_room(const es_chat_outbox_t *self)
{
    return self->limits.capacity - self->count;
}

uint64_t es_chat_outbox_oldest_us(const es_chat_outbox_t *self)
{
    return self->head ? self->head->added_us : 0;
}

const char *es_chat_outbox_text(const es_chat_outbox_t *self, size_t i)
{
    const line_t *line = self->head;
    while (line && i--) line = line->next;
    return line ? line->text : NULL;
}
