#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "job_id.h"
#include "spool_state.h"
#include "wire.h"

static void name_part(const char *job, const char *key, char out[ES_PART_NAME_LEN + 1])
{
    char draw[17];
    es_hex16(es_random_u64(), draw);
    snprintf(out, ES_PART_NAME_LEN + 1, "%s.%s.%s", job, key, draw);
}

static bool ids_valid(const char *job, const char *key)
{
    if (es_job_id_valid(es_span(job)) && es_job_hex_valid(es_span(key), ES_CLIENT_ID_LEN)) return true;
    errno = EINVAL;
    return false;
}

static void reserve(es_spool_t *self, es_part_t *part, uint64_t bytes)
{
    if (bytes > part->reserved) atomic_fetch_add(&self->reserved, bytes - part->reserved);
    if (bytes < part->reserved) atomic_fetch_sub(&self->reserved, part->reserved - bytes);
    part->reserved = bytes;
}

int es_part_make(es_spool_t *self, const char *job, const char *key, uint64_t announced, es_part_t *out)
{
    *out = (es_part_t){.fd = -1};
    if (!ids_valid(job, key)) return -1;
    name_part(job, key, out->name);
    out->fd = openat(self->parts, out->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out->fd < 0) return -1;
    reserve(self, out, announced);
    if (flock(out->fd, LOCK_SH | LOCK_NB) == 0) return 0;
    es_part_drop(self, out);
    return -1;
}

/* ---- takeover */

typedef struct {
    char prefix[ES_JOB_ID_LEN + 1 + ES_CLIENT_ID_LEN + 2]; /* JOB.KEY. */
    char name[ES_PART_NAME_LEN + 1];
    uint64_t bytes;
    bool found;
} search_t;

static bool part_name_valid(const char *name)
{
    return strlen(name) == ES_PART_NAME_LEN && es_job_id_valid(es_span_of(name, ES_JOB_ID_LEN)) &&
           es_job_hex_valid(es_span_of(name + ES_PART_NAME_LEN - 16, 16), 16);
}

/* The longest: every owner wrote the same bytes. */
static bool consider(void *arg, const char *name, const struct stat *st)
{
    search_t *search = arg;
    if (strncmp(name, search->prefix, strlen(search->prefix)) != 0 || !part_name_valid(name)) return true;
    if (search->found && (uint64_t)st->st_size <= search->bytes) return true;
    search->found = true;
    search->bytes = (uint64_t)st->st_size;
    snprintf(search->name, sizeof search->name, "%s", name);
    return true;
}

