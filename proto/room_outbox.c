#include "room_outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "catalogue.h"
#include "ring.h"

#define NEVER UINT64_MAX
#define RETRY_MIN_US 300000u
#define RETRY_MAX_US 3000000u

typedef struct {
    es_msg_t msg; /* its spans point into data */
    uint64_t pushed_us;
    size_t body_len;
    bool answered;
    char data[]; /* the body, then the spans */
} op_t;

/* front <= base <= cursor <= next; cursor <= base + ES_OUTBOX_WINDOW */
struct es_room_outbox {
    const es_room_outbox_ops_t *ops;
    void *ctx;
    es_ring_t kept;    /* front .. next - 1 */
    uint64_t front;    /* below base only while an answer is handed out */
    uint64_t base;     /* the oldest that is not answered */
    uint64_t cursor;   /* the first that was never sent */
    uint64_t next;     /* number of the next one pushed */
    uint64_t barrier;  /* a JOIN under way, 0: none */
    uint64_t due_us;   /* NEVER: nothing is under way */
    uint64_t retry_us; /* time-out now */
    size_t open;       /* not answered */
};

/* Every text that an operation can have. */
static const size_t spans[] = {
    offsetof(es_msg_t, trace),    offsetof(es_msg_t, checkpoint), offsetof(es_msg_t, text),
    offsetof(es_msg_t, service),  offsetof(es_msg_t, reason),     offsetof(es_msg_t, name),
    offsetof(es_msg_t, language), offsetof(es_msg_t, client),     offsetof(es_msg_t, session),
    offsetof(es_msg_t, msg_id),   offsetof(es_msg_t, room),       offsetof(es_msg_t, stream),
};
enum { SPANS = sizeof spans / sizeof spans[0] };

static es_span_t *span_at(es_msg_t *msg, size_t i)
{
    return (es_span_t *)((char *)msg + spans[i]);
}

static op_t *copy(const es_msg_t *msg, const void *body, size_t len, uint64_t now_us)
{
    es_msg_t mine = *msg;
    size_t size = sizeof(op_t) + len;
    for (size_t i = 0; i < SPANS; i++) size += span_at(&mine, i)->len;
    op_t *op = es_alloc(size);
    *op = (op_t){.msg = mine, .pushed_us = now_us, .body_len = len};
    char *end = op->data;
    if (len > 0) memcpy(end, body, len);
    end += len;
    for (size_t i = 0; i < SPANS; i++) {
        es_span_t *span = span_at(&op->msg, i);
        if (span->len > 0) memcpy(end, span->ptr, span->len);
        *span = es_span_of(span->len > 0 ? end : NULL, span->len);
        end += span->len;
    }
    return op;
}

es_room_outbox_t *es_room_outbox_new(const es_room_outbox_ops_t *ops, void *ctx)
{
    es_room_outbox_t *self = es_alloc_zero(sizeof *self);
    self->ops = ops;
    self->ctx = ctx;
    self->front = self->base = self->cursor = self->next = 1;
    self->due_us = NEVER;
    self->retry_us = RETRY_MIN_US;
    return self;
}

void es_room_outbox_begin_after(es_room_outbox_t *self, uint64_t last)
{
    assert(self->next == self->front);
    self->front = self->base = self->cursor = self->next = last + 1;
}

uint64_t es_room_outbox_last(const es_room_outbox_t *self)
{
    return self->next - 1;
}

void es_room_outbox_destroy(es_room_outbox_t **self_p)
{
    es_room_outbox_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (void *op; (op = es_ring_pop(&self->kept));) free(op);
    es_ring_fini(&self->kept);
    free(self);
}

static op_t *op_at(const es_room_outbox_t *self, uint64_t seq)
{
    return seq >= self->front ? es_ring_at(&self->kept, seq - self->front) : NULL;
}

static void transmit(es_room_outbox_t *self, op_t *op)
{
    ES_SET(&op->msg, ES_M_BASE, base, self->base);
    self->ops->send(self->ctx, &op->msg, op->body_len > 0 ? op->data : NULL, op->body_len);
}

