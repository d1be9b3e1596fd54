#include "decode_confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NICE = 10, FILES_MAX = 16 };

static void bound(int what, rlim_t most)
{
    struct rlimit limit = {.rlim_cur = most, .rlim_max = most};
    setrlimit((__rlimit_resource_t)what, &limit); /* what is lower already stays */
}

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef OUR_ARCH
/* Whatever begins something, opens something, or reaches somebody. The file and the socket are open already. */
static const unsigned forbidden[] = {
#ifdef SYS_open
    SYS_open,
    SYS_creat,
    SYS_unlink,
    SYS_rename,
    SYS_link,
    SYS_symlink,
    SYS_mkdir,
    SYS_rmdir,
    SYS_chmod,
    SYS_chown,
    SYS_fork,
    SYS_vfork,
#endif
    SYS_openat,
    SYS_openat2,
    SYS_unlinkat,
    SYS_renameat2,
    SYS_linkat,
    SYS_symlinkat,
    SYS_mkdirat,
    SYS_fchmodat,
    SYS_fchownat,
    SYS_truncate,
    SYS_clone,
    SYS_clone3,
    SYS_execve,
    SYS_execveat,
    SYS_kill,
    SYS_tkill,
    SYS_tgkill,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_open,
    SYS_socket,
    SYS_socketpair,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_mount,
    SYS_umount2,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_io_uring_setup,
    SYS_shmget,
    SYS_memfd_create};
enum { FORBIDDEN = sizeof forbidden / sizeof forbidden[0], OTHER_ABI = 0x40000000 /* x32 */ };

#define ANSWER(code) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (code)))
#define LOAD(field) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field)))
#define UNLESS(test, value, skip) ((struct sock_filter)BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), 0, (skip)))

static void forbid(void)
{
    struct sock_filter rules[2 * FORBIDDEN + 8];
    unsigned short n = 0;
    rules[n++] = LOAD(arch);
    rules[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
    rules[n++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
    rules[n++] = LOAD(nr);
    rules[n++] = UNLESS(BPF_JGE, OTHER_ABI, 1);
    rules[n++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < FORBIDDEN; i++) {
        rules[n++] = UNLESS(BPF_JEQ, forbidden[i], 1);
        rules[n++] = ANSWER(SECCOMP_RET_ERRNO | EPERM);
    }
    rules[n++] = ANSWER(SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {.len = n, .filter = rules};
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void forbid(void) {}
#endif

void es_decode_confine(uint64_t memory)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which map terabytes of shadow */
    if (memory > 0) bound(RLIMIT_AS, (rlim_t)memory);
#else
    (void)memory;
#endif
    bound(RLIMIT_FSIZE, 0);
    bound(RLIMIT_CORE, 0);
    bound(RLIMIT_NOFILE, FILES_MAX);
    prctl(PR_SET_NAME, "es-decode");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (nice(NICE) == -1) errno = 0; /* less polite, no worse */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    forbid();
}

void es_decode_bound_cpu(uint64_t seconds)
{
    struct rusage used;
    struct rlimit limit;
    if (seconds == 0 || getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &limit) != 0) return;
    limit.rlim_cur = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1) + seconds;
    if (limit.rlim_cur < limit.rlim_max) setrlimit(RLIMIT_CPU, &limit);
}
