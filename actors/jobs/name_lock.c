#include "name_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, PID_BYTES = 21 }; /* the first line: the pid, and spaces; then the tag */

static void say_who(int fd, const char *name, char *err, size_t err_len)
{
    char pid[24] = "?";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? strcspn(pid, " \n") : 1] = '\0';
    snprintf(err, err_len, "the jobs actor %s uses this spool already (pid %s); stop it or choose another --name", name,
             pid);
}

/* For people only. */
static void write_pid(int fd)
{
    char pid[PID_BYTES + 1];
    snprintf(pid, sizeof pid, "%-20ld\n", (long)getpid());
    if (pwrite(fd, pid, PID_BYTES, 0) != PID_BYTES) errno = 0;
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

bool es_name_lock_swap(int fd, const char tag[ES_NAME_LOCK_TAG], char before[ES_NAME_LOCK_TAG + 1])
{
    ssize_t n = pread(fd, before, ES_NAME_LOCK_TAG, PID_BYTES);
    before[n > 0 ? n : 0] = '\0';
    if (pwrite(fd, tag, ES_NAME_LOCK_TAG, PID_BYTES) != (ssize_t)ES_NAME_LOCK_TAG) errno = 0;
    return n == (ssize_t)ES_NAME_LOCK_TAG;
}
