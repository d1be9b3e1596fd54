/* One turn: ticks, sockets that have events, then a wait.
 *
 * ZMQ_FD is edge-triggered and any send or receive may swallow its edge, so ZMQ_EVENTS of every socket is looked at after the
 * last handler ran and before every wait; the descriptors only end a sleep. While the loop gathers (gather.h), a sleep watches plain descriptors and timers only.
 */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "gather.h"
#include "health.h"
#include "wire.h"

typedef struct {
    void *socket;
    int fd;
    es_loop_zmq_fn fn;
    void *ctx;
} watch_socket_t;

typedef struct {
    int fd; /* -1: removed, swept at the next turn */
    short events;
    es_loop_fd_fn fn;
    void *ctx;
} watch_fd_t;

typedef struct {
    es_loop_tick_fn fn;
    void *ctx;
} watch_tick_t;

typedef struct {
    void (*fn)(void *ctx);
    void *ctx;
} watch_flush_t;

struct es_loop {
    watch_socket_t *sockets;
    watch_fd_t *fds;
    watch_tick_t *ticks;
    watch_flush_t *flushes;
    struct pollfd *polls;
    void **owned;
    size_t n_sockets, n_fds, n_ticks, n_flushes, n_polls, n_owned;
    es_gather_t gather;
    bool stopped, removed;
};

/* Room for one more in an array that doubles at each power of two. */
static void *grow(void *old, size_t count, size_t size)
{
    if (count & (count - 1)) return old;
    void *bigger = es_alloc_zero((count ? 2 * count : 1) * size);
    if (count) memcpy(bigger, old, count * size);
    free(old);
    return bigger;
}

es_loop_t *es_loop_new(void)
{
    return es_alloc_zero(sizeof(es_loop_t));
}

void es_loop_destroy(es_loop_t **self_p)
{
    es_loop_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (size_t i = 0; i < self->n_owned; i++) free(self->owned[i]);
    free(self->owned);
    free(self->sockets);
    free(self->fds);
    free(self->ticks);
    free(self->flushes);
    free(self->polls);
    free(self);
}

void es_loop_add_socket(es_loop_t *self, void *socket, es_loop_zmq_fn fn, void *ctx)
{
    int fd = -1;
    size_t size = sizeof fd;
    int rc = zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
    assert(rc == 0);
    (void)rc;
    self->sockets = grow(self->sockets, self->n_sockets, sizeof *self->sockets);
    self->sockets[self->n_sockets++] = (watch_socket_t){.socket = socket, .fd = fd, .fn = fn, .ctx = ctx};
}

void es_loop_add_fd(es_loop_t *self, int fd, short events, es_loop_fd_fn fn, void *ctx)
{
    assert(fd >= 0);
    watch_fd_t watch = {.fd = fd, .events = events, .fn = fn, .ctx = ctx};
    for (size_t i = 0; i < self->n_fds; i++) {
        if (self->fds[i].fd != fd) continue;
        self->fds[i] = watch;
        return;
    }
    self->fds = grow(self->fds, self->n_fds, sizeof *self->fds);
    self->fds[self->n_fds++] = watch;
}

void es_loop_remove_fd(es_loop_t *self, int fd)
{
    for (size_t i = 0; i < self->n_fds; i++) {
        if (self->fds[i].fd != fd) continue;
        self->fds[i].fd = -1;
        self->removed = true;
    }
}

void es_loop_add_tick(es_loop_t *self, es_loop_tick_fn fn, void *ctx)
{
    self->ticks = grow(self->ticks, self->n_ticks, sizeof *self->ticks);
    self->ticks[self->n_ticks++] = (watch_tick_t){.fn = fn, .ctx = ctx};
}

void es_loop_add_flush(es_loop_t *self, void (*fn)(void *ctx), void *ctx)
{
    self->flushes = grow(self->flushes, self->n_flushes, sizeof *self->flushes);
    self->flushes[self->n_flushes++] = (watch_flush_t){.fn = fn, .ctx = ctx};
}

void es_loop_set_tick(es_loop_t *self, uint64_t tick_us)
{
    es_gather_set_tick(&self->gather, tick_us);
}

void es_loop_count(es_loop_t *self, uint64_t messages)
{
    es_gather_count(&self->gather, messages);
}

void es_loop_own(es_loop_t *self, void *memory)
{
    self->owned = grow(self->owned, self->n_owned, sizeof *self->owned);
    self->owned[self->n_owned++] = memory;
}

void es_loop_stop(es_loop_t *self)
{
    self->stopped = true;
}

static uint64_t run_ticks(es_loop_t *self, uint64_t now_us)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < self->n_ticks; i++) {
        uint64_t at = self->ticks[i].fn(self->ticks[i].ctx, now_us);
        if (at < next) next = at;
    }
    return next;
}

