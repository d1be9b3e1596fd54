#include "decode_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
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

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED /* the runtime maps terabytes of shadow, and calls more than we do */
#endif

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef OUR_ARCH
typedef enum { ANYHOW, WHERE_IS, WHERE_NOT } rule_kind_t;

typedef struct {
    unsigned call;
    rule_kind_t kind;
    unsigned arg;   /* the one that is looked at */
    uint32_t value; /* WHERE_IS: what its lower half is. WHERE_NOT: bits that it lacks */
} rule_t;

/* What reading an open file, talking through an open socket, computing and dying take. fcntl could have the kernel send signals to others, mmap and mprotect
 * make code of data, prlimit64 bound others. By newfstatat the C library asks how long an open file is; so it can ask for a file whose name it knows. */
static const rule_t allowed[] = {
    {.call = SYS_read},
    {.call = SYS_pread64},
    {.call = SYS_lseek},
    {.call = SYS_fstat},
    {.call = SYS_newfstatat},
    {.call = SYS_fcntl, .kind = WHERE_IS, .arg = 1, .value = F_DUPFD_CLOEXEC},
    {.call = SYS_fcntl, .kind = WHERE_IS, .arg = 1, .value = F_GETFL},
    {.call = SYS_close},
    {.call = SYS_recvmsg},
    {.call = SYS_sendto},
    {.call = SYS_write},
    {.call = SYS_writev},
    {.call = SYS_brk},
    {.call = SYS_mmap, .kind = WHERE_NOT, .arg = 2, .value = PROT_EXEC},
    {.call = SYS_mprotect, .kind = WHERE_NOT, .arg = 2, .value = PROT_EXEC},
    {.call = SYS_mremap},
    {.call = SYS_munmap},
    {.call = SYS_madvise},
    {.call = SYS_futex},
    {.call = SYS_getrandom},
    {.call = SYS_clock_gettime},
    {.call = SYS_gettimeofday},
    {.call = SYS_getpid},
    {.call = SYS_gettid},
    {.call = SYS_sched_yield},
    {.call = SYS_getrusage},
    {.call = SYS_sysinfo}, /* by qsort, which does not look whether it failed */
    {.call = SYS_prlimit64, .kind = WHERE_IS, .arg = 0, .value = 0},
    {.call = SYS_rt_sigaction},
    {.call = SYS_rt_sigprocmask},
    {.call = SYS_rt_sigreturn},
    {.call = SYS_restart_syscall},
    {.call = SYS_exit},
    {.call = SYS_exit_group},
#ifdef SANITIZED
    {.call = SYS_sigaltstack},
    {.call = SYS_nanosleep},
    {.call = SYS_clock_nanosleep},
    {.call = SYS_sched_getaffinity},
#endif
};
enum { RULES = sizeof allowed / sizeof allowed[0], OTHER_ABI = 0x40000000 /* x32 */ };

#define ANSWER(code) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (code)))
#define LOAD(at) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(at)))
#define FIELD(name) offsetof(struct seccomp_data, name)
#define JUMP(test, value, then, otherwise) \
    ((struct sock_filter)BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), (then), (otherwise)))

static unsigned short add(struct sock_filter *to, unsigned short n, const rule_t *rule)
{
    bool looks = rule->kind != ANYHOW;
    to[n++] = JUMP(BPF_JEQ, rule->call, 0, looks ? 4 : 1);
    if (looks) to[n++] = LOAD(FIELD(args) + rule->arg * sizeof(uint64_t));
    if (rule->kind == WHERE_IS) to[n++] = JUMP(BPF_JEQ, rule->value, 0, 1);
    if (rule->kind == WHERE_NOT) to[n++] = JUMP(BPF_JSET, rule->value, 1, 0);
    to[n++] = ANSWER(SECCOMP_RET_ALLOW);
    if (looks) to[n++] = LOAD(FIELD(nr));
    return n;
}

/* What is not allowed fails, since libraries try this and that and go on without it. */
static void forbid(void)
{
    struct sock_filter filter[5 * (RULES + 1) + 8];
    const rule_t abort_ourselves = {.call = SYS_tgkill, .kind = WHERE_IS, .arg = 0, .value = (uint32_t)getpid()};
    unsigned short n = 0;
    filter[n++] = LOAD(FIELD(arch));
    filter[n++] = JUMP(BPF_JEQ, OUR_ARCH, 1, 0);
    filter[n++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
    filter[n++] = LOAD(FIELD(nr));
    filter[n++] = JUMP(BPF_JGE, OTHER_ABI, 0, 1);
    filter[n++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < RULES; i++) n = add(filter, n, &allowed[i]);
    n = add(filter, n, &abort_ourselves);
    filter[n++] = ANSWER(SECCOMP_RET_ERRNO | EPERM);
    const struct sock_fprog program = {.len = n, .filter = filter};
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void forbid(void) {}
#endif

void es_decode_confine(uint64_t memory)
{
#ifndef SANITIZED
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
