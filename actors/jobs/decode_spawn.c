#include "decode_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "decode_wire.h"
#include "environment.h"

static const char name[] = "earshot-decode";

static const char *find(const char *program, char path[PATH_MAX + sizeof name])
{
    if (program) return program;
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(path, '/');
    if (slash) memcpy(slash + 1, name, sizeof name);
    return slash && access(path, X_OK) == 0 ? path : name;
}

/* Nothing of ours but standard error and its socket, no setting, and no signal blocked. A dup2 to its own number would leave close-on-exec set, hence the detour. */
static int run(const char *program, char *const argv[], int fd, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, defaults;
    char *environment[ES_ENVIRONMENT_BARE_MAX];
    es_environment_bare(environment);
    sigemptyset(&none);
    sigfillset(&defaults);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, fd, ES_DECODE_FD);
    posix_spawn_file_actions_addclosefrom_np(&files, ES_DECODE_FD + 1);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int error = posix_spawnp(pid, program, &files, &attr, argv, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return error;
}

int es_decode_spawn(const char *program, uint64_t memory_mib, pid_t *pid)
{
    char path[PATH_MAX + sizeof name], memory[24], first[sizeof name];
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return -1;
    int far = fcntl(pair[1], F_DUPFD_CLOEXEC, ES_DECODE_FD + 1);
    close(pair[1]);
    memcpy(first, name, sizeof name);
    snprintf(memory, sizeof memory, "%llu", (unsigned long long)memory_mib);
    char *const argv[] = {first, memory, NULL};
    int error = far < 0 ? errno : run(find(program, path), argv, far, pid);
    if (far >= 0) close(far);
    if (error == 0) return pair[0];
    close(pair[0]);
    errno = error;
    return -1;
}
