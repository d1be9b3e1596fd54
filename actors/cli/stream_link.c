#include "stream_link.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "backoff.h"
#include "wire.h"
#include "ws_trouble.h"

#define STABLE_US ES_BACKOFF_MAX_US /* open for so long, a connection was a good one */
#define BESIDE_US UINT64_C(5000)    /* a turn of one connection, while there are two */
#define SLEEP_MAX_US UINT64_C(1000000)

typedef struct {
    es_stream_link_t *link;
    es_ws_client_t *ws;
    size_t address;
    uint64_t at_us; /* CONNECTING: to be open; open: since */
    bool gone, listens;
    char why[200]; /* it is gone */
} line_t;

struct es_stream_link {
    const es_addresses_t *addresses;
    const es_stream_link_ops_t *ops;
    void *ctx;
    uint64_t connect_us;
    es_backoff_t backoff;
    line_t *open, *next, *left; /* next: being made; left: replaced, to be dropped */
    bool moving;
    uint64_t due_us; /* the next one, where there is none */
    size_t address;  /* of the next one */
    size_t last;     /* of the open one, or the last that was */
    char why[200];
};

/* ---- from within a connection */

static void on_open(void *ctx)
{
    line_t *line = ctx;
    es_stream_link_t *self = line->link;
    self->left = self->open;
    self->open = line;
    self->next = NULL;
    self->moving = false;
    self->last = line->address;
    line->at_us = es_now_us();
    self->ops->open(self->ctx);
}

static void on_text(void *ctx, const char *text, size_t len)
{
    line_t *line = ctx;
    if (line == line->link->open) line->link->ops->text(line->link->ctx, text, len);
}

static void on_failed(void *ctx, const char *why)
{
    line_t *line = ctx;
    const es_ws_url_t *url = &line->link->addresses->urls[line->address];
    line->gone = true;
    line->listens = es_ws_trouble_failed(url, why, line->why, sizeof line->why);
}

static void on_closed(void *ctx, unsigned code, const char *reason)
{
    line_t *line = ctx;
    if (!line->gone) es_ws_trouble_closed(code, reason, line->why, sizeof line->why);
    line->gone = true;
}

/* ---- one line */

static void drop(line_t **line_p)
{
    if (!*line_p) return;
    es_ws_client_destroy(&(*line_p)->ws);
    free(*line_p);
    *line_p = NULL;
}

static line_t *make(es_stream_link_t *self, uint64_t now_us)
{
    static const es_ws_client_ops_t ops = {.open = on_open, .text = on_text, .failed = on_failed, .closed = on_closed};
    line_t *line = es_alloc_zero(sizeof *line);
    line->link = self;
    line->address = self->address;
    line->at_us = now_us + self->connect_us;
    line->ws = es_ws_client_new(&self->addresses->urls[self->address], self->addresses->trust, &ops, line);
    return line;
}

/* ---- the link */

es_stream_link_t *es_stream_link_new(const es_addresses_t *addresses, uint64_t connect_us, uint64_t seed,
                                     const es_stream_link_ops_t *ops, void *ctx)
{
    es_stream_link_t *self = es_alloc_zero(sizeof *self);
    self->addresses = addresses;
    self->connect_us = connect_us;
    self->ops = ops;
    self->ctx = ctx;
    es_backoff_init(&self->backoff, addresses->count, seed);
    return self;
}

void es_stream_link_destroy(es_stream_link_t **self_p)
{
    es_stream_link_t *self = *self_p;
    if (!self) return;
    drop(&self->open);
    drop(&self->next);
    drop(&self->left);
    free(self);
    *self_p = NULL;
}

static void try_next(es_stream_link_t *self, bool good, uint64_t now_us)
{
    self->address = (self->address + 1) % self->addresses->count;
    self->due_us = now_us + es_backoff_lost(&self->backoff, good);
}

static void bury_open(es_stream_link_t *self, uint64_t now_us)
{
    if (!self->open || !self->open->gone) return;
    bool good = self->moving || now_us - self->open->at_us >= STABLE_US; /* one that says goodbye is coming back */
    snprintf(self->why, sizeof self->why, "%s", self->open->why);
    drop(&self->open);
    try_next(self, good, now_us);
    self->moving = false;
    self->ops->lost(self->ctx);
}

static void bury_next(es_stream_link_t *self, uint64_t now_us)
{
    line_t *line = self->next;
    if (line && !line->gone && now_us >= line->at_us) {
        line->gone = true;
        snprintf(line->why, sizeof line->why, "no answer within %.1f s", (double)self->connect_us / 1e6);
    }
    if (!line || !line->gone) return;
    self->next = NULL;
    try_next(self, false, now_us);
    self->ops->failed(self->ctx, line->address, line->why, line->listens);
    drop(&line);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void serve(es_stream_link_t *self, uint64_t wake_us, uint64_t now_us)
{
    line_t *open = self->open, *next = self->next;
    if (next) es_ws_client_turn(next->ws, open ? least(wake_us, now_us + BESIDE_US) : wake_us, now_us);
    if (open && open == self->open) es_ws_client_turn(open->ws, next ? now_us : wake_us, now_us);
    if (open || next) return;
    uint64_t wait_us = wake_us > now_us ? least(wake_us - now_us, SLEEP_MAX_US) : 0;
    poll(NULL, 0, (int)((wait_us + 999) / 1000));
}

void es_stream_link_turn(es_stream_link_t *self, uint64_t wake_us, uint64_t now_us)
{
    bool wanted = !self->open || self->moving;
    if (wanted && !self->next && now_us >= self->due_us) self->next = make(self, now_us);
    if (wanted) wake_us = least(wake_us, self->next ? self->next->at_us : self->due_us);
    serve(self, wake_us, now_us);
    drop(&self->left);
    bury_open(self, es_now_us());
    bury_next(self, es_now_us());
}

bool es_stream_link_is_open(const es_stream_link_t *self)
{
    return self->open && !self->open->gone;
}

int es_stream_link_send(es_stream_link_t *self, bool binary, const void *data, size_t len)
{
    return es_stream_link_is_open(self) ? es_ws_client_send(self->open->ws, binary, data, len) : -1;
}

size_t es_stream_link_queued(const es_stream_link_t *self)
{
    return self->open ? es_ws_client_queued(self->open->ws) : 0;
}

void es_stream_link_move(es_stream_link_t *self)
{
    if (self->moving || !self->open) return;
    self->moving = true;
    self->due_us = 0;
    self->address = (self->last + 1) % self->addresses->count;
}

void es_stream_link_fail(es_stream_link_t *self, const char *why)
{
    if (!es_stream_link_is_open(self)) return;
    self->open->gone = true;
    snprintf(self->open->why, sizeof self->open->why, "%s", why);
}

void es_stream_link_close(es_stream_link_t *self)
{
    if (self->open) es_ws_client_close(self->open->ws);
}

const char *es_stream_link_address(const es_stream_link_t *self)
{
    return self->addresses->names[self->last];
}

const char *es_stream_link_why(const es_stream_link_t *self)
{
    return self->why;
}
