#include "edge_loop.h"

#include <assert.h>
#include <ev.h>
#include <stdlib.h>
#include <time.h>

#include "alloc.h"
#include "health.h"
#include "wire.h"

/* Messages a turn: from BUSY on the next turn waits for company, from FULL on there is company enough. ANSWER: per cent of a tick after which
 * the results of what was sent off at its beginning have come. */
enum { BUSY = 2, FULL = 128, ANSWER = 30 };

typedef struct {
    ev_io io;
    void (*fn)(void *ctx);
    void *ctx;
} watch_t;

struct es_edge_loop {
    struct ev_loop *ev;
    es_edge_loop_ops_t ops;
    ev_timer timer;
    ev_check check;
    watch_t watches[ES_EDGE_LOOP_FDS];
    int watched;
    uint64_t tick_us, now_us;
    bool stop;
};

static void on_check(struct ev_loop *ev, ev_check *check, int events)
{
    es_edge_loop_t *self = check->data;
    (void)ev;
    (void)events;
    self->now_us = es_now_us();
    self->ops.woke(self->ops.ctx, self->now_us);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int events)
{
    (void)ev;
    (void)timer;
    (void)events;
}

static void on_io(struct ev_loop *ev, ev_io *io, int events)
{
    watch_t *watch = io->data;
    (void)ev;
    (void)events;
    if (watch->fn) watch->fn(watch->ctx);
}

es_edge_loop_t *es_edge_loop_new(const es_edge_loop_ops_t *ops, uint64_t tick_us)
{
    es_edge_loop_t *self = es_alloc_zero(sizeof *self);
    self->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (!self->ev) {
        free(self);
        return NULL;
    }
    self->ops = *ops;
    self->tick_us = tick_us;
    ev_check_init(&self->check, on_check);
    self->check.data = self;
    ev_set_priority(&self->check, EV_MAXPRI); /* before libwebsockets hears of anything */
    ev_check_start(self->ev, &self->check);
    ev_timer_init(&self->timer, on_timer, 0, 0);
    return self;
}

void es_edge_loop_destroy(es_edge_loop_t **self_p)
{
    es_edge_loop_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    ev_loop_destroy(self->ev);
    free(self);
}

void *es_edge_loop_handle(es_edge_loop_t *self)
{
    return self->ev;
}

void es_edge_loop_watch(es_edge_loop_t *self, int fd, void (*fn)(void *ctx), void *ctx)
{
    assert(self->watched < ES_EDGE_LOOP_FDS);
    watch_t *watch = &self->watches[self->watched++];
    watch->fn = fn;
    watch->ctx = ctx;
    ev_io_init(&watch->io, on_io, fd, EV_READ);
    watch->io.data = watch;
    ev_io_start(self->ev, &watch->io);
}

void es_edge_loop_unwatch(es_edge_loop_t *self, int fd)
{
    for (int i = 0; i < self->watched; i++)
        if (self->watches[i].io.fd == fd) ev_io_stop(self->ev, &self->watches[i].io);
}

struct es_edge_watch {
    ev_io io;
    struct ev_loop *ev;
    void (*fn)(void *ctx, bool readable, bool writable);
    void *ctx;
};

static void on_watch(struct ev_loop *ev, ev_io *io, int events)
{
    es_edge_watch_t *self = io->data;
    (void)ev;
    self->fn(self->ctx, events & (EV_READ | EV_ERROR), events & (EV_WRITE | EV_ERROR));
}

es_edge_watch_t *es_edge_watch_new(es_edge_loop_t *loop, int fd, void (*fn)(void *ctx, bool readable, bool writable),
                                   void *ctx)
{
    es_edge_watch_t *self = es_alloc_zero(sizeof *self);
    self->ev = loop->ev;
    self->fn = fn;
    self->ctx = ctx;
    ev_io_init(&self->io, on_watch, fd, 0);
    self->io.data = self;
    return self;
}

void es_edge_watch_set(es_edge_watch_t *self, bool reading, bool writing)
{
    ev_io_stop(self->ev, &self->io);
    ev_io_set(&self->io, self->io.fd, (reading ? EV_READ : 0) | (writing ? EV_WRITE : 0));
    if (reading || writing) ev_io_start(self->ev, &self->io);
}

void es_edge_watch_destroy(es_edge_watch_t **self_p)
{
    es_edge_watch_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    ev_io_stop(self->ev, &self->io);
    free(self);
}

void es_edge_loop_watch_socket(es_edge_loop_t *self, void *socket)
{
    int fd = -1;
    size_t size = sizeof fd;
    int rc = zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
    assert(!rc);
    es_edge_loop_watch(self, fd, NULL, NULL);
}

/* Sleeps until so many microseconds after began_us. */
static void rest_until(uint64_t began_us, uint64_t after_us)
{
    uint64_t now = es_now_us(), end = began_us + after_us;
    if (now >= end) return;
    struct timespec rest = {0, (long)(end - now) * 1000};
    nanosleep(&rest, NULL);
}

static void poll_once(es_edge_loop_t *self, int how)
{
    ev_run(self->ev, how);
    self->ops.flush(self->ops.ctx);
}

static void wait_until(es_edge_loop_t *self, uint64_t next_us)
{
    uint64_t now = es_now_us();
    if (next_us <= now) {
        poll_once(self, EVRUN_NOWAIT);
        return;
    }
    ev_timer_stop(self->ev, &self->timer);
    if (next_us != UINT64_MAX) {
        ev_now_update(self->ev);
        ev_timer_set(&self->timer, (double)(next_us - now) / 1e6, 0);
        ev_timer_start(self->ev, &self->timer);
    }
    poll_once(self, EVRUN_ONCE);
}

void es_edge_loop_run(es_edge_loop_t *self)
{
    uint64_t next = 0, flushed = es_now_us();
    unsigned work = 0;
    while (!self->stop) {
        bool busy = self->tick_us && work >= BUSY;
        uint64_t tick = work < FULL ? self->tick_us * (FULL - work) / FULL : 0;
        if (busy)
            rest_until(flushed, tick * ANSWER / 100);
        else
            wait_until(self, next);
        work = 0;
        uint64_t now = es_now_us();
        next = self->ops.turn(self->ops.ctx, now, &work);
        es_health_beat(now);
        if (next > now + ES_HEALTH_BEAT_US) next = now + ES_HEALTH_BEAT_US;
        if (!busy) continue;
        ev_run(self->ev, EVRUN_NOWAIT);
        rest_until(flushed, tick);
        poll_once(self, EVRUN_NOWAIT);
        flushed = es_now_us();
        next = 0; /* clients were read since: their timers may be due before it */
    }
}

void es_edge_loop_stop(es_edge_loop_t *self)
{
    self->stop = true;
}
