#include "http_conn.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "edge_metrics.h"
#include "http_conn_state.h"
#include "http_refused.h"

enum { HEAD_READ = 4096, STEPS_A_RUN = 64 };

static void wait_from(es_http_exchange_t *self, uint64_t now_us)
{
    self->since_us = now_us;
    self->came = 0;
}

static void begin_head(es_http_exchange_t *self)
{
    es_http_head_init(&self->head);
    if (self->env->head.line) self->head.limits = &self->env->head;
}

es_http_exchange_t *es_http_conn_new(const es_http_env_t *env, void *io, uint64_t now_us)
{
    es_http_exchange_t *self = es_alloc_zero(sizeof *self);
    self->env = env;
    self->io = io;
    self->fresh = true;
    self->now_us = self->sent_us = now_us;
    wait_from(self, now_us);
    begin_head(self);
    return self;
}

/* The handler hears of the end, once. */
static void over(es_http_exchange_t *self, bool answered)
{
    const es_http_handler_ops_t *ops = self->ops;
    self->ops = NULL;
    if (ops) ops->over(self->handler, answered);
}

void es_http_conn_destroy(es_http_exchange_t **self_p)
{
    es_http_exchange_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    over(self, false);
    es_byte_queue_clear(&self->in);
    es_byte_queue_clear(&self->out);
    free(self->head_bytes);
    free(self->principal);
    free(self);
}

void es_http_conn_mark(es_http_exchange_t *self)
{
    if (self->marked) return;
    self->marked = true;
    self->env->io_ops->mark(self->io);
}

/* ---- the socket */

/* How many bytes may be read now. */
static size_t appetite(const es_http_exchange_t *self)
{
    size_t waiting = es_byte_queue_size(&self->in), most = ES_HTTP_HEAD_MAX + 1; /* one too many */
    if (self->eof) return 0;
    if (self->at == ES_AT_LINGER) return ES_HTTP_BODY_READ;
    if (self->at == ES_AT_EXCHANGE && !self->body_done) most = self->paused ? 0 : ES_HTTP_BODY_READ;
    if (self->at == ES_AT_DOOR || (self->at == ES_AT_EXCHANGE && self->body_done)) most = ES_HTTP_AHEAD_MAX;
    return waiting < most ? most - waiting : 0;
}

/* A byte now and then would hold whatever the request holds for as long as its client likes. The rest of a body may be less: that ends the wait. */
static void body_came(es_http_exchange_t *self, size_t n)
{
    self->came += n;
    if (self->came >= self->env->body_least) wait_from(self, self->now_us);
}

static void read_some(es_http_exchange_t *self)
{
    size_t most = appetite(self);
    if (!most) return;
    if (self->at == ES_AT_HEAD && most > HEAD_READ) most = HEAD_READ;
    ssize_t n = self->env->io_ops->read(self->io, es_byte_queue_reserve(&self->in, most), most);
    es_byte_queue_grew(&self->in, n > 0 ? (size_t)n : 0);
    if (n == ES_HTTP_IO_BROKEN) self->broken = true;
    if (n == 0) self->eof = true;
    if (n <= 0) return;
    bool begins = self->at == ES_AT_HEAD && es_byte_queue_size(&self->in) == (size_t)n;
    if (begins) wait_from(self, self->now_us);
    if (self->at == ES_AT_EXCHANGE) body_came(self, (size_t)n);
}

/* The client's time to take something begins when something waits. */
static void note_waiting(es_http_exchange_t *self)
{
    bool waits = es_byte_queue_size(&self->out) > 0;
    if (waits && !self->sending) self->sent_us = self->now_us;
    self->sending = waits;
}

static void write_some(es_http_exchange_t *self)
{
    note_waiting(self);
    while (es_byte_queue_size(&self->out) && !self->broken) {
        ssize_t n = self->env->io_ops->write(self->io, es_byte_queue_front(&self->out), es_byte_queue_size(&self->out));
        if (n == ES_HTTP_IO_BROKEN) self->broken = true;
        if (n <= 0) return;
        es_byte_queue_consume(&self->out, (size_t)n);
        self->sent_us = self->now_us;
    }
    self->sending = false;
}

/* ---- an exchange */

static void begin_exchange(es_http_exchange_t *self)
{
    self->at = ES_AT_EXCHANGE;
    self->fresh = false;
    self->ops = NULL;
    self->body_bytes = 0;
    self->body_done = self->paused = self->full = self->begun = self->finished = self->close = false;
    self->bare = self->chunked = self->dismissed = false;
    wait_from(self, self->now_us);
}

/* The bytes of the head stay where they are: the head points into them. What came after moves. */
static void keep_head(es_http_exchange_t *self)
{
    es_byte_queue_t in = self->in;
    size_t used = self->head.at;
    self->in = (es_byte_queue_t){0};
    es_byte_queue_append(&self->in, es_byte_queue_front(&in) + used, es_byte_queue_size(&in) - used);
    self->head_bytes = in.data;
}