/* Sends what was never sent, as far as window and barrier allow. */
static void pump(es_room_outbox_t *self, uint64_t now_us)
{
    while (self->cursor < self->next && self->cursor - self->base < ES_OUTBOX_WINDOW && self->barrier == 0) {
        op_t *op = op_at(self, self->cursor);
        if (op->msg.kind == ES_ROOM_JOIN) self->barrier = self->cursor;
        if (self->due_us == NEVER) self->due_us = now_us + self->retry_us;
        self->cursor++;
        transmit(self, op);
    }
}

static void send_again(es_room_outbox_t *self)
{
    for (uint64_t seq = self->base; seq < self->cursor; seq++) {
        op_t *op = op_at(self, seq);
        if (!op->answered) transmit(self, op);
    }
}

int es_room_outbox_push(es_room_outbox_t *self, const es_msg_t *msg, const void *body, size_t len, uint64_t now_us)
{
    if (self->open >= ES_OUTBOX_MAX) return -1;
    op_t *op = copy(msg, body, len, now_us);
    op->msg.seq = self->next++;
    es_ring_push(&self->kept, op);
    self->open++;
    pump(self, now_us);
    return 0;
}

/* Any answer ends the back-off. Only one of the oldest starts the timer anew: one out of order shows that the oldest one's is late or lost. */
static void rearm(es_room_outbox_t *self, bool advanced, uint64_t now_us)
{
    uint64_t due = now_us + RETRY_MIN_US;
    self->retry_us = RETRY_MIN_US;
    if (self->base == self->cursor)
        self->due_us = NEVER;
    else if (advanced || due < self->due_us)
        self->due_us = due;
}

static void release(es_room_outbox_t *self)
{
    for (; self->front < self->base; self->front++) free(es_ring_pop(&self->kept));
    if (self->kept.count == 0) es_ring_fini(&self->kept);
}

void es_room_outbox_answer(es_room_outbox_t *self, const es_msg_t *answer, const void *body, size_t len,
                           uint64_t now_us)
{
    if (answer->seq < self->base || answer->seq >= self->cursor) return;
    op_t *op = op_at(self, answer->seq);
    if (op->answered) return;
    op->answered = true;
    self->open--;
    if (self->barrier == answer->seq) self->barrier = 0;
    uint64_t before = self->base;
    while (self->base < self->cursor && op_at(self, self->base)->answered) self->base++;
    rearm(self, self->base > before, now_us);
    self->ops->answered(self->ctx, &op->msg, answer, body, len);
    release(self);
    pump(self, now_us);
}

uint64_t es_room_outbox_tick(es_room_outbox_t *self, uint64_t now_us)
{
    if (now_us < self->due_us) return self->due_us;
    self->retry_us = self->retry_us * 2 < RETRY_MAX_US ? self->retry_us * 2 : RETRY_MAX_US;
    self->due_us = now_us + self->retry_us;
    send_again(self);
    return self->due_us;
}

void es_room_outbox_kick(es_room_outbox_t *self, uint64_t now_us)
{
    if (self->base == self->cursor) return;
    self->retry_us = RETRY_MIN_US;
    self->due_us = now_us + self->retry_us;
    send_again(self);
}

bool es_room_outbox_answered(const es_room_outbox_t *self, uint64_t seq)
{
    const op_t *op = op_at(self, seq);
    return seq < self->base || (op && op->answered);
}

size_t es_room_outbox_count(const es_room_outbox_t *self)
{
    return self->open;
}

size_t es_room_outbox_count_of(const es_room_outbox_t *self, uint32_t kind)
{
    size_t n = 0;
    const op_t *op;
    for (uint64_t seq = self->base; (op = op_at(self, seq)); seq++) n += op->msg.kind == kind && !op->answered;
    return n;
}

uint64_t es_room_outbox_since(const es_room_outbox_t *self)
{
    const op_t *op = op_at(self, self->base);
    return op ? op->pushed_us : 0;
}
