/* Actors as processes: each in a group of its own, so that the terminal's Ctrl-C reaches only us and what it forked ends with it; each dies with us. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "binaries.h"
#include "up.h"
#include "up_turns.h"

enum { EXIT_CONFIG = 2, EXIT_NO_EXEC = 127, LIVE_READS = 4, DEAD_READS = 256 };

typedef struct {
    pid_t pid; /* 0: none */
    int log;   /* read end of its stdout and stderr, -1: none */
} child_t;

typedef struct {
    char paths[ES_UP_ROLES][ES_BINARY_PATH_MAX];
    child_t children[ES_UP_ACTORS_MAX];
    es_up_turns_t *turns;
} state_t;

static int open_processes(es_up_t *up)
{
    state_t *state = es_alloc_zero(sizeof *state);
    char err[1400];
    up->state = state;
    for (size_t i = 0; i < ES_UP_ACTORS_MAX; i++) state->children[i].log = -1;
    for (size_t i = 0; i < up->plan.count; i++) {
        es_up_role_t role = up->plan.actors[i].role;
        if (state->paths[role][0] ||
            es_binary_find(es_up_binary(role), state->paths[role], sizeof state->paths[role], err, sizeof err) == 0)
            continue;
        fprintf(stderr, "earshot up: %s\n", err);
        free(state);
        return -1;
    }
    state->turns = es_up_turns_new(up->plan.count, up->config->watchdog_us);
    return 0;
}

/* What a child has said, in at most so many reads. */
static void read_log(es_up_t *up, size_t index, unsigned reads)
{
    state_t *state = up->state;
    char bytes[8192];
    for (ssize_t n; state->children[index].log != -1 && reads > 0; reads--) {
        n = read(state->children[index].log, bytes, sizeof bytes);
        if (n > 0) {
            es_log_mux_feed(up->mux, index, bytes, (size_t)n);
            continue;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            es_loop_remove_fd(up->loop, state->children[index].log);
            close(state->children[index].log);
            state->children[index].log = -1;
        }
        if (n == -1 && errno == EINTR) continue;
        return;
    }
}

/* Of one that is dead: all of it. Something that it forked out of its group may hold the pipe and talk on, hence the bound: what a pipe can hold. */
static void drain_log(es_up_t *up, size_t index)
{
    read_log(up, index, DEAD_READS);
}

/* One that talks faster than we write must not keep us from signals and from the others: the loop comes back to it. */
static void on_log(void *ctx, short revents, uint64_t now_us)
{
    (void)revents;
    (void)now_us;
    es_up_t *up = ctx;
    for (size_t i = 0; i < up->plan.count; i++) read_log(up, i, LIVE_READS);
}

static bool same_name(const char *a, const char *b)
{
    size_t len = strcspn(a, "=") + 1;
    return strncmp(a, b, len) == 0;
}

/* Ours, with the actor's secrets in the place of what has their names, and `more`. Its entries are not copies. */
static char **environment_of(const es_up_actor_t *actor, char *const *more)
{
    size_t count = 0, n = 0;
    while (environ && environ[count]) count++;
    char **out = es_alloc_zero((count + ES_UP_SECRETS_MAX + ES_UP_TURNS_WORDS + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        char *const *s = actor->secrets;
        while (*s && !same_name(*s, environ[i])) s++;
        if (!*s) out[n++] = environ[i];
    }
    for (char *const *s = actor->secrets; *s; s++) out[n++] = *s;
    for (size_t i = 0; more && i < ES_UP_TURNS_WORDS; i++) out[n++] = more[i];
    return out;
}

/* In the child, between fork and exec: only what is async-signal-safe. */
static void become(const char *path, char **argv, char **environment, int log, pid_t parent)
{
    sigset_t none;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1); /* it died before the line above */
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (null > STDERR_FILENO) close(null);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigaddset(&none, SIGHUP); /* it would end one that has not come to look for it yet */
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(path, argv, environment);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", path, strerror(errno));
    _exit(EXIT_NO_EXEC);
}

