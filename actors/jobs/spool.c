#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "alloc.h"
#include "job_id.h"
#include "spool_state.h"
#include "wire.h"

ES_METRIC_COUNTER(es_spool_cleared, "earshot_jobs_spool_cleared_total",
                  "Files cleared up that no job and no upload has.");

es_metric_t *const *es_spool_metrics(void)
{
    static es_metric_t *const list[] = {&es_spool_cleared, NULL};
    return list;
}

/* ---- what is counted */

void es_spool_count(es_spool_t *self, uint64_t more, uint64_t less)
{
    if (more > less) atomic_fetch_add(self->used, more - less);
    if (less > more) atomic_fetch_sub(self->used, less - more);
}

uint64_t es_spool_changed_ms(const struct stat *st)
{
    const struct timespec *at = st->st_ctim.tv_sec > st->st_mtim.tv_sec ? &st->st_ctim : &st->st_mtim;
    return (uint64_t)at->tv_sec * 1000 + (uint64_t)at->tv_nsec / 1000000;
}

void es_spool_each(int dir, bool (*fn)(void *arg, const char *name, const struct stat *st), void *arg)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    if (!list) {
        if (fd >= 0) close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(list));) {
        struct stat st;
        if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) continue;
        if (!fn(arg, entry->d_name, &st)) break;
    }
    closedir(list);
}

static bool add_size(void *arg, const char *name, const struct stat *st)
{
    (void)name;
    *(uint64_t *)arg += (uint64_t)st->st_size;
    return true;
}

static uint64_t below_zero_is_zero(uint64_t value)
{
    return value > INT64_MAX ? 0 : value; /* a process that was killed may have counted a piece less than it wrote */
}

void es_spool_usage(const es_spool_t *self, es_spool_usage_t *out)
{
    struct statvfs disk;
    *out = (es_spool_usage_t){.bytes = below_zero_is_zero(atomic_load(self->used)),
                              .reserved = atomic_load(&self->reserved),
                              .quota = self->quota};
    if (fstatvfs(self->dir, &disk) == 0) out->disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
}

es_spool_room_t es_spool_room(const es_spool_t *self, uint64_t bytes)
{
    es_spool_usage_t usage;
    es_spool_usage(self, &usage);
    uint64_t wanted = usage.reserved + bytes;
    if (wanted < bytes) return ES_ROOM_FLOOR;
    if (self->quota && (usage.bytes > self->quota || wanted > self->quota - usage.bytes)) return ES_ROOM_QUOTA;
    if (usage.disk_free < self->floor || wanted > usage.disk_free - self->floor) return ES_ROOM_FLOOR;
    return ES_ROOM_ENOUGH;
}

/* ---- opening */

