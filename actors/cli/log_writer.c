#include "log_writer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "wire.h"
#include "write_whole.h"

struct es_log_writer {
    int fd;
    bool started, ending;
    bool gone;   /* nobody reads the log any more, or all is written */
    bool orphan; /* the thread frees it */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    char *waiting, *writing; /* ES_LOG_WRITER_BYTES each; they change places */
    size_t waiting_len, writing_len;
    uint64_t dropped; /* lines, since that was last said */
};

static void write_dropped(int fd, uint64_t dropped)
{
    char line[128];
    int n = snprintf(line, sizeof line, "%llu lines of the log are missing here: nobody read them in time\n",
                     (unsigned long long)dropped);
    es_write_whole(fd, line, (size_t)n);
}

/* Under the lock: takes what waits. False: there is no more, and the end was asked for. */
static bool take(es_log_writer_t *self, uint64_t *dropped)
{
    while (self->waiting_len == 0 && !self->ending) pthread_cond_wait(&self->filled, &self->lock);
    char *spare = self->writing;
    self->writing = self->waiting;
    self->writing_len = self->waiting_len;
    self->waiting = spare;
    self->waiting_len = 0;
    *dropped = self->dropped;
    self->dropped = 0;
    return self->writing_len > 0;
}

static void discard(es_log_writer_t *self)
{
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->filled);
    pthread_cond_destroy(&self->emptied);
    free(self->waiting);
    free(self->writing);
    free(self);
}

static void *work(void *arg)
{
    es_log_writer_t *self = arg;
    uint64_t dropped;
    pthread_mutex_lock(&self->lock);
    while (take(self, &dropped)) {
        pthread_mutex_unlock(&self->lock);
        bool written = es_write_whole(self->fd, self->writing, self->writing_len) == 0;
        if (written && dropped > 0) write_dropped(self->fd, dropped);
        pthread_mutex_lock(&self->lock);
        self->gone = self->gone || !written;
    }
    self->gone = true;
    pthread_cond_signal(&self->emptied);
    bool orphan = self->orphan;
    pthread_mutex_unlock(&self->lock);
    if (orphan) discard(self);
    return NULL;
}

es_log_writer_t *es_log_writer_new(int fd)
{
    es_log_writer_t *self = es_alloc_zero(sizeof *self);
    self->fd = fd;
    self->waiting = es_alloc(ES_LOG_WRITER_BYTES);
    self->writing = es_alloc(ES_LOG_WRITER_BYTES);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->filled, NULL);
    pthread_cond_init(&self->emptied, NULL);
    return self;
}

/* Without a thread lines are written by who has them. */
static void start(es_log_writer_t *self, const char *line, size_t len)
{
    self->started = pthread_create(&self->thread, NULL, work, self) == 0;
    if (!self->started) es_write_whole(self->fd, line, len);
}

void es_log_writer_put(es_log_writer_t *self, const char *line, size_t len)
{
    if (!self->started) start(self, line, len);
    if (!self->started) return;
    pthread_mutex_lock(&self->lock);
    if (!self->gone && len > ES_LOG_WRITER_BYTES - self->waiting_len) {
        self->dropped++;
    } else if (!self->gone) {
        memcpy(self->waiting + self->waiting_len, line, len);
        self->waiting_len += len;
        pthread_cond_signal(&self->filled);
    }
    pthread_mutex_unlock(&self->lock);
}

/* True where the thread is at its end; else it is stuck, and what it uses is its own. */
static bool end_within(es_log_writer_t *self, unsigned wait_ms)
{
    const struct timespec until = es_monotonic_in_ms(wait_ms);
    int rc = 0;
    pthread_mutex_lock(&self->lock);
    self->ending = true;
    pthread_cond_signal(&self->filled);
    while (!self->gone && rc == 0) rc = pthread_cond_clockwait(&self->emptied, &self->lock, CLOCK_MONOTONIC, &until);
    bool gone = self->gone;
    self->orphan = !gone;
    if (!gone) pthread_detach(self->thread);
    pthread_mutex_unlock(&self->lock);
    return gone;
}

void es_log_writer_destroy(es_log_writer_t **self_p, unsigned wait_ms)
{
    es_log_writer_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    if (self->started && !end_within(self, wait_ms)) return;
    if (self->started) pthread_join(self->thread, NULL);
    discard(self);
}
