/* What comes in from receiver and broker. Each handler judges in the same order: epoch, range, incarnation; only then does the message count as heard.
 * A message that fails the first two is dropped as stale and changes nothing, whatever its values. */
#include "sender_state.h"

typedef struct {
    const void *body;
    size_t len;
    uint64_t now_us;
    bool elsewhere; /* it came through another broker than the stream's */
} arrival_t;

static bool of_this_epoch(const es_sender_t *self, const es_msg_t *msg)
{
    return msg->epoch == self->epoch && self->sent > self->base;
}

/* Binds the epoch to the first incarnation heard; another one means that two receivers hold the stream: raise. */
static bool hear(es_sender_t *self, const es_msg_t *msg, uint64_t now_us)
{
    if (self->bound && self->inc != msg->inc) {
        self->stale++;
        es_sender_begin_epoch(self, false, now_us);
        return false;
    }
    self->bound = true;
    self->inc = msg->inc;
    self->silent = 0;
    if (self->place > 0) {
        self->place = 0;
        self->start_at = ES_NEVER;
        self->rto_at = now_us + es_rto_timeout(&self->rto);
        self->probe_at = now_us + self->config.probe_us;
        if (self->ops->waiting) self->ops->waiting(self->ctx, 0);
    }
    return true;
}

static void receive_up_to(es_sender_t *self, uint64_t seq, uint64_t now_us)
{
    if (seq <= self->received) return;
    self->told = seq;
    const es_frame_t *last = es_sender_frame_at(self, seq);
    if (last && !last->resent && now_us >= last->sent_us) es_rto_sample(&self->rto, now_us - last->sent_us);
    while (self->received < seq) {
        self->received++;
        if (self->received < self->cursor) self->flight_bytes -= es_sender_frame_at(self, self->received)->len;
    }
    if (self->cursor <= seq) self->cursor = seq + 1;
    self->recovering = false;
    self->rto_at = seq < self->sent ? now_us + es_rto_timeout(&self->rto) : ES_NEVER;
}

/* The receiver is ahead: a final was lost. */
static void probe_once_a_trip(es_sender_t *self, uint64_t now_us)
{
    if (now_us >= self->probe_from && self->committed < self->sent) es_sender_probe(self, now_us);
}

static bool expected_in_range(const es_sender_t *self, const es_msg_t *msg)
{
    return msg->expected > self->base && msg->expected <= self->sent + 1;
}

static bool take_ack(es_sender_t *self, const es_msg_t *msg, const arrival_t *at)
{
    if (!of_this_epoch(self, msg) || !ES_HAS(msg, ES_M_INC) || !ES_HAS(msg, ES_M_EXPECTED)) return false;
    if (!expected_in_range(self, msg) || msg->committed >= msg->expected) return false;
    if (!hear(self, msg, at->now_us)) return true;
    receive_up_to(self, msg->expected - 1, at->now_us);
    self->told = msg->expected - 1;
    if (msg->committed > self->committed) probe_once_a_trip(self, at->now_us);
    es_sender_pump(self, at->now_us);
    return true;
}

static bool take_rewind(es_sender_t *self, const es_msg_t *msg, const arrival_t *at)
{
    if (!of_this_epoch(self, msg)) return false;
    if (!ES_HAS(msg,
                ES_M_EXPECTED)) { /* nobody has state; may come from the broker, without an incarnation of a worker */
        self->rewinds++;
        es_sender_begin_epoch(self, false, at->now_us);
        return true;
    }
    if (!ES_HAS(msg, ES_M_INC) || !expected_in_range(self, msg)) return false;
    if (!hear(self, msg, at->now_us)) return true;
    receive_up_to(self, msg->expected - 1, at->now_us);
    if (at->now_us < self->rewind_from || msg->expected > self->sent) {
        es_sender_pump(self, at->now_us);
        return true;
    }
    self->rewinds++;
    self->rewind_from = at->now_us + es_rto_round_trip(&self->rto);
    /* Below `received` only where the receiver lost its state and began again at a START that came twice. */
    self->cursor = msg->expected > self->committed ? msg->expected : self->committed + 1;
    self->received = self->cursor - 1;
    self->flight_bytes = 0;
    self->recovering = false;
    self->rto_at = ES_NEVER;
    es_sender_pump(self, at->now_us);
    return true;
}