static int open_taken(es_spool_t *self, es_part_t *out)
{
    struct stat st;
    out->fd = openat(self->parts, out->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (out->fd < 0) return -1;
    if (flock(out->fd, LOCK_SH | LOCK_NB) == 0 && fstat(out->fd, &st) == 0 && st.st_nlink > 0) {
        out->bytes = (uint64_t)st.st_size;
        return 0;
    }
    close(out->fd);
    out->fd = -1;
    errno = ENOENT;
    return -1;
}

int es_part_take(es_spool_t *self, const char *job, const char *key, uint64_t offset, uint64_t announced,
                 es_part_t *out)
{
    *out = (es_part_t){.fd = -1};
    if (!ids_valid(job, key)) return -1;
    search_t search = {.found = false};
    snprintf(search.prefix, sizeof search.prefix, "%s.%s.", job, key);
    es_spool_each(self->parts, consider, &search);
    name_part(job, key, out->name);
    if (!search.found || search.bytes < offset || renameat(self->parts, search.name, self->parts, out->name) != 0) {
        errno = ENOENT;
        return -1;
    }
    if (open_taken(self, out) != 0) return -1;
    reserve(self, out, announced > out->bytes ? announced - out->bytes : 0);
    return 0;
}

/* ---- writing */

int es_part_write(es_spool_t *self, es_part_t *part, uint64_t offset, const void *data, size_t len)
{
    const char *at = data;
    size_t left = len;
    while (left > 0) {
        ssize_t n = pwrite(part->fd, at, left, (off_t)(offset + len - left));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        at += n;
        left -= (size_t)n;
    }
    uint64_t end = offset + len;
    if (end <= part->bytes) return 0;
    uint64_t more = end - part->bytes;
    es_spool_count(self, more, 0);
    part->bytes = end;
    reserve(self, part, part->reserved > more ? part->reserved - more : 0);
    return 0;
}

int es_part_sync(const es_part_t *part)
{
    return fdatasync(part->fd);
}

static void shut(es_spool_t *self, es_part_t *part)
{
    int error = errno;
    reserve(self, part, 0);
    if (part->fd >= 0) close(part->fd);
    part->fd = -1;
    errno = error;
}

static int cut(es_spool_t *self, es_part_t *part, uint64_t bytes)
{
    if (part->bytes < bytes) {
        errno = EIO;
        return -1;
    }
    if (part->bytes == bytes) return 0;
    if (ftruncate(part->fd, (off_t)bytes) != 0) return -1;
    es_spool_count(self, 0, part->bytes - bytes);
    part->bytes = bytes;
    return 0;
}

int es_part_finish(es_spool_t *self, es_part_t *part, uint64_t bytes)
{
    char job[ES_JOB_ID_LEN + 1];
    snprintf(job, sizeof job, "%.*s", (int)ES_JOB_ID_LEN, part->name);
    int rc = cut(self, part, bytes);
    if (rc == 0) rc = fdatasync(part->fd);
    int64_t replaced = es_spool_file_size(self, job);
    if (rc == 0) rc = renameat(self->parts, part->name, self->files, job);
    if (rc != 0) {
        es_part_drop(self, part);
        return -1;
    }
    if (replaced > 0) es_spool_count(self, 0, (uint64_t)replaced);
    shut(self, part);
    return 0;
}

void es_part_drop(es_spool_t *self, es_part_t *part)
{
    int error = errno;
    if (part->fd < 0) return;
    if (unlinkat(self->parts, part->name, 0) == 0) es_spool_count(self, 0, part->bytes);
    shut(self, part);
    errno = error;
}

void es_part_leave(es_spool_t *self, es_part_t *part)
{
    shut(self, part);
}

bool es_part_clear(es_spool_t *self, const char *name)
{
    struct stat st;
    if (!part_name_valid(name)) return false;
    int fd = openat(self->parts, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return false;
    bool gone = flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && unlinkat(self->parts, name, 0) == 0;
    if (gone) es_spool_count(self, 0, (uint64_t)st.st_size);
    close(fd);
    return gone;
}

/* ---- heads */

enum { HEAD_NAME_LEN = ES_JOB_ID_LEN + 1 + ES_CLIENT_ID_LEN + 5 };

static bool name_head(const char *job, const char *key, char out[HEAD_NAME_LEN + 1])
{
    if (!ids_valid(job, key)) return false;
    snprintf(out, HEAD_NAME_LEN + 1, "%s.%s.head", job, key);
    return true;
}

/* Nobody reads it before it is whole: a commit names it first. */
int es_part_keep_head(es_spool_t *self, const char *job, const char *key, const void *head, size_t len)
{
    char name[HEAD_NAME_LEN + 1];
    if (!name_head(job, key, name)) return -1;
    int fd = openat(self->parts, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    struct stat st = {.st_size = 0};
    bool written = fstat(fd, &st) == 0 && write(fd, head, len) == (ssize_t)len && fdatasync(fd) == 0;
    uint64_t old = (uint64_t)st.st_size;
    if (written && len > old) es_spool_count(self, len - old, 0);
    return close(fd) == 0 && written ? 0 : -1;
}

int es_part_read_head(es_spool_t *self, const char *job, const char *key, void *out, size_t cap)
{
    char name[HEAD_NAME_LEN + 1];
    if (!name_head(job, key, name)) return -1;
    int fd = openat(self->parts, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, out, cap);
    close(fd);
    return (int)n;
}

void es_part_drop_head(es_spool_t *self, const char *job, const char *key)
{
    char name[HEAD_NAME_LEN + 1];
    struct stat st;
    if (!name_head(job, key, name) || fstatat(self->parts, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (unlinkat(self->parts, name, 0) == 0) es_spool_count(self, 0, (uint64_t)st.st_size);
}
