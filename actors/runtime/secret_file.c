#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

/* Whole under a name that nobody else has, first, then linked: whoever comes second finds the first one's secret, and nobody half of one. */
int es_secret_file_make(const char *file, const void *bytes, size_t len)
{
    char fresh[1100];
    int n = snprintf(fresh, sizeof fresh, "%s.XXXXXX", file);
    if (n < 0 || (size_t)n >= sizeof fresh) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0) return -1;
    bool written = write(fd, bytes, len) == (ssize_t)len && fsync(fd) == 0;
    int rc = close(fd) == 0 && written && (link(fresh, file) == 0 || errno == EEXIST) ? 0 : -1;
    int error = errno;
    unlink(fresh);
    errno = error;
    return rc;
}

static int fail(const char *file, const char *what, char *err, size_t err_len)
{
    snprintf(err, err_len, "%.512s cannot be read: %s", file, what);
    return -1;
}

/* One byte more than it may have tells that it has more. */
static int read_all(es_secret_file_t *self, int fd, size_t max)
{
    self->bytes = es_alloc(max + 2);
    while (self->len <= max) {
        ssize_t n = read(fd, self->bytes + self->len, max + 1 - self->len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        self->len += (size_t)n;
    }
    self->bytes[self->len] = 0;
    if (self->len <= max) return 0;
    errno = EFBIG;
    return -1;
}

static int look(es_secret_file_t *self, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return -1;
    self->readable = st.st_mode & S_IROTH;
    self->writable = st.st_mode & (S_IWGRP | S_IWOTH);
    if (S_ISREG(st.st_mode)) return 0;
    errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    return -1;
}

/* Without O_NONBLOCK the start would hang at a pipe. */
int es_secret_file_load(es_secret_file_t *self, const char *file, size_t max, char *err, size_t err_len)
{
    *self = (es_secret_file_t){0};
    if (!*file) {
        snprintf(err, err_len, "no file is named");
        return -1;
    }
    snprintf(self->name, sizeof self->name, "%s", file);
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return fail(file, strerror(errno), err, err_len);
    int rc = look(self, fd) != 0 || read_all(self, fd, max) != 0 ? -1 : 0;
    int error = errno;
    close(fd);
    if (rc == 0) return 0;
    es_secret_file_fini(self);
    if (error == EFBIG)
        snprintf(err, err_len, "%.512s is too large: at most %zu bytes are read", file, max);
    else
        fail(file, error == EINVAL ? "it is not a regular file" : strerror(error), err, err_len);
    return -1;
}

int es_secret_file_kept(const es_secret_file_t *self, const char *what, char *err, size_t err_len)
{
    if (!self->readable && !self->writable) return 0;
    snprintf(err, err_len, "%.512s holds %s and may be %s by others on this machine: chmod 640 it, or 600", self->name,
             what, self->readable ? "read" : "written");
    return -1;
}

void es_secret_file_fini(es_secret_file_t *self)
{
    if (self->bytes) explicit_bzero(self->bytes, self->len);
    free(self->bytes);
    self->bytes = NULL;
    self->len = 0;
}
