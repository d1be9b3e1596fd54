#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actor_thread.h"
#include "alloc.h"
#include "health.h"
#include "log.h"
#include "metrics_setup.h"
#include "notify.h"
#include "privileges.h"
#include "wire.h"

enum { FILES_MAX = 131072, PATH_BYTES = 768 };

enum { SIGNAL_END = ES_ACTOR_THREAD_ENDED, SIGNAL_FAILED = 1 };

static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

static void raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= FILES_MAX) return;
    limit.rlim_cur = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static bool had_terminal;

bool es_runner_hung_up(void)
{
    return had_terminal && !has_terminal();
}

void es_runner_prepare(void)
{
    sigset_t set;
    es_privileges_harden();
    es_notify_init();
    zsys_handler_set(NULL);
    ending_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    had_terminal = has_terminal();
    raise_files();
}

static int pidfile_path(char out[PATH_BYTES], const char *data, const char *name, const char *suffix)
{
    int n = snprintf(out, PATH_BYTES, "%s/run/%s.pid%s", data, name, suffix);
    return n > 0 && n < PATH_BYTES ? 0 : -1;
}

int es_pidfile_write(const char *data, const char *name, int pid)
{
    char path[PATH_BYTES], fresh[PATH_BYTES], text[24], suffix[24];
    snprintf(suffix, sizeof suffix, ".%d", pid);
    int n = snprintf(text, sizeof text, "%d\n", pid);
    if (pidfile_path(path, data, name, "") != 0 || pidfile_path(fresh, data, name, suffix) != 0) {
        es_log_error("pid file not written: its path is too long", ES_S("data", data));
        return -1;
    }
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool ok = fd >= 0 && write(fd, text, (size_t)n) == n;
    if (fd >= 0) ok = close(fd) == 0 && ok;
    if (ok && rename(fresh, path) == 0) return 0;
    es_log_error("pid file not written", ES_S("path", path), ES_S("error", strerror(errno)));
    unlink(fresh);
    return -1;
}

