#include "name_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { PATH_BYTES = 1024 };

static void say_who(int fd, const char *name, char *err, size_t err_len)
{
    char pid[24] = "?";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? strcspn(pid, "\n") : 1] = '\0';
    snprintf(err, err_len, "the jobs actor %s uses this spool already (pid %s); stop it or choose another --name", name,
             pid);
}

/* For people only. */
static void write_pid(int fd)
{
    char pid[24];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)n, 0) != n) errno = 0;
}

int es_name_lock_take(const char *dir, const char *name, char *err, size_t err_len)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/.%s.lock", dir, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        snprintf(err, err_len, "cannot open the lock file %s: %s", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        say_who(fd, name, err, err_len);
        close(fd);
        return -1;
    }
    write_pid(fd);
    return fd;
}