static void end_exchange(es_http_exchange_t *self)
{
    over(self, true);
    free(self->head_bytes);
    self->head_bytes = NULL;
    es_http_ask_as(self, NULL, false);
    begin_head(self);
    wait_from(self, self->now_us);
    self->at = ES_AT_HEAD;
    if (!self->close) return;
    self->env->io_ops->half_close(self->io);
    self->at = ES_AT_LINGER;
}

static void refuse_head(es_http_exchange_t *self, es_http_why_t why)
{
    begin_exchange(self);
    es_http_answer_refusal(self, why);
}

static void dispatch(es_http_exchange_t *self)
{
    es_http_body_init(&self->body, self->head.length);
    begin_exchange(self);
    if (self->head.upgrade) return;
    self->env->io_ops->request(self->io, self);
    if (!self->ops && !self->begun) es_http_refuse(self, 404, "not_found", "There is nothing at this address.");
}

static void come_to_door(es_http_exchange_t *self)
{
    const es_http_io_ops_t *io = self->env->io_ops;
    self->at = ES_AT_DOOR;
    self->admitted = !io->enter || io->enter(self->io, self);
}

/* The client may go meanwhile; who has only said all waits for the answer. */
static bool at_door(es_http_exchange_t *self)
{
    if (self->broken) self->at = ES_AT_END;
    if (self->at == ES_AT_END || !self->admitted) return false;
    dispatch(self);
    return true;
}

/* The head, or what has come of it. True: go on. */
static bool at_head(es_http_exchange_t *self)
{
    if (self->broken || (self->eof && !es_byte_queue_size(&self->in)) ||
        (self->env->closing && !es_byte_queue_size(&self->in)))
        self->at = ES_AT_END;
    if (self->at == ES_AT_END || !es_byte_queue_size(&self->in)) return false;
    es_http_parse_t rc = es_http_head_feed(&self->head, es_byte_queue_front(&self->in), es_byte_queue_size(&self->in));
    if (rc == ES_HTTP_DONE) {
        keep_head(self);
        come_to_door(self);
    } else if (rc == ES_HTTP_REFUSED) {
        refuse_head(self, self->head.why);
    } else if (self->eof) {
        self->at = ES_AT_END;
    }
    return rc != ES_HTTP_MORE;
}

static void piece(es_http_exchange_t *self, es_span_t data)
{
    self->body_bytes += data.len;
    if (!data.len || self->finished || self->broken || !self->ops) return;
    if (self->body_bytes > self->max_body)
        es_http_answer_refusal(self, ES_HTTP_BODY_TOO_LARGE);
    else
        self->ops->body(self->handler, self, data.ptr, data.len);
}

static void body_over(es_http_exchange_t *self)
{
    self->body_done = true;
    if (self->ops && !self->finished && !self->broken) self->ops->end(self->handler, self);
}

/* An answer that is whole and costs the connection wants no more of the body. */
static bool wants_body(const es_http_exchange_t *self)
{
    return !self->body_done && !self->broken && !self->paused && !(self->finished && self->close);
}

static void take_body(es_http_exchange_t *self)
{
    es_http_parse_t rc = ES_HTTP_MORE;
    while (rc == ES_HTTP_MORE && wants_body(self)) {
        es_span_t found;
        size_t used, size = es_byte_queue_size(&self->in);
        rc = es_http_body_feed(&self->body, size ? es_byte_queue_front(&self->in) : NULL, size, &used, &found);
        piece(self, found);
        if (used) es_byte_queue_consume(&self->in, used);
        if (rc == ES_HTTP_MORE && used == size) break;
    }
    if (rc == ES_HTTP_DONE) body_over(self);
    if (rc == ES_HTTP_REFUSED && !self->finished) es_http_answer_refusal(self, ES_HTTP_BAD_CHUNK);
    if (rc == ES_HTTP_REFUSED) self->close = true;
    if (rc == ES_HTTP_DONE || !wants_body(self) || !self->eof) return;
    if (self->finished)
        self->close = true;
    else
        self->broken = true; /* the client gave up */
}

static bool offer_room(es_http_exchange_t *self)
{
    if (!self->full || self->finished || es_byte_queue_size(&self->out) >= ES_HTTP_QUEUE_ROOM) return false;
    self->full = false;
    if (self->ops && self->ops->room) self->ops->room(self->handler, self);
    return true;
}

static bool at_exchange(es_http_exchange_t *self)
{
    take_body(self);
    write_some(self);
    if (self->broken) {
        self->at = ES_AT_END;
        return false;
    }
    if (offer_room(self)) return true;
    if (!self->finished || es_byte_queue_size(&self->out) || (!self->body_done && !self->close)) return false;
    end_exchange(self);
    return true;
}

static bool at_linger(es_http_exchange_t *self)
{
    es_byte_queue_clear(&self->in);
    if (self->eof || self->broken) self->at = ES_AT_END;
    return false;
}

/* ---- time */

static bool body_wanted(const es_http_exchange_t *self)
{
    return self->at == ES_AT_EXCHANGE && wants_body(self);
}

