#include "tls_front.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "edge_metrics.h"
#include "log.h"
#include "timers.h"
#include "wire.h"

enum { RUNS_A_TURN = 8, TIMERS_A_TURN = 4096 };

typedef struct line {
    es_tls_front_t *front;
    es_tls_conn_t *conn;
    void *peer;
    int other;                       /* what was given away; its number may have been given anew since */
    es_edge_watch_t *secret, *plain; /* plain: NULL before it is open */
    es_timer_t timer;
    unsigned wants;
    bool apart, queued;
    struct line *prev, *next; /* all */
    struct line *later;       /* in the queue */
} line_t;

struct es_tls_front {
    es_tls_t *tls;
    es_tls_front_ops_t ops;
    es_tls_times_t times;
    es_edge_loop_t *loop;
    es_timers_t timers;
    line_t *lines, *first,
        **last; /* first..last: the queue of those that want to run again, or to go on with a handshake */
    size_t count, apart;
    line_t **given; /* by the number of what was given away: who was given it last */
    size_t numbers;
};

static ES_METRIC_GAUGE(connections, "earshot_edge_tls_connections", "TLS connections now, handshakes included");
static ES_METRIC_COUNTER(handshakes, "earshot_edge_tls_handshakes_total", "TLS handshakes that succeeded");
static ES_METRIC_COUNTER(flooded, "earshot_edge_tls_flooded_total",
                         "TLS connections ended for new keys and the like without end");

#define REFUSED(why_, reason_)                                                  \
    [why_] = {.name = "earshot_edge_tls_refused_total{reason=\"" reason_ "\"}", \
              .help = "TLS connections that came to nothing, by reason",        \
              .type = ES_COUNTER}
static es_metric_t refused[ES_TLS_WHYS] = {
    REFUSED(ES_TLS_SLOW, "slow"),     REFUSED(ES_TLS_PLAIN_HTTP, "plain_http"), REFUSED(ES_TLS_VERSION, "version"),
    REFUSED(ES_TLS_CIPHER, "cipher"), REFUSED(ES_TLS_PROTOCOL, "protocol"),     REFUSED(ES_TLS_ALERT, "alert"),
    REFUSED(ES_TLS_GONE, "gone"),     REFUSED(ES_TLS_HELLO, "hello_too_large"), REFUSED(ES_TLS_MALFORMED, "malformed"),
};

es_metric_t *const *es_tls_front_metrics(void)
{
    static es_metric_t *const list[] = {&connections,
                                        &handshakes,
                                        &flooded,
                                        &refused[ES_TLS_SLOW],
                                        &refused[ES_TLS_PLAIN_HTTP],
                                        &refused[ES_TLS_VERSION],
                                        &refused[ES_TLS_CIPHER],
                                        &refused[ES_TLS_PROTOCOL],
                                        &refused[ES_TLS_ALERT],
                                        &refused[ES_TLS_GONE],
                                        &refused[ES_TLS_HELLO],
                                        &refused[ES_TLS_MALFORMED],
                                        NULL};
    return list;
}

/* ---- the queue */

static void enqueue(es_tls_front_t *self, line_t *line)
{
    if (line->queued) return;
    line->queued = true;
    line->later = NULL;
    *self->last = line;
    self->last = &line->later;
}

static line_t *dequeue(es_tls_front_t *self)
{
    line_t *line = self->first;
    self->first = line->later;
    if (!self->first) self->last = &self->first;
    line->queued = false;
    return line;
}

static void leave_queue(es_tls_front_t *self, line_t *line)
{
    line_t **at = &self->first;
    if (!line->queued) return;
    while (*at != line) at = &(*at)->later;
    *at = line->later;
    if (!line->later) self->last = at;
    line->queued = false;
}

/* ---- by what was given away */

static line_t *line_of(const es_tls_front_t *self, int other)
{
    return other >= 0 && (size_t)other < self->numbers ? self->given[other] : NULL;
}

static void give(es_tls_front_t *self, line_t *line, int other)
{
    size_t number = (size_t)other;
    if (number >= self->numbers) {
        line_t **given = es_alloc_zero(2 * (number + 1) * sizeof(void *));
        if (self->numbers) memcpy(given, self->given, self->numbers * sizeof(void *));
        free(self->given);
        self->given = given;
        self->numbers = 2 * (number + 1);
    }
    self->given[number] = line;
    line->other = other;
}

static void take_back(es_tls_front_t *self, line_t *line)
{
    if (line_of(self, line->other) == line) self->given[line->other] = NULL;
}

/* ---- one connection */

static void link_line(es_tls_front_t *self, line_t *line)
{
    line->next = self->lines;
    if (line->next) line->next->prev = line;
    self->lines = line;
    es_metric_set(&connections, ++self->count);
}

static void unlink_line(es_tls_front_t *self, line_t *line)
{
    if (line->prev) line->prev->next = line->next;
    if (line->next) line->next->prev = line->prev;
    if (self->lines == line) self->lines = line->next;
    es_metric_set(&connections, --self->count);
}

static void set_apart(es_tls_front_t *self, line_t *line, bool apart)
{
    self->apart += (size_t)apart - (size_t)line->apart;
    line->apart = apart;
}

static void drop(es_tls_front_t *self, line_t *line)
{
    void *peer = line->peer;
    take_back(self, line);
    set_apart(self, line, false);
    leave_queue(self, line);
    es_timers_disarm(&self->timers, &line->timer);
    es_edge_watch_destroy(&line->secret);
    es_edge_watch_destroy(&line->plain);
    es_tls_conn_destroy(&line->conn);
    unlink_line(self, line);
    free(line);
    self->ops.left(self->ops.ctx, peer);
}