typedef enum { TURN_IDLE, TURN_HANDLED, TURN_MORE, TURN_TERM } turn_t;

static turn_t run_sockets(es_loop_t *self, uint64_t now_us)
{
    turn_t turn = TURN_IDLE;
    for (size_t i = 0; i < self->n_sockets && !self->stopped; i++) {
        watch_socket_t watch = self->sockets[i];
        int events = 0;
        size_t size = sizeof events;
        if (zmq_getsockopt(watch.socket, ZMQ_EVENTS, &events, &size) != 0) {
            if (errno == ETERM) return TURN_TERM;
            turn = TURN_MORE; /* interrupted: look again */
            continue;
        }
        if (!(events & ZMQ_POLLIN)) continue;
        if (watch.fn(watch.ctx, now_us))
            turn = TURN_MORE;
        else if (turn == TURN_IDLE)
            turn = TURN_HANDLED;
    }
    return turn;
}

static void sweep_removed(es_loop_t *self)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->n_fds; i++)
        if (self->fds[i].fd >= 0) self->fds[kept++] = self->fds[i];
    self->removed = false;
    if (kept == self->n_fds) return;
    /* grow() doubles at powers of two: give the array the capacity that its new count implies. */
    watch_fd_t *old = self->fds;
    size_t cap = 1;
    while (cap < kept) cap *= 2;
    self->fds = es_alloc_zero(cap * sizeof *self->fds);
    memcpy(self->fds, old, kept * sizeof *self->fds);
    self->n_fds = kept;
    free(old);
}

static void fill_polls(es_loop_t *self, bool sockets)
{
    if (self->removed) sweep_removed(self);
    size_t need = self->n_fds + self->n_sockets;
    if (need > self->n_polls) {
        free(self->polls);
        self->polls = es_alloc_zero(need * sizeof *self->polls);
        self->n_polls = need;
    }
    for (size_t i = 0; i < self->n_fds; i++)
        self->polls[i] = (struct pollfd){.fd = self->fds[i].fd, .events = self->fds[i].events};
    for (size_t i = 0; sockets && i < self->n_sockets; i++)
        self->polls[self->n_fds + i] = (struct pollfd){.fd = self->sockets[i].fd, .events = POLLIN};
}

/* Waits for plain descriptors, with `sockets` for those of ZeroMQ too, until `until` (0: not at all), and serves the plain ones. */
static void wait_fds(es_loop_t *self, bool sockets, uint64_t until)
{
    size_t watched = self->n_fds;
    if (watched == 0 && until == 0) return;
    fill_polls(self, sockets);
    watched = self->n_fds;
    struct timespec timeout = {0, 0};
    uint64_t now = until ? es_now_us() : 0;
    if (until > now) {
        uint64_t left = until - now;
        timeout = (struct timespec){(time_t)(left / 1000000u), (long)(left % 1000000u) * 1000};
    }
    nfds_t n = (nfds_t)(watched + (sockets ? self->n_sockets : 0));
    int ready = ppoll(self->polls, n, until == UINT64_MAX ? NULL : &timeout, NULL);
    if (ready <= 0) return;
    now = es_now_us();
    for (size_t i = 0; i < watched && !self->stopped; i++) {
        watch_fd_t watch = self->fds[i];
        if (self->polls[i].revents && watch.fd == self->polls[i].fd) watch.fn(watch.ctx, self->polls[i].revents, now);
    }
}

static void run_flushes(es_loop_t *self)
{
    for (size_t i = 0; i < self->n_flushes; i++) self->flushes[i].fn(self->flushes[i].ctx);
}

int es_loop_run(es_loop_t *self)
{
    self->stopped = false;
    while (!self->stopped) {
        uint64_t now = es_now_us();
        uint64_t due = run_ticks(self, now);
        es_health_beat(now);
        if (due > now + ES_HEALTH_BEAT_US) due = now + ES_HEALTH_BEAT_US;
        if (self->stopped) break;
        run_flushes(self); /* what ticks and descriptors gave; they may send, so before the sockets are looked at */
        turn_t turn = run_sockets(self, now);
        if (turn == TURN_TERM) return -1;
        if (turn != TURN_IDLE) run_flushes(self);
        if (self->stopped) break;
        if (turn == TURN_IDLE) {
            es_gather_idle(&self->gather);
            wait_fds(self, true, due);
            continue;
        }
        uint64_t until = es_gather_until(&self->gather, now);
        if (turn == TURN_MORE) until = 0;
        wait_fds(self, false, due < until ? due : until);
    }
    return 0;
}