static int start(void *ctx, size_t index)
{
    es_up_t *up = ctx;
    state_t *state = up->state;
    child_t *child = &state->children[index];
    es_up_actor_t *actor = &up->plan.actors[index];
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == -1) {
        es_up_say(up, "cannot start %s: %s", actor->name, strerror(errno));
        return -1;
    }
    char *const *words = es_up_turns_begin(state->turns, index, up->loop);
    if (!words && errno)
        es_up_say(up, "cannot hear whether %s turns: %s. It is not watched (--watchdog)", actor->name, strerror(errno));
    char **environment = environment_of(actor, words);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) become(state->paths[actor->role], actor->argv, environment, ends[1], parent);
    free(environment);
    close(ends[1]);
    if (pid == -1) {
        es_up_say(up, "cannot start %s: %s", actor->name, strerror(errno));
        close(ends[0]);
        return -1;
    }
    setpgid(pid, pid); /* both do it, so that it is done for both */
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    if (child->log != -1) { /* something that the last one forked still holds the other end */
        es_loop_remove_fd(up->loop, child->log);
        close(child->log);
    }
    es_log_mux_flush(up->mux, index);
    es_up_turns_started(state->turns, index, pid);
    child->pid = pid;
    child->log = ends[0];
    es_loop_add_fd(up->loop, child->log, POLLIN, on_log, up);
    return 0;
}

static void terminate(void *ctx, size_t index)
{
    state_t *state = ((es_up_t *)ctx)->state;
    const child_t *child = &state->children[index];
    es_up_turns_forget(state->turns, index); /* from here on --grace counts */
    kill(child->pid, SIGTERM);
    kill(child->pid, SIGCONT); /* or one that is stopped never hears of it */
}

static void reload(es_up_t *up, size_t index)
{
    const child_t *child = &((state_t *)up->state)->children[index];
    if (child->pid) kill(child->pid, SIGHUP);
}

static void end(void *ctx, size_t index)
{
    es_up_t *up = ctx;
    const child_t *child = &((state_t *)up->state)->children[index];
    es_up_say(up, "%s did not end in time: killed", up->plan.actors[index].name);
    kill(-child->pid, SIGKILL);
}

static void report(es_up_t *up, size_t index, const siginfo_t *info, uint64_t now_us)
{
    char why[80] = "ended";
    bool exited = info->si_code == CLD_EXITED;
    if (exited && info->si_status != 0) snprintf(why, sizeof why, "ended with exit code %d", info->si_status);
    if (!exited)
        snprintf(why, sizeof why, "was ended by signal %d (SIG%s)", info->si_status, sigabbrev_np(info->si_status));
    bool hopeless = exited && (info->si_status == EXIT_CONFIG || info->si_status == EXIT_NO_EXEC);
    es_up_ended(up, index, why, hopeless, now_us);
}

static void reap(es_up_t *up, uint64_t now_us)
{
    state_t *state = up->state;
    for (size_t i = 0; i < up->plan.count; i++) {
        child_t *child = &state->children[i];
        siginfo_t info = {.si_pid = 0};
        if (child->pid == 0 || waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == -1) continue;
        if (info.si_pid == 0) continue;
        kill(-child->pid, SIGKILL); /* what it forked; while it is a zombie its group cannot be another's */
        waitpid(child->pid, NULL, 0);
        child->pid = 0;
        drain_log(up, i);
        report(up, i, &info, now_us);
    }
}

/* What stands still may hold what others wait for: the lock of a database, say. */
static void watch(es_up_t *up, uint64_t now_us)
{
    state_t *state = up->state;
    es_up_turns_look(state->turns, now_us);
    for (size_t i = 0; i < up->plan.count; i++) {
        if (!state->children[i].pid || !es_up_turns_silent(state->turns, i)) continue;
        es_up_say(up, "%s has not turned for %.1f s: killed (--watchdog)", up->plan.actors[i].name,
                  (double)up->config->watchdog_us / 1e6);
        es_up_turns_forget(state->turns, i);
        kill(-state->children[i].pid, SIGKILL);
    }
}

static void close_processes(es_up_t *up)
{
    state_t *state = up->state;
    for (size_t i = 0; i < up->plan.count; i++) {
        drain_log(up, i);
        if (state->children[i].log != -1) close(state->children[i].log);
    }
    es_up_turns_destroy(&state->turns);
    free(state);
}

const es_up_backend_t es_up_processes = {.ops = {.start = start, .terminate = terminate, .kill = end},
                                         .open = open_processes,
                                         .reload = reload,
                                         .reap = reap,
                                         .watch = watch,
                                         .close = close_processes};
