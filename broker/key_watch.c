#include "key_watch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"

enum {
    AGAIN_US = 50000,     /* after a look that failed */
    MISSING_US = 1000000, /* between two looks for a directory that is not there */
    EVENTS_BYTES = 8192
};

static const uint32_t changes =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

struct es_key_watch {
    int fd, watch; /* watch < 0: the directory is not there */
    uint64_t due_us;
    char *dir;
    void (*fn)(void *ctx, uint64_t now_us);
    void *ctx;
};

es_key_watch_t *es_key_watch_new(const char *dir, void (*fn)(void *ctx, uint64_t now_us), void *ctx)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
        es_log_error("cannot watch the keys; raise fs.inotify.max_user_instances or the limit of open files",
                     ES_S("error", strerror(errno)));
        return NULL;
    }
    es_key_watch_t *self = es_alloc_zero(sizeof *self);
    *self = (es_key_watch_t){.fd = fd, .dir = es_alloc_copy(dir, strlen(dir)), .fn = fn, .ctx = ctx};
    self->watch = inotify_add_watch(fd, dir, changes);
    self->due_us = self->watch < 0 ? 0 : UINT64_MAX;
    return self;
}

void es_key_watch_destroy(es_key_watch_t **self_p)
{
    es_key_watch_t *self = *self_p;
    if (!self) return;
    close(self->fd);
    free(self->dir);
    free(self);
    *self_p = NULL;
}

/* The directory itself went, or another has its name: what is there now is watched. */
static void watch_anew(es_key_watch_t *self)
{
    if (self->watch >= 0) inotify_rm_watch(self->fd, self->watch);
    self->watch = inotify_add_watch(self->fd, self->dir, changes);
}

/* Did anything change since the last look? */
static bool take_events(es_key_watch_t *self)
{
    char events[EVENTS_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool any = false, gone = false;
    for (ssize_t n; (n = read(self->fd, events, sizeof events)) > 0; any = true) {
        const struct inotify_event *event;
        for (const char *at = events; at < events + n; at += sizeof *event + event->len) {
            event = (const void *)at;
            gone = gone || (event->wd == self->watch && event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED));
        }
    }
    if (gone) watch_anew(self);
    return any;
}

void es_key_watch_look(es_key_watch_t *self, uint64_t now_us)
{
    if (!take_events(self)) return;
    self->due_us = self->watch < 0 ? now_us + MISSING_US : UINT64_MAX;
    self->fn(self->ctx, now_us);
}

static void on_events(void *ctx, short revents, uint64_t now_us)
{
    (void)revents;
    es_key_watch_look(ctx, now_us);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    es_key_watch_t *self = ctx;
    if (now_us < self->due_us) return self->due_us;
    if (self->watch < 0) watch_anew(self);
    self->due_us = self->watch < 0 ? now_us + MISSING_US : UINT64_MAX;
    self->fn(self->ctx, now_us);
    return self->due_us;
}

void es_key_watch_attach(es_key_watch_t *self, es_loop_t *loop)
{
    es_loop_add_fd(loop, self->fd, POLLIN, on_events, self);
    es_loop_add_tick(loop, on_tick, self);
}

void es_key_watch_again(es_key_watch_t *self, uint64_t now_us)
{
    self->due_us = now_us + AGAIN_US;
}