/* 0 where the file is not there or holds no pid. */
static pid_t pidfile_read(const char *path)
{
    char text[24] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

void es_pidfile_remove(const char *data, const char *name)
{
    char path[PATH_BYTES];
    if (pidfile_path(path, data, name, "") != 0) return;
    pid_t pid = pidfile_read(path);
    bool of_another = pid > 0 && pid != getpid() && (kill(pid, 0) == 0 || errno != ESRCH);
    if (!of_another) unlink(path);
}

void es_runner_fail(zsock_t *pipe)
{
    es_actor_thread_note_failed();
    /* The first signal ends the start, which does not look at it; the second is for the starter. */
    zsock_signal(pipe, SIGNAL_END);
    zsock_signal(pipe, SIGNAL_FAILED);
}

struct es_pipe_watch {
    es_loop_t *loop;
    zsock_t *pipe;
    void (*fn)(void *ctx, uint64_t now_us);
    void *ctx;
    bool ended;
};

static void pipe_end(es_pipe_watch_t *watch, uint64_t now_us)
{
    if (watch->ended) return;
    watch->ended = true;
    es_health_unready("it is going down");
    if (watch->fn)
        watch->fn(watch->ctx, now_us);
    else
        es_loop_stop(watch->loop);
}

static bool on_pipe(void *ctx, uint64_t now_us)
{
    es_pipe_watch_t *watch = ctx;
    zmq_msg_t part;
    zmq_msg_init(&part);
    bool got = zmq_msg_recv(&part, zsock_resolve(watch->pipe), ZMQ_DONTWAIT) >= 0;
    bool term = got && zmq_msg_size(&part) == 5 && memcmp(zmq_msg_data(&part), "$TERM", 5) == 0;
    if (term || (!got && errno == ETERM)) pipe_end(watch, now_us);
    zmq_msg_close(&part);
    return got;
}

es_pipe_watch_t *es_runner_watch_pipe(es_loop_t *loop, zsock_t *pipe, void (*fn)(void *ctx, uint64_t now_us), void *ctx)
{
    es_pipe_watch_t *watch = es_alloc_zero(sizeof *watch);
    *watch = (es_pipe_watch_t){.loop = loop, .pipe = pipe, .fn = fn, .ctx = ctx};
    es_loop_own(loop, watch);
    es_loop_add_socket(loop, zsock_resolve(pipe), on_pipe, watch);
    return watch;
}

void es_runner_leaving(zsock_t *pipe)
{
    zsock_signal(pipe, ES_RUNNER_LEAVING);
}

void es_runner_drain(void *ctx, uint64_t now_us)
{
    es_pipe_watch_t *watch = ctx;
    if (watch->ended) return;
    es_log_info("asked to drain");
    es_runner_leaving(watch->pipe);
    pipe_end(watch, now_us);
}

typedef struct {
    const es_common_config_t *common;
    es_actor_thread_t *actor;
    zsock_t *pipe;                /* its */
    es_metrics_server_t *metrics; /* NULL: none */
    int signals;
    bool asked; /* to end */
    uint64_t asked_us;
    bool leaving; /* somebody else asked */
} run_t;

/* The first that asks for an end asks the actor, the second ends it. */
static void on_signal(run_t *run)
{
    struct signalfd_siginfo info;
    if (read(run->signals, &info, sizeof info) != (ssize_t)sizeof info) return;
    const char *name = sigabbrev_np((int)info.ssi_signo);
    if (info.ssi_signo == SIGHUP && !es_runner_hung_up()) {
        es_log_info("asked to read files anew", ES_S("signal", name));
        if (!run->asked) zstr_send(run->pipe, ES_RUNNER_RELOAD);
        return;
    }
    if (run->asked && es_now_us() < run->asked_us + ES_RUNNER_SAME_STOP_US) return;
    if (run->asked) {
        es_log_warn("second signal: ending at once", ES_S("signal", name));
        es_pidfile_remove(run->common->data, run->common->name);
        _exit(1);
    }
    run->asked = true;
    run->asked_us = es_now_us();
    es_notify_stopping();
    es_log_info("ending", ES_S("signal", name));
    zstr_send(run->pipe, "$TERM");
}

/* Has the actor said its last word? 1: no; else *status is set. */
static bool actor_ended(run_t *run, int *status)
{
    int events = 0, signal;
    size_t size = sizeof events;
    do {
        if (zmq_getsockopt(zsock_resolve(run->pipe), ZMQ_EVENTS, &events, &size) != 0 || !(events & ZMQ_POLLIN))
            return false;
        signal = zsock_wait(run->pipe);
        run->leaving = run->leaving || signal == ES_RUNNER_LEAVING;
    } while (signal == ES_RUNNER_LEAVING);
    bool asked = run->asked || run->leaving;
    if (signal == SIGNAL_END && !asked) es_log_error("the actor ended by itself");
    *status = signal == SIGNAL_END && asked ? 0 : 1;
    return true;
}

/* Milliseconds until systemd is to be told something; -1: never. */
static int patience(void)
{
    uint64_t now = es_now_us(), next = es_notify_tick(now);
    if (next == UINT64_MAX) return -1;
    return next > now ? (int)((next - now) / 1000 + 1) : 0;
}

static int wait_for_end(run_t *run)
{
    int status = 1, fd = -1;
    size_t size = sizeof fd;
    zmq_getsockopt(zsock_resolve(run->pipe), ZMQ_FD, &fd, &size);
    while (!actor_ended(run, &status)) {
        struct pollfd polls[] = {{.fd = fd, .events = POLLIN}, {.fd = run->signals, .events = POLLIN}};
        if (poll(polls, 2, patience()) < 0 && errno != EINTR) break;
        if (polls[1].revents & POLLIN) on_signal(run);
    }
    return status;
}

/* The actor's thread, until it is gone. Returns the exit status. */
static int run_to_the_end(run_t *run, es_actor_fn actor, void *args)
{
    int status = 1;
    run->actor = es_actor_thread_start(actor, args, run->common->name);
    if (!run->actor) {
        es_log_error("cannot start: no thread", ES_S("error", strerror(errno)));
        return 1;
    }
    run->pipe = es_actor_thread_pipe(run->actor);
    /* One that was refused, because another of its name lives, must not touch the other's pid file. */
    if (!es_actor_thread_failed(run->actor)) {
        /* A full disk is no reason not to serve. */
        es_pidfile_write(run->common->data, run->common->name, (int)getpid());
        es_metrics_setup_announce(run->metrics, run->common);
        es_notify_ready();
        status = wait_for_end(run);
        es_pidfile_remove(run->common->data, run->common->name);
    }
    if (es_actor_thread_end(&run->actor, ES_ACTOR_THREAD_WAIT_MS)) return status;
    es_log_error("the actor said its last word and goes on: the process ends");
    _exit(1); /* the caller frees what it works with */
}

int es_runner_main(es_actor_fn actor, void *args, const es_common_config_t *common)
{
    sigset_t set;
    es_log_init(common->name, (es_log_level_t)common->log_level, common->log_format == 1);
    ending_signals(&set);
    run_t run = {.common = common, .signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (run.signals < 0) {
        es_log_error("cannot start: no signalfd", ES_S("error", strerror(errno)));
        return 1;
    }
    int status = 1;
    if (es_metrics_setup_start(&run.metrics, common) == 0) status = run_to_the_end(&run, actor, args);
    es_metrics_setup_stop(&run.metrics, common);
    close(run.signals);
    return status;
}