static int make_dir(int at, const char *name)
{
    if (mkdirat(at, name, 0700) != 0 && errno != EEXIST) return -1;
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int read_id(es_spool_t *self)
{
    char text[ES_SPOOL_ID_LEN + 2];
    int fd = openat(self->dir, "spool.id", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    if (n < (ssize_t)ES_SPOOL_ID_LEN || !es_job_hex_valid(es_span_of(text, ES_SPOOL_ID_LEN), ES_SPOOL_ID_LEN)) {
        errno = EBADMSG;
        return -1;
    }
    memcpy(self->id, text, ES_SPOOL_ID_LEN);
    return 0;
}

/* Whole under another name first, then linked: whoever comes second finds the first one's id. */
static int draw_id(es_spool_t *self)
{
    char id[17], line[18], fresh[40];
    es_hex16(es_random_u64(), id);
    snprintf(line, sizeof line, "%s\n", id);
    snprintf(fresh, sizeof fresh, "spool.id.%s", id);
    int fd = openat(self->dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    bool written = write(fd, line, 17) == 17 && fsync(fd) == 0;
    int rc = close(fd) == 0 && written && (linkat(self->dir, fresh, self->dir, "spool.id", 0) == 0 || errno == EEXIST)
                 ? 0
                 : -1;
    int error = errno;
    unlinkat(self->dir, fresh, 0);
    errno = error;
    return rc == 0 ? fsync(self->dir) : -1;
}

static int open_id(es_spool_t *self)
{
    if (read_id(self) == 0) return 0;
    return errno == ENOENT && draw_id(self) == 0 ? read_id(self) : -1;
}

/* The first process on the directory counts what is there; those that come while it lives go on with its count. */
static int open_count(es_spool_t *self)
{
    self->count_fd = openat(self->dir, "spool.used", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (self->count_fd < 0) return -1;
    bool first = flock(self->count_fd, LOCK_EX | LOCK_NB) == 0;
    if (!first && flock(self->count_fd, LOCK_SH) != 0) return -1;
    if (ftruncate(self->count_fd, sizeof *self->used) != 0) return -1;
    void *map = mmap(NULL, sizeof *self->used, PROT_READ | PROT_WRITE, MAP_SHARED, self->count_fd, 0);
    if (map == MAP_FAILED) return -1;
    self->used = map;
    if (!first) return 0;
    uint64_t bytes = 0;
    es_spool_each(self->parts, add_size, &bytes);
    es_spool_each(self->files, add_size, &bytes);
    atomic_store(self->used, bytes);
    return flock(self->count_fd, LOCK_SH);
}

static int open_all(es_spool_t *self, const char *dir)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) return -1;
    self->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->dir < 0) return -1;
    self->parts = make_dir(self->dir, "parts");
    if (self->parts < 0) return -1;
    self->files = make_dir(self->dir, "files");
    if (self->files < 0) return -1;
    if (open_id(self) != 0 || open_count(self) != 0) return -1;
    return fsync(self->dir);
}

es_spool_t *es_spool_open(const es_spool_config_t *config, char *err, size_t err_len)
{
    es_spool_t *self = es_alloc_zero(sizeof *self);
    self->dir = self->parts = self->files = self->count_fd = -1;
    self->quota = config->quota;
    self->floor = config->floor;
    if (open_all(self, config->dir) == 0) return self;
    if (errno == EBADMSG)
        snprintf(err, err_len,
                 "%s/spool.id is not the name of a spool: it must hold 16 hex digits. Jobs know their spool by it: "
                 "put the right one back, or remove the file where no job has a recording there",
                 config->dir);
    else
        snprintf(err, err_len, "the spool %s can neither be used nor made: %s", config->dir, strerror(errno));
    es_spool_close(&self);
    return NULL;
}

static void close_fd(int fd)
{
    if (fd >= 0) close(fd);
}

void es_spool_close(es_spool_t **self_p)
{
    es_spool_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    if (self->used) munmap(self->used, sizeof *self->used);
    close_fd(self->count_fd);
    close_fd(self->files);
    close_fd(self->parts);
    close_fd(self->dir);
    free(self);
}

const char *es_spool_id(const es_spool_t *self)
{
    return self->id;
}

int es_spool_sync_parts(const es_spool_t *self)
{
    return fsync(self->parts);
}

int es_spool_sync_files(const es_spool_t *self)
{
    return fsync(self->files);
}

/* ---- files */

int es_spool_file_open(const es_spool_t *self, const char *job)
{
    if (!es_job_id_valid(es_span(job))) {
        errno = EINVAL;
        return -1;
    }
    return openat(self->files, job, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

int64_t es_spool_file_size(const es_spool_t *self, const char *job)
{
    struct stat st;
    if (!es_job_id_valid(es_span(job)) || fstatat(self->files, job, &st, AT_SYMLINK_NOFOLLOW) != 0) return -1;
    return S_ISREG(st.st_mode) ? st.st_size : -1;
}

uint64_t es_spool_file_changed_ms(const es_spool_t *self, const char *job)
{
    struct stat st;
    if (!es_job_id_valid(es_span(job)) || fstatat(self->files, job, &st, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    return es_spool_changed_ms(&st);
}

void es_spool_file_remove(es_spool_t *self, const char *job)
{
    int64_t size = es_spool_file_size(self, job);
    if (size >= 0 && unlinkat(self->files, job, 0) == 0) es_spool_count(self, 0, (uint64_t)size);
}