/* Sockets that wait in the queue are not watched: it knows already. */
static void settle(es_tls_front_t *self, line_t *line)
{
    unsigned wants = es_tls_conn_wants(line->conn);
    if (wants & ES_TLS_AGAIN) enqueue(self, line);
    if (line->queued) wants = 0;
    es_timers_arm(&self->timers, &line->timer, es_tls_conn_deadline(line->conn));
    if (wants == line->wants) return;
    line->wants = wants;
    es_edge_watch_set(line->secret, wants & ES_TLS_READ_SECRET, wants & ES_TLS_WRITE_SECRET);
    if (line->plain) es_edge_watch_set(line->plain, wants & ES_TLS_READ_PLAIN, wants & ES_TLS_WRITE_PLAIN);
}

static void on_ready(void *ctx, bool readable, bool writable);

/* 0, or -1 where no descriptors are left. */
static int open_line(es_tls_front_t *self, line_t *line)
{
    int other = es_tls_conn_split(line->conn);
    if (other < 0) {
        es_metric_add(&es_edge_accept_failed, 1);
        es_log_warn("a connection is closed: no file descriptors are left; raise `ulimit -n`");
        return -1;
    }
    es_metric_add(&handshakes, 1);
    line->plain = es_edge_watch_new(self->loop, es_tls_conn_plain(line->conn), on_ready, line);
    enqueue(self, line); /* what came right behind the handshake is in here, not in the socket */
    give(self, line, other);
    self->ops.open(self->ops.ctx, other, line->peer);
    return 0;
}

static void refuse(const line_t *line)
{
    es_metric_add(&refused[es_tls_conn_why(line->conn)], 1);
}

static void run(es_tls_front_t *self, line_t *line, uint64_t now_us)
{
    bool opening = es_tls_conn_state(line->conn) == ES_TLS_HANDSHAKE;
    es_tls_state_t state = es_tls_conn_run(line->conn, now_us);
    if (opening && state == ES_TLS_CLOSED) refuse(line);
    es_metric_add(&flooded, es_tls_conn_flooded(line->conn));
    if (state == ES_TLS_CLOSED || (opening && state == ES_TLS_OPEN && open_line(self, line))) {
        drop(self, line);
        return;
    }
    set_apart(self, line, state == ES_TLS_HANDSHAKE || es_tls_conn_ending(line->conn));
    settle(self, line);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    line_t *line = ctx;
    (void)readable;
    (void)writable;
    if (es_tls_conn_state(line->conn) != ES_TLS_HANDSHAKE) {
        run(line->front, line, es_now_us());
        return;
    }
    enqueue(line->front, line);
    settle(line->front, line);
}

void es_tls_front_take(es_tls_front_t *self, int fd, void *peer, uint64_t now_us)
{
    line_t *line = es_alloc_zero(sizeof *line);
    *line = (line_t){
        .front = self, .conn = es_tls_conn_new(self->tls, fd, &self->times, now_us), .peer = peer, .other = -1};
    line->secret = es_edge_watch_new(self->loop, fd, on_ready, line);
    link_line(self, line);
    set_apart(self, line, true);
    settle(self, line);
}

void es_tls_front_cut(es_tls_front_t *self, int fd)
{
    line_t *line = line_of(self, fd);
    if (!line) return;
    es_tls_conn_cut(line->conn);
    enqueue(self, line);
}

int es_tls_front_secret(const es_tls_front_t *self, int fd)
{
    const line_t *line = line_of(self, fd);
    return line ? es_tls_conn_secret(line->conn) : -1;
}

/* ---- all of them */

es_tls_front_t *es_tls_front_new(es_tls_t *tls, const es_tls_front_ops_t *ops, const es_tls_times_t *times,
                                 es_edge_loop_t *loop)
{
    es_tls_front_t *self = es_alloc_zero(sizeof *self);
    self->tls = tls;
    self->ops = *ops;
    self->times = *times;
    self->loop = loop;
    self->last = &self->first;
    return self;
}

void es_tls_front_destroy(es_tls_front_t **self_p)
{
    es_tls_front_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    while (self->lines) drop(self, self->lines);
    free(self->given);
    es_timers_fini(&self->timers);
    free(self);
}

size_t es_tls_front_apart(const es_tls_front_t *self)
{
    return self->apart;
}

bool es_tls_front_busy(const es_tls_front_t *self)
{
    for (const line_t *line = self->lines; line; line = line->next)
        if (es_tls_conn_state(line->conn) == ES_TLS_OPEN && !es_tls_conn_flushed(line->conn)) return true;
    return false;
}

static bool run_due(es_tls_front_t *self, uint64_t now_us)
{
    es_timer_t *timer = NULL;
    for (int i = 0; i < TIMERS_A_TURN && (timer = es_timers_due(&self->timers, now_us)); i++) {
        line_t *line = (line_t *)((char *)timer - offsetof(line_t, timer));
        if (now_us >= es_tls_conn_deadline(line->conn))
            run(self, line, now_us);
        else
            es_timers_arm(&self->timers, timer, es_tls_conn_deadline(line->conn));
    }
    return timer != NULL;
}

uint64_t es_tls_front_turn(es_tls_front_t *self, uint64_t now_us)
{
    bool more = run_due(self, now_us);
    for (int i = 0; i < RUNS_A_TURN && self->first; i++) run(self, dequeue(self), now_us);
    return more || self->first ? 0 : es_timers_next(&self->timers);
}
