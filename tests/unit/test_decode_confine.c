/* Each call is made twice, in a process of its own: free, where it does not fail for want of permission, and confined, where it does. */
#include "decode_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY (UINT64_C(1) << 30)
enum { PARENT = -77 /* stands for the number of the process that tests */ };

typedef struct {
    const char *name;
    long call, args[6];
} attempt_t;

/* Where a path is to be there is none: who comes as far as looking at it answers EFAULT. */
static const attempt_t attempts[] = {
    {"openat", SYS_openat, {AT_FDCWD, 0, O_RDONLY}},
    {"openat2", SYS_openat2, {AT_FDCWD, 0, 0, 24}},
    {"renameat", SYS_renameat, {AT_FDCWD, 0, AT_FDCWD, 0}},
    {"renameat2", SYS_renameat2, {AT_FDCWD, 0, AT_FDCWD, 0}},
    {"linkat", SYS_linkat, {AT_FDCWD, 0, AT_FDCWD, 0}},
    {"symlinkat", SYS_symlinkat, {0, AT_FDCWD, 0}},
    {"unlinkat", SYS_unlinkat, {AT_FDCWD, 0}},
    {"mkdirat", SYS_mkdirat, {AT_FDCWD, 0, 0700}},
    {"mknodat", SYS_mknodat, {AT_FDCWD, 0, S_IFREG | 0600}},
    {"fchmodat", SYS_fchmodat, {AT_FDCWD, 0, 0600}},
    {"truncate", SYS_truncate, {0, 1}},
    {"socket", SYS_socket, {AF_INET, SOCK_STREAM}},
    {"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM}},
    {"connect", SYS_connect, {-1}},
    {"sendmsg", SYS_sendmsg, {-1}},
    {"kill", SYS_kill, {PARENT, 0}},
    {"tgkill", SYS_tgkill, {PARENT, PARENT, 0}},
    {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, {PARENT, 0, 0}},
    {"rt_tgsigqueueinfo", SYS_rt_tgsigqueueinfo, {PARENT, PARENT, 0, 0}},
    {"pidfd_open", SYS_pidfd_open, {PARENT}},
    {"prlimit64", SYS_prlimit64, {PARENT, RLIMIT_CORE, 0, 0}},
    {"fcntl, to own", SYS_fcntl, {-1, F_SETOWN, PARENT}},
    {"ioctl", SYS_ioctl, {-1, 0}},
    {"clone", SYS_clone, {CLONE_THREAD}},
    {"clone3", SYS_clone3, {0, 0}},
    {"execve", SYS_execve, {0, 0, 0}},
    {"mmap, of code", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
    {"mprotect, to code", SYS_mprotect, {1, 4096, PROT_READ | PROT_EXEC}},
    {"memfd_create", SYS_memfd_create, {0, 0}},
    {"prctl", SYS_prctl, {PR_SET_NAME, 0}},
#ifdef SYS_open
    {"open", SYS_open, {0, O_RDONLY}},
    {"rename", SYS_rename, {0, 0}},
    {"unlink", SYS_unlink, {0}},
    {"mknod", SYS_mknod, {0, S_IFREG | 0600}},
    {"fork", SYS_fork, {0}},
#endif
};

/* The wait status of a child that runs `what`, confined or not. */
static int status_of(void (*what)(const void *), const void *arg, bool confined)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        if (confined) es_decode_confine(MEMORY);
        what(arg);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void attempt(const void *arg)
{
    const attempt_t *self = arg;
    const int parent = getppid();
    long args[6];
    for (size_t i = 0; i < 6; i++) args[i] = self->args[i] == PARENT ? parent : self->args[i];
    errno = 0;
    syscall(self->call, args[0], args[1], args[2], args[3], args[4], args[5]);
    _exit(errno);
}

static void whatever_else_there_is_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        int freely = status_of(attempt, &attempts[i], false), confined = status_of(attempt, &attempts[i], true);
        if (freely == confined || WEXITSTATUS(confined) != EPERM || !WIFEXITED(confined))
            fail_msg("%s: %#x freely, %#x confined", attempts[i].name, (unsigned)freely, (unsigned)confined);
    }
}

#define MUST(what) ((what) ? (void)0 : _exit(__LINE__ % 255 + 1))

static void work(const void *arg)
{
    const int *fds = arg;
    char bytes[16];
    struct stat st;
    struct rlimit cpu;
    MUST(fstat(fds[0], &st) == 0 && lseek(fds[0], 0, SEEK_SET) == 0);
    MUST(read(fds[0], bytes, sizeof bytes) == sizeof bytes && pread(fds[0], bytes, 4, 0) == 4);
    int again = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
    MUST(again >= 0 && close(again) == 0);
    char *big = malloc(1 << 20);
    MUST(big && (big = realloc(big, 64 << 20)) != NULL);
    memset(big, 1, 64 << 20);
    free(big);
    es_decode_bound_cpu(1000);
    MUST(getrlimit(RLIMIT_CPU, &cpu) == 0 && cpu.rlim_cur < 1100);
    MUST(send(fds[1], bytes, sizeof bytes, MSG_NOSIGNAL) == sizeof bytes);
}

static void its_work_it_can_do(void **state)
{
    char bytes[16];
    int pair[2];
    (void)state;
    int file = open("/proc/self/exe", O_RDONLY);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    const int fds[] = {file, pair[0]};
    assert_int_equal(status_of(work, fds, true), 0);
    assert_int_equal(recv(pair[1], bytes, sizeof bytes, MSG_DONTWAIT), sizeof bytes);
    close(file);
    close(pair[0]);
    close(pair[1]);
}

static void give_up(const void *arg)
{
    (void)arg;
    abort();
}

static void of_itself_it_can_die(void **state)
{
    (void)state;
    int status = status_of(give_up, NULL, true);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_else_there_is_fails),
        cmocka_unit_test(its_work_it_can_do),
        cmocka_unit_test(of_itself_it_can_die),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