static uint64_t wait_limit(const es_http_exchange_t *self)
{
    bool begun = es_byte_queue_size(&self->in) > 0;
    if (self->at == ES_AT_LINGER) return self->env->linger_us;
    if (self->at == ES_AT_HEAD) return begun || self->fresh ? self->env->head_us : self->env->idle_us;
    return body_wanted(self) ? self->env->body_us : UINT64_MAX;
}

static uint64_t later(uint64_t from_us, uint64_t by_us)
{
    return by_us > UINT64_MAX - from_us ? UINT64_MAX : from_us + by_us;
}

static uint64_t send_deadline(const es_http_exchange_t *self)
{
    return es_byte_queue_size(&self->out) ? later(self->sent_us, self->env->send_us) : UINT64_MAX;
}

uint64_t es_http_conn_deadline(const es_http_exchange_t *self)
{
    uint64_t wait = later(self->since_us, wait_limit(self)), sent = send_deadline(self);
    return wait < sent ? wait : sent;
}

/* No request came: the first one, or another after an answer. */
static void end_unasked(es_http_exchange_t *self)
{
    if (self->at == ES_AT_HEAD && self->fresh) es_http_count_refusal(ES_HTTP_MUTE);
    if (self->at == ES_AT_HEAD && !self->fresh) es_metric_add(&es_edge_http_idled, 1);
    self->at = ES_AT_END;
}

static void check_deadlines(es_http_exchange_t *self)
{
    if (!self->broken && self->now_us >= send_deadline(self)) {
        es_http_count_refusal(ES_HTTP_SEND_SLOW);
        self->broken = self->cut = true;
    }
    if (self->broken || self->now_us < later(self->since_us, wait_limit(self))) return;
    if (self->at == ES_AT_EXCHANGE && self->finished) {
        self->close = true;
    } else if (self->at == ES_AT_EXCHANGE) {
        es_http_answer_refusal(self, ES_HTTP_BODY_SLOW);
    } else if (self->at == ES_AT_HEAD && es_byte_queue_size(&self->in)) {
        begin_head(self); /* it points to where the bytes were before the last came */
        refuse_head(self, ES_HTTP_HEAD_SLOW);
    } else {
        end_unasked(self);
    }
}

/* ---- one run */

static void settle(es_http_exchange_t *self)
{
    bool reads = appetite(self) > 0, writes = es_byte_queue_size(&self->out) > 0;
    if (reads == self->wants_read && writes == self->wants_write) return;
    self->wants_read = reads;
    self->wants_write = writes;
    self->env->io_ops->want(self->io, reads, writes);
}

static bool step(es_http_exchange_t *self)
{
    static bool (*const steps[])(es_http_exchange_t *) = {
        [ES_AT_HEAD] = at_head, [ES_AT_DOOR] = at_door, [ES_AT_EXCHANGE] = at_exchange, [ES_AT_LINGER] = at_linger};
    return self->at != ES_AT_END && steps[self->at](self);
}

static bool upgrading(const es_http_exchange_t *self)
{
    return self->at == ES_AT_EXCHANGE && self->head.upgrade && !self->begun;
}

/* Handlers speak between two runs: their waits begin now, not when the last run was. */
static void begin_run(es_http_exchange_t *self, uint64_t now_us)
{
    self->now_us = now_us;
    note_waiting(self);
    if (self->resumed) wait_from(self, now_us);
    self->resumed = false;
    self->marked = true; /* what is said in a run is heard in it */
}

static es_conn_state_t end_run(es_http_exchange_t *self)
{
    self->marked = false;
    if (upgrading(self)) return ES_CONN_UPGRADE;
    if (self->at == ES_AT_END) {
        over(self, false);
        return self->cut ? ES_CONN_CUT : ES_CONN_CLOSED;
    }
    settle(self);
    return ES_CONN_OPEN;
}

es_conn_state_t es_http_conn_run(es_http_exchange_t *self, bool readable, uint64_t now_us)
{
    bool more = true;
    begin_run(self, now_us);
    if (readable) read_some(self);
    check_deadlines(self);
    for (int i = 0; i < STEPS_A_RUN && more && !upgrading(self); i++) {
        more = step(self);
        if (self->dismissed) over(self, true);
    }
    es_conn_state_t state = end_run(self);
    if (more && state == ES_CONN_OPEN) es_http_conn_mark(self);
    return state;
}

void es_http_conn_admit(es_http_exchange_t *self)
{
    self->admitted = true;
}

bool es_http_conn_busy(const es_http_exchange_t *self)
{
    return self->at == ES_AT_DOOR || self->at == ES_AT_EXCHANGE;
}

const es_http_head_t *es_http_conn_head(const es_http_exchange_t *self)
{
    return &self->head;
}

es_span_t es_http_conn_ahead(const es_http_exchange_t *self)
{
    size_t len = es_byte_queue_size(&self->in);
    return es_span_of(len ? es_byte_queue_front(&self->in) : NULL, len);
}
