#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "curve.h"
#include "environment.h"

enum { CONTROL = 3, LOAD_MS = 60000, SPAWN = 1, KILL = 2 };

typedef struct {
    uint32_t what, id;
    es_decoder_role_t role;
} order_t;

struct es_zygote {
    const es_engine_t *engine;
    pid_t pid;
    int control;
};

/* --- in the zygote --- */

typedef struct {
    const es_engine_t *engine;
    void *model;
    int signals;
    pid_t pids[ES_ZYGOTE_CHILDREN];
    sigset_t mask; /* decoders run with */
} nursery_t;

static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
}

/* An order and the socket that comes with it (-1: none). Returns false at the end. */
static bool receive(order_t *order, int *fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {order, sizeof *order};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    do n = recvmsg(CONTROL, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    const struct cmsghdr *extra = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
    *fd = -1;
    if (extra && extra->cmsg_type == SCM_RIGHTS) memcpy(fd, CMSG_DATA(extra), sizeof *fd);
    return n == (ssize_t)sizeof *order;
}

static void spawn(nursery_t *self, const order_t *order, int fd)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        die_with(parent);
        close(CONTROL);
        close(self->signals);
        sigprocmask(SIG_SETMASK, &self->mask, NULL);
        es_decoder_child_run(self->engine, self->model, fd, order->role);
    }
    /* Where fork failed the host sees the end of the socket. */
    if (pid > 0) self->pids[order->id] = pid;
    close(fd);
}

static void reap(nursery_t *self)
{
    struct signalfd_siginfo info;
    if (read(self->signals, &info, sizeof info) < 0) return;
    for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
        for (size_t i = 0; i < ES_ZYGOTE_CHILDREN; i++)
            if (self->pids[i] == pid) self->pids[i] = 0;
}

static void obey(nursery_t *self, const order_t *order, int fd)
{
    if (order->id >= ES_ZYGOTE_CHILDREN) return;
    /* Only children that were not waited for: their number cannot be anybody else's. */
    if (self->pids[order->id] > 0 && order->what == KILL) kill(self->pids[order->id], SIGKILL);
    if (order->what == SPAWN && fd >= 0) spawn(self, order, fd);
}

static _Noreturn void nurse(nursery_t *self)
{
    for (;;) {
        struct pollfd polls[] = {{.fd = CONTROL, .events = POLLIN}, {.fd = self->signals, .events = POLLIN}};
        if (poll(polls, 2, -1) < 0) continue;
        if (polls[1].revents) reap(self);
        if (!polls[0].revents) continue;
        order_t order;
        int fd;
        if (!receive(&order, &fd)) _exit(0);
        obey(self, &order, fd);
    }
}

/* Nothing of the host's but standard error and the control socket, neither its key nor its settings. Its terminal's Ctrl-C is not ours: the host drains, and needs us for it. */
static void leave_home(int control)
{
    int null = open("/dev/null", O_RDONLY);
    if (null >= 0) dup2(null, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (control != CONTROL) dup2(control, CONTROL);
    close_range(CONTROL + 1, ~0u, 0);
    es_curve_forget();
    es_environment_strip();
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_NAME, "es-zygote");
}

static _Noreturn void run(const es_engine_t *engine, const es_engine_config_t *config, int control)
{
    nursery_t self = {.engine = engine};
    char err[ES_REASON_MAX * 2] = "";
    sigset_t children;
    leave_home(control);
    self.model = engine->load ? engine->load(config, err, sizeof err) : engine->attach(NULL);
    if (!self.model && !err[0]) snprintf(err, sizeof err, "the engine %s has no model", engine->name);
    if (send(CONTROL, err, sizeof err, MSG_NOSIGNAL) < 0 || !self.model) _exit(1);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, &self.mask);
    self.signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    nurse(&self);
}

/* --- in the host --- */

/* The zygote's word that the model is loaded. */
static int await_model(es_zygote_t *self, bool *refused, char *err, size_t err_len)
{
    char said[ES_REASON_MAX * 2] = "";
    struct pollfd polls = {.fd = self->control, .events = POLLIN};
    int ready;
    do ready = poll(&polls, 1, LOAD_MS);
    while (ready < 0 && errno == EINTR);
    ssize_t n = ready > 0 ? recv(self->control, said, sizeof said - 1, 0) : -1;
    if (n > 0 && said[0] == 0) return 0;
    *refused = n > 0;
    snprintf(err, err_len, "%s",
             n > 0        ? said
             : ready == 0 ? "the model was not loaded within a minute"
                          : "the process that was to load the model is gone: was it killed, is there memory for it, or "
                            "did the engine end it?");
    return -1;
}

es_zygote_t *es_zygote_start(const es_engine_t *engine, const es_engine_config_t *config, bool *refused, char *err,
                             size_t err_len)
{
    int pair[2];
    pid_t host = getpid();
    *refused = false;
    fflush(NULL);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        snprintf(err, err_len, "no socket for the decoders: %s", strerror(errno));
        return NULL;
    }
    es_zygote_t *self = es_alloc_zero(sizeof *self);
    *self = (es_zygote_t){.engine = engine, .control = pair[0], .pid = fork()};
    if (self->pid == 0) {
        die_with(host);
        run(engine, config, pair[1]);
    }
    close(pair[1]);
    if (self->pid < 0) snprintf(err, err_len, "no process for the decoders: %s", strerror(errno));
    if (self->pid < 0 || await_model(self, refused, err, err_len) != 0) es_zygote_destroy(&self);
    return self;
}

void es_zygote_destroy(es_zygote_t **self_p)
{
    es_zygote_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    close(self->control);
    if (self->pid > 0) {
        kill(self->pid, SIGKILL);
        while (waitpid(self->pid, NULL, 0) < 0 && errno == EINTR) continue;
    }
    free(self);
}

int es_zygote_fd(const es_zygote_t *self)
{
    return self->control;
}

const es_engine_t *es_zygote_engine(const es_zygote_t *self)
{
    return self->engine;
}

static int order(es_zygote_t *self, order_t what, int fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.space = {0}};
    struct iovec part = {&what, sizeof what};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;
        control.header =
            (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    }
    return sendmsg(self->control, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof what ? 0 : -1;
}

int es_zygote_spawn(es_zygote_t *self, uint32_t id, es_decoder_role_t role)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return -1;
    int rc = order(self, (order_t){.what = SPAWN, .id = id, .role = role}, pair[1]);
    int error = errno;
    close(pair[1]);
    if (rc == 0 && fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0) return pair[0];
    close(pair[0]);
    errno = error;
    return -1;
}

void es_zygote_kill(es_zygote_t *self, uint32_t id)
{
    order(self, (order_t){.what = KILL, .id = id}, -1);
}
