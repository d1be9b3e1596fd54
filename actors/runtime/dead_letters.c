#include "dead_letters.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "wire.h"

#define FRESH ".new" /* the end of a name while the file is written */
enum { PATH_BYTES = 800, WAITING_BYTES = 2 * ES_DEAD_MAX };

static ES_METRIC_COUNTER(kept, "earshot_dead_letters_total{result=\"kept\"}",
                         "What was given up for good, by whether it was kept for `earshot dead`.");
static ES_METRIC_COUNTER(dropped, "earshot_dead_letters_total{result=\"dropped\"}", "");
static ES_METRIC_COUNTER(displaced, "earshot_dead_letters_total{result=\"displaced\"}", "");
static ES_METRIC_COUNTER(failed, "earshot_dead_letters_total{result=\"failed\"}", "");

es_metric_t *const *es_dead_letters_metrics(void)
{
    static es_metric_t *const list[] = {&kept, &dropped, &displaced, &failed, NULL};
    return list;
}

/* On its way to the disk: head and parts in one piece. */
typedef struct waiting {
    struct waiting *next;
    uint64_t time_us;
    size_t len;
    char bytes[];
} waiting_t;

/* On the disk. */
typedef struct {
    char name[ES_DEAD_LETTER_NAME];
    uint64_t bytes;
} file_t;

struct es_dead_letters {
    char dir[PATH_BYTES - ES_DEAD_LETTER_NAME], actor[ES_DEAD_TEXT];
    uint64_t max, max_bytes;
    uint64_t second, in_second; /* of the wall clock */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t some;
    waiting_t *first, **last;
    size_t count, waiting_bytes;
    bool ending;
    /* the thread's */
    file_t *files; /* oldest first; room for max + 1 */
    size_t files_count;
    uint64_t bytes, number;
};

/* ---- the disk */

static void path_of(const es_dead_letters_t *self, const char *name, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/%.*s", self->dir, ES_DEAD_LETTER_NAME - 1, name);
}

static void forget_oldest(es_dead_letters_t *self)
{
    char path[PATH_BYTES];
    path_of(self, self->files[0].name, path);
    unlink(path);
    self->bytes -= self->files[0].bytes;
    memmove(self->files, self->files + 1, --self->files_count * sizeof *self->files);
    es_metric_add(&displaced, 1);
}

static void remember(es_dead_letters_t *self, const char *name, uint64_t bytes)
{
    file_t *file = &self->files[self->files_count++];
    snprintf(file->name, sizeof file->name, "%s", name);
    file->bytes = bytes;
    self->bytes += bytes;
    while (self->files_count > self->max || (self->bytes > self->max_bytes && self->files_count > 1))
        forget_oldest(self);
}

