#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "endpoints.h"
#include "log.h"

static void say_who(int fd, const char *base)
{
    char pid[24] = "?";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? strcspn(pid, "\n") : 1] = '\0';
    es_log_error("another broker serves this endpoint; stop it or choose another --data or --broker",
                 ES_S("endpoint", base), ES_S("pid", pid));
}

static void write_pid(int fd)
{
    char pid[24];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n)
        es_log_warn("cannot note the pid in the lock file", ES_S("error", strerror(errno)));
}

int es_lock_take(const char *base)
{
    static const char ipc[] = "ipc://";
    if (strncmp(base, ipc, sizeof ipc - 1) != 0 || base[sizeof ipc - 1] == '@') return -2;
    char path[ES_ENDPOINT_MAX + 8];
    snprintf(path, sizeof path, "%s.lock", base + sizeof ipc - 1);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        es_log_error("cannot open the lock file; does the directory exist and may we write there?", ES_S("file", path),
                     ES_S("error", strerror(errno)));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        say_who(fd, base);
        close(fd);
        return -1;
    }
    write_pid(fd);
    return fd;
}