/* The position after the frames that it covers is what a resumed stream goes on with. */
static void deliver(es_sender_t *self, const es_msg_t *final, const arrival_t *at)
{
    const es_frame_t *last = es_sender_frame_at(self, final->to_seq);
    es_msg_t told = *final;
    ES_SET(&told, ES_M_POS, pos, last->pos + last->len / 2);
    self->ops->deliver(self->ctx, &told, at->body, at->len);
}

static void commit(es_sender_t *self, const es_msg_t *final, const arrival_t *at)
{
    self->committed = final->to_seq;
    self->deaths = self->shared = 0;
    self->heard_to = self->heard_end = 0;
    es_sender_set_checkpoint(self, ES_HAS(final, ES_M_CHECKPOINT) ? final->checkpoint : (es_span_t){0});
    self->probe_at = self->committed < self->sent ? at->now_us + self->config.probe_us : ES_NEVER;
    deliver(self, final, at);
    es_sender_tell_marks(self);
    es_sender_release(self);
    if (self->eos_seq > 0 && self->committed >= self->eos_seq) {
        self->done = true;
        self->rto_at = self->probe_at = self->start_at = ES_NEVER;
        self->ops->done(self->ctx);
        return;
    }
    if (self->yielding)
        es_sender_give_back(self, at->now_us);
    else
        es_sender_pump(self, at->now_us);
    es_sender_tell_writable(self);
}

static bool final_in_range(const es_sender_t *self, const es_msg_t *msg)
{
    if (!ES_HAS(msg, ES_M_INC) || !ES_HAS(msg, ES_M_FROM) || !ES_HAS(msg, ES_M_TO)) return false;
    if (msg->from_seq == 0 || msg->from_seq > msg->to_seq || msg->to_seq > self->sent) return false;
    if (ES_HAS(msg, ES_M_CHECKPOINT) && msg->checkpoint.len > ES_CHECKPOINT_MAX) return false;
    return !ES_HAS(msg, ES_M_EXPECTED) || (expected_in_range(self, msg) && msg->expected > msg->to_seq);
}

static bool take_final(es_sender_t *self, const es_msg_t *msg, const arrival_t *at)
{
    if (!of_this_epoch(self, msg) || !final_in_range(self, msg)) return false;
    if (!hear(self, msg, at->now_us)) return true;
    if (msg->from_seq <= self->committed && msg->to_seq > self->committed) {
        es_sender_begin_epoch(self, false, at->now_us); /* the receiver cuts elsewhere: it began at another commit */
        return true;
    }
    receive_up_to(self, ES_HAS(msg, ES_M_EXPECTED) ? msg->expected - 1 : msg->to_seq, at->now_us);
    if (msg->from_seq == self->committed + 1) {
        commit(self, msg, at);
        return true;
    }
    if (msg->from_seq > self->committed) probe_once_a_trip(self, at->now_us); /* one before it was lost */
    es_sender_pump(self, at->now_us);
    return true;
}

/* Paths repeat and overtake. */
static bool newer_partial(es_sender_t *self, const es_msg_t *msg)
{
    if (msg->to_seq < self->heard_to || (msg->to_seq == self->heard_to && msg->end <= self->heard_end)) return false;
    self->heard_to = msg->to_seq;
    self->heard_end = msg->end;
    return true;
}

static bool take_partial(es_sender_t *self, const es_msg_t *msg, const arrival_t *at)
{
    if (!of_this_epoch(self, msg) || !ES_HAS(msg, ES_M_INC) || !ES_HAS(msg, ES_M_TO)) return false;
    if (msg->from_seq > msg->to_seq || msg->to_seq > self->sent) return false;
    if (!hear(self, msg, at->now_us)) return true;
    if (msg->from_seq != self->committed + 1) return false; /* of words that are final, or that follow a lost final */
    if (!newer_partial(self, msg)) return false;
    if (self->ops->partial) self->ops->partial(self->ctx, msg);
    return true;
}