/* Whole or not at all. */
static bool write_file(const es_dead_letters_t *self, const char *name, const waiting_t *letter)
{
    char path[PATH_BYTES], fresh[PATH_BYTES + 8];
    path_of(self, name, path);
    snprintf(fresh, sizeof fresh, "%s" FRESH, path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool fine = fd >= 0;
    for (size_t done = 0; fine && done < letter->len;) {
        ssize_t n = write(fd, letter->bytes + done, letter->len - done);
        fine = n > 0 || (n < 0 && errno == EINTR);
        if (n > 0) done += (size_t)n;
    }
    if (fd >= 0) fine = close(fd) == 0 && fine;
    fine = fine && rename(fresh, path) == 0;
    if (!fine) unlink(fresh);
    return fine;
}

static void keep(es_dead_letters_t *self, const waiting_t *letter)
{
    char name[ES_DEAD_LETTER_NAME];
    snprintf(name, sizeof name, "%.64s-%016" PRIx64 "-%04" PRIx64 ES_DEAD_SUFFIX, self->actor, letter->time_us,
             self->number++ & 0xffff);
    if (!write_file(self, name, letter)) {
        es_metric_add(&failed, 1);
        es_log_warn("a dead letter cannot be kept", ES_S("dir", self->dir), ES_S("error", strerror(errno)));
        return;
    }
    es_metric_add(&kept, 1);
    remember(self, name, letter->len);
}

static waiting_t *take(es_dead_letters_t *self)
{
    pthread_mutex_lock(&self->lock);
    while (!self->first && !self->ending) pthread_cond_wait(&self->some, &self->lock);
    waiting_t *letter = self->first;
    if (letter) {
        self->first = letter->next;
        self->count--;
        self->waiting_bytes -= letter->len;
    }
    if (!self->first) self->last = &self->first;
    pthread_mutex_unlock(&self->lock);
    return letter;
}

static void *work(void *arg)
{
    es_dead_letters_t *self = arg;
    es_log_actor(self->actor);
    for (waiting_t *letter; (letter = take(self)); free(letter)) keep(self, letter);
    return NULL;
}

/* ---- what is there from before */

static bool ours(const char *name, const char *actor, const char *end)
{
    size_t n = strlen(actor), len = strlen(name), tail = strlen("-0123456789abcdef-0000") + strlen(end);
    return len == n + tail && len < ES_DEAD_LETTER_NAME && strncmp(name, actor, n) == 0 &&
           strcmp(name + len - strlen(end), end) == 0;
}

/* One that was being written when its writer was killed is no letter, and may be speech. */
static void take_over(es_dead_letters_t *self, const char *name, const char *actor)
{
    struct stat st;
    char path[PATH_BYTES];
    path_of(self, name, path);
    if (ours(name, actor, ES_DEAD_SUFFIX FRESH)) unlink(path);
    if (ours(name, actor, ES_DEAD_SUFFIX) && stat(path, &st) == 0) remember(self, name, (uint64_t)st.st_size);
}

static void find_files(es_dead_letters_t *self)
{
    struct dirent **entries = NULL;
    char actor[65];
    snprintf(actor, sizeof actor, "%.64s", self->actor);
    int n = scandir(self->dir, &entries, NULL, alphasort); /* the names are in the order of time */
    for (int i = 0; i < n; i++) {
        take_over(self, entries[i]->d_name, actor);
        free(entries[i]);
    }
    free(entries);
}

/* ---- the outside */

es_dead_letters_t *es_dead_letters_new(const es_dead_letters_config_t *config)
{
    if (config->max == 0) return NULL;
    es_dead_letters_t *self = es_alloc_zero(sizeof *self);
    snprintf(self->dir, sizeof self->dir, "%.600s/dead", config->data);
    es_dead_letter_text(self->actor, es_span(config->actor));
    for (char *at = self->actor; *at; at++)
        if (*at == '/') *at = '_';
    self->max = config->max;
    self->max_bytes = config->max_bytes;
    self->last = &self->first;
    self->files = es_alloc((self->max + 1) * sizeof *self->files);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->some, NULL);
    if ((mkdir(self->dir, 0700) == 0 || errno == EEXIST) && access(self->dir, W_OK | X_OK) == 0) {
        find_files(self);
        if (pthread_create(&self->thread, NULL, work, self) == 0) return self;
    }
    es_log_warn("what is given up will not be kept: no directory for dead letters", ES_S("dir", self->dir),
                ES_S("error", strerror(errno)));
    free(self->files);
    free(self);
    return NULL;
}

void es_dead_letters_destroy(es_dead_letters_t **self_p)
{
    es_dead_letters_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    pthread_mutex_lock(&self->lock);
    self->ending = true;
    pthread_cond_signal(&self->some);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->some);
    free(self->files);
    free(self);
}

static bool too_often(es_dead_letters_t *self, uint64_t wall_us)
{
    uint64_t second = wall_us / 1000000;
    if (second != self->second) self->in_second = 0;
    self->second = second;
    return self->in_second++ >= ES_DEAD_A_SECOND;
}

static waiting_t *pack(const es_dead_letter_t *letter)
{
    char head[ES_DEAD_HEAD_MAX];
    size_t head_len = es_dead_letter_head(letter, head), len = head_len;
    for (size_t i = 0; i < letter->count; i++) len += letter->parts[i].len;
    if (len - head_len > ES_DEAD_MAX) return NULL;
    waiting_t *out = es_alloc(sizeof *out + len);
    *out = (waiting_t){.time_us = letter->time_us, .len = len};
    memcpy(out->bytes, head, head_len);
    for (size_t i = 0, at = head_len; i < letter->count; at += letter->parts[i++].len)
        if (letter->parts[i].len) memcpy(out->bytes + at, letter->parts[i].ptr, letter->parts[i].len);
    return out;
}

void es_dead_letters_put(es_dead_letters_t *self, const es_dead_letter_t *letter)
{
    if (!self) return;
    es_dead_letter_t own = *letter;
    own.time_us = es_wall_us();
    memcpy(own.actor, self->actor, sizeof own.actor);
    waiting_t *packed = too_often(self, own.time_us) ? NULL : pack(&own);
    pthread_mutex_lock(&self->lock);
    bool room = packed && self->count < ES_DEAD_WAITING && self->waiting_bytes + packed->len <= WAITING_BYTES;
    if (room) {
        *self->last = packed;
        self->last = &packed->next;
        self->count++;
        self->waiting_bytes += packed->len;
        pthread_cond_signal(&self->some);
    }
    pthread_mutex_unlock(&self->lock);
    if (room) return;
    es_metric_add(&dropped, 1);
    free(packed);
}
