#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* Whole under another name first, then linked: whoever comes second finds the first one's secret, and nobody half of one. */
int es_secret_file_make(const char *file, const void *bytes, size_t len)
{
    char fresh[1100];
    snprintf(fresh, sizeof fresh, "%s.%d", file, (int)getpid());
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    bool written = write(fd, bytes, len) == (ssize_t)len && fsync(fd) == 0;
    int rc = close(fd) == 0 && written && (link(fresh, file) == 0 || errno == EEXIST) ? 0 : -1;
    int error = errno;
    unlink(fresh);
    errno = error;
    return rc;
}