static bool take_worker_lost(es_sender_t *self, const es_msg_t *msg, const arrival_t *at)
{
    if (!of_this_epoch(self, msg)) return false;
    if (msg->load == 1) self->deaths++;
    if (msg->load > 1) self->shared++;
    es_sender_begin_epoch(self, false, at->now_us);
    return true;
}

static bool take_refused(es_sender_t *self, const es_msg_t *msg, const arrival_t *at)
{
    (void)at;
    if (!of_this_epoch(self, msg)) return false;
    self->done = true;
    self->rto_at = self->probe_at = self->start_at = self->mark_at = ES_NEVER;
    if (self->ops->refused) self->ops->refused(self->ctx, msg->reason);
    return true;
}

static bool take_wait(es_sender_t *self, const es_msg_t *msg, const arrival_t *at)
{
    if (!of_this_epoch(self, msg) || (msg->place == 0 && self->place == 0)) return false;
    if (msg->place == 0) {
        self->silent = 0;
        es_sender_say_start(self, at->now_us);
        return true;
    }
    if (self->bound) { /* the broker knows of no worker for a stream that had one */
        es_sender_begin_epoch(self, false, at->now_us);
        return true;
    }
    self->silent = 0;
    if (self->place == 0) {
        /* What followed the START was dropped: only the START counts as in flight. */
        self->cursor = self->base + 2;
        self->flight_bytes = es_sender_frame_at(self, self->base + 1)->len;
        self->rto_at = self->probe_at = ES_NEVER;
        self->start_at = at->now_us + self->config.wait_retry_us;
    }
    bool changed = self->place != msg->place;
    self->place = msg->place;
    if (changed && self->ops->waiting) self->ops->waiting(self->ctx, self->place);
    return true;
}

/* What is half heard is heard out first, since the next worker would have to hear it from its beginning; but not for ever: decoders may be busy with live streams. */
static bool take_yield(es_sender_t *self, const es_msg_t *msg, const arrival_t *at)
{
    if (!of_this_epoch(self, msg) || self->config.priority == 0 || self->place > 0) return false;
    self->silent = 0;
    if (!self->yielding) self->asked_us = at->now_us;
    self->yielding = true;
    if (at->elsewhere) self->elsewhere = true;
    bool late = at->now_us - self->asked_us >= ES_YIELD_PATIENCE_US;
    if (late || self->committed >= self->sent) es_sender_give_back(self, at->now_us);
    return true;
}

static const struct {
    es_kind_t kind;
    bool (*take)(es_sender_t *self, const es_msg_t *msg, const arrival_t *at); /* false: dropped */
} handlers[] = {
    {ES_FINAL, take_final},     {ES_ACK, take_ack},     {ES_PARTIAL, take_partial},
    {ES_REWIND, take_rewind},   {ES_WAIT, take_wait},   {ES_WORKER_LOST, take_worker_lost},
    {ES_REFUSED, take_refused}, {ES_YIELD, take_yield},
};

static void receive(es_sender_t *self, const es_msg_t *msg, const arrival_t *at)
{
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        if ((uint32_t)handlers[i].kind != msg->kind) continue;
        if (self->done || self->closed || !handlers[i].take(self, msg, at)) self->stale++;
        return;
    }
}

void es_sender_receive(es_sender_t *self, const es_msg_t *msg, const void *body, size_t len, uint64_t now_us)
{
    receive(self, msg, &(arrival_t){.body = body, .len = len, .now_us = now_us});
}

/* Workers say everything to every broker. Before anything was heard from its own, a stream does not know its worker. */
static bool is_copy(const es_sender_t *self, const es_msg_t *msg)
{
    if (msg->epoch != self->epoch) return msg->epoch < self->epoch;
    return ES_HAS(msg, ES_M_INC) && (!self->bound || msg->inc == self->inc);
}

/* A broker that has heard of a batch stream from its worker may ask for its place. It may be wrong about all else that it knows of the stream. */
bool es_sender_overhear(es_sender_t *self, const es_msg_t *msg, uint64_t now_us)
{
    if (msg->kind == ES_YIELD) receive(self, msg, &(arrival_t){.now_us = now_us, .elsewhere = true});
    bool of_a_worker = msg->kind >= ES_ACK && msg->kind <= ES_PARTIAL;
    return !of_a_worker || is_copy(self, msg);
}
