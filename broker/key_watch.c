#include "key_watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "keys.h"
#include "log.h"

enum {
    AGAIN_US = 50000, /* after a reading that failed */
    LOOK_US = 500000, /* at what inotify does not tell */
    EVENTS_BYTES = 8192
};

static const uint32_t changes = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
                                IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

struct es_key_watch {
    int fd, watch; /* watch < 0: the directory is not there */
    uint64_t seen; /* the print of what was there when fn was called last */
    uint64_t due_us;
    bool again; /* fn is called when that is due, whatever is there */
    char *dir;
    void (*fn)(void *ctx, uint64_t now_us);
    void *ctx;
};

/* ---- the print of a directory: another where another one has its name, or a key in it is another file, or changed ---- */

/* A step of FNV-1a. */
static uint64_t mix(uint64_t print, uint64_t fact)
{
    return (print ^ fact) * UINT64_C(1099511628211);
}

static uint64_t mix_stat(uint64_t print, const struct stat *st)
{
    const uint64_t facts[] = {st->st_dev,
                              st->st_ino,
                              st->st_mode,
                              (uint64_t)st->st_size,
                              (uint64_t)st->st_mtim.tv_sec,
                              (uint64_t)st->st_mtim.tv_nsec,
                              (uint64_t)st->st_ctim.tv_sec,
                              (uint64_t)st->st_ctim.tv_nsec};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) print = mix(print, facts[i]);
    return print;
}

/* Of what the name leads to: a link stays the same when its target goes. */
static uint64_t print_of(int at, const char *name, uint64_t print)
{
    struct stat st;
    if (fstatat(at, name, &st, 0) == 0) return mix_stat(print, &st);
    return mix(print, (uint64_t)errno);
}

static uint64_t print_of_keys(DIR *dir)
{
    uint64_t all = 0;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        size_t len = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || len < 4 || strcmp(entry->d_name + len - 4, ".pub") != 0) continue;
        uint64_t print = 1;
        for (size_t i = 0; i < len; i++) print = mix(print, (unsigned char)entry->d_name[i]);
        all += print_of(dirfd(dir), entry->d_name, print); /* in whichever order they come */
    }
    return all;
}

/* The print of before where it cannot be told now. */
static uint64_t print_now(const es_key_watch_t *self)
{
    uint64_t print = print_of(AT_FDCWD, self->dir, 1);
    DIR *dir = opendir(self->dir);
    if (!dir) return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? print : self->seen;
    print += print_of_keys(dir);
    closedir(dir);
    return print;
}

/* ---- life ---- */

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
    self->seen = print_now(self);
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

/* ---- looking ---- */

/* The directory itself went, or another has its name: what is there now is watched. */
static void watch_anew(es_key_watch_t *self)
{
    int before = self->watch;
    self->watch = inotify_add_watch(self->fd, self->dir, changes);
    if (before >= 0 && before != self->watch) inotify_rm_watch(self->fd, before);
}

/* A file that was made a moment ago and is still empty is about to be written. */
static bool is_begun(const es_key_watch_t *self, const struct inotify_event *event)
{
    char path[ES_KEY_PATH_MAX];
    struct stat st;
    return event->mask & IN_CREATE && es_key_path(path, self->dir, event->name, "") == 0 && stat(path, &st) == 0 &&
           S_ISREG(st.st_mode) && st.st_size == 0;
}

/* Did anything change since the last look? */
static bool take_events(es_key_watch_t *self)
{
    char events[EVENTS_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool any = false, gone = false;
    for (ssize_t n; (n = read(self->fd, events, sizeof events)) > 0;) {
        const struct inotify_event *event;
        for (const char *at = events; at < events + n; at += sizeof *event + event->len) {
            event = (const void *)at;
            if (event->wd >= 0 && event->wd != self->watch) continue; /* of one that is watched no more */
            any = any || !is_begun(self, event);
            gone = gone || event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED);
        }
    }
    if (gone) watch_anew(self);
    return any;
}

/* The print is taken before what it is of is read: what changes in between is found by the next look. */
static void tell(es_key_watch_t *self, uint64_t print, uint64_t now_us)
{
    self->seen = print;
    self->again = false;
    self->due_us = now_us + LOOK_US;
    self->fn(self->ctx, now_us);
}

void es_key_watch_look(es_key_watch_t *self, uint64_t now_us)
{
    if (take_events(self)) tell(self, print_now(self), now_us);
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
    self->due_us = now_us + LOOK_US;
    bool any = take_events(self);
    uint64_t print = print_now(self);
    if (print != self->seen) {
        watch_anew(self);
        print = print_now(self);
    }
    if (any || self->again || print != self->seen) tell(self, print, now_us);
    return self->due_us;
}

void es_key_watch_attach(es_key_watch_t *self, es_loop_t *loop)
{
    es_loop_add_fd(loop, self->fd, POLLIN, on_events, self);
    es_loop_add_tick(loop, on_tick, self);
}

void es_key_watch_again(es_key_watch_t *self, uint64_t now_us)
{
    self->again = true;
    self->due_us = now_us + AGAIN_US;
}
