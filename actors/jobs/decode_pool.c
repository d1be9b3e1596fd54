#include "decode_pool.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "decode_spawn.h"
#include "log.h"

#define SECOND UINT64_C(1000000)
#define REAP_US (SECOND / 20)
enum { PACKETS_A_TURN = 64, IDLE_MAX = 4 };

static ES_METRIC_COUNTER(started, "earshot_jobs_decoders_started_total", "Processes that decode files, started.");
static ES_METRIC_COUNTER(died, "earshot_jobs_decoders_died_total", "Of them, that died over a file.");
static ES_METRIC_COUNTER(silent, "earshot_jobs_decoders_silent_total", "Of them, killed because they said nothing.");
static ES_METRIC_COUNTER(malformed, "earshot_jobs_decoders_malformed_total",
                         "Of them, killed because they said nonsense.");

es_metric_t *const *es_decode_pool_metrics(void)
{
    static es_metric_t *const list[] = {&started, &died, &silent, &malformed, NULL};
    return list;
}

struct es_decoding {
    es_decode_pool_t *pool;
    const es_decoding_ops_t *ops; /* NULL: idle */
    void *ctx;
    int fd;
    pid_t pid;
    bool listening, killed; /* killed: nothing more is said of it; freed once it is waited for */
    uint64_t heard_us;
    es_decoding_t *next;
};

struct es_decode_pool {
    es_decode_pool_config_t config;
    char *program;
    es_loop_t *loop;
    es_decoding_t *all;
};

es_decode_pool_t *es_decode_pool_new(const es_decode_pool_config_t *config, es_loop_t *loop)
{
    es_decode_pool_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    self->loop = loop;
    if (config->program) self->program = es_alloc_copy(config->program, strlen(config->program));
    return self;
}

/* ---- children */

static void leave(es_decoding_t *self)
{
    if (self->listening) es_loop_remove_fd(self->pool->loop, self->fd);
    self->listening = false;
}

static void put_down(es_decoding_t *self)
{
    if (self->killed) return;
    leave(self);
    self->killed = true;
    self->ops = NULL;
    close(self->fd);
    kill(self->pid, SIGKILL); /* not waited for yet, so the number is nobody else's */
}

/* True once it is gone. */
static bool reap(const es_decoding_t *self, int flags)
{
    pid_t pid;
    do pid = waitpid(self->pid, NULL, flags);
    while (pid < 0 && errno == EINTR);
    return pid != 0;
}

static void bury(es_decode_pool_t *self, int flags)
{
    for (es_decoding_t **at = &self->all; *at;) {
        es_decoding_t *one = *at;
        if (!one->killed || !reap(one, flags)) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        free(one);
    }
}

void es_decode_pool_destroy(es_decode_pool_t **self_p)
{
    es_decode_pool_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (es_decoding_t *one = self->all; one; one = one->next) put_down(one);
    bury(self, 0);
    free(self->program);
    free(self);
}

static es_decoding_t *idle(const es_decode_pool_t *self)
{
    es_decoding_t *one = self->all;
    while (one && (one->ops || one->killed)) one = one->next;
    return one;
}

static es_decoding_t *spawn(es_decode_pool_t *self)
{
    pid_t pid;
    int fd = es_decode_spawn(self->program, self->config.memory_mib, &pid);
    if (fd < 0) return NULL;
    es_metric_add(&started, 1);
    es_decoding_t *one = es_alloc_zero(sizeof *one);
    *one = (es_decoding_t){.pool = self, .fd = fd, .pid = pid, .next = self->all};
    self->all = one;
    return one;
}

/* ---- what they say */

static void fail(es_decoding_t *self, es_metric_t *counter, const char *why, uint64_t now_us)
{
    const es_decoding_ops_t *ops = self->ops;
    void *ctx = self->ctx;
    es_metric_add(counter, 1);
    es_log_warn("a decoder of files ended over one", ES_S("reason", why), ES_I("pid", self->pid));
    put_down(self);
    ops->failed(ctx, why, now_us);
}

/* One that is done waits for the next file, if there are not many that do. */
static void rest(es_decoding_t *self)
{
    int resting = 0;
    leave(self);
    self->ops = NULL;
    for (const es_decoding_t *one = self->pool->all; one; one = one->next) resting += !one->ops && !one->killed;
    if (resting > IDLE_MAX) put_down(self);
}

static void hear(es_decoding_t *self, const es_decode_msg_t *msg, uint64_t now_us)
{
    const es_decoding_ops_t *ops = self->ops;
    void *ctx = self->ctx;
    self->heard_us = now_us;
    if (msg->kind == ES_DECODE_END || msg->kind == ES_DECODE_REFUSED) rest(self);
    ops->said(ctx, msg, now_us);
}

/* False where there is no more for now. */
static bool take(es_decoding_t *self, uint64_t now_us)
{
    _Alignas(8) char packet[ES_DECODE_PACKET_MAX];
    es_decode_msg_t msg;
    ssize_t n;
    do n = recv(self->fd, packet, sizeof packet, MSG_DONTWAIT | MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (n <= 0)
        fail(self, &died, "The process that decodes the file died.", now_us);
    else if ((size_t)n > sizeof packet || es_decode_unpack(packet, (size_t)n, &msg) != 0 || msg.kind == ES_DECODE_OPEN)
        fail(self, &malformed, "The process that decodes the file went wrong.", now_us);
    else
        hear(self, &msg, now_us);
    return self->listening;
}

static void on_fd(void *ctx, short revents, uint64_t now_us)
{
    es_decoding_t *self = ctx;
    (void)revents;
    for (int i = 0; i < PACKETS_A_TURN && self->listening && take(self, now_us); i++) continue;
}

/* ---- for the owner */

static int order(const es_decoding_t *self, const es_decode_msg_t *msg, int file)
{
    char packet[ES_DECODE_PACKET_MAX];
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.space = {0}};
    struct iovec part = {packet, es_decode_pack(msg, packet)};
    struct msghdr sent = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    control.header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof file), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &file, sizeof file);
    return sendmsg(self->fd, &sent, MSG_DONTWAIT | MSG_NOSIGNAL) > 0 ? 0 : -1;
}

es_decoding_t *es_decode_pool_begin(es_decode_pool_t *self, int file, uint64_t from, uint64_t limit,
                                    const es_decoding_ops_t *ops, void *ctx, uint64_t now_us)
{
    es_decode_msg_t msg = {.kind = ES_DECODE_OPEN, .pos = from, .limit = limit, .cpu_s = self->config.cpu_us / SECOND};
    es_decoding_t *one;
    while ((one = idle(self)) && order(one, &msg, file) != 0) put_down(one); /* it died while it rested */
    if (!one && (one = spawn(self))) order(one, &msg, file); /* its socket tells where it is dead already */
    int error = errno;
    close(file);
    errno = error;
    if (!one) return NULL;
    one->ops = ops;
    one->ctx = ctx;
    es_decoding_listen(one, true, now_us);
    return one;
}

void es_decoding_listen(es_decoding_t *self, bool on, uint64_t now_us)
{
    if (on == self->listening) return;
    self->heard_us = now_us;
    if (on)
        es_loop_add_fd(self->pool->loop, self->fd, POLLIN, on_fd, self);
    else
        es_loop_remove_fd(self->pool->loop, self->fd);
    self->listening = on;
}

void es_decoding_stop(es_decoding_t **self_p)
{
    if (*self_p) put_down(*self_p);
    *self_p = NULL;
}

uint64_t es_decode_pool_tick(es_decode_pool_t *self, uint64_t now_us)
{
    uint64_t next = UINT64_MAX;
    bury(self, WNOHANG);
    for (es_decoding_t *one = self->all; one; one = one->next) {
        if (one->listening && now_us >= one->heard_us + self->config.silence_us)
            fail(one, &silent, "The process that decodes the file said nothing for too long.", now_us);
        uint64_t at = one->killed      ? now_us + REAP_US
                      : one->listening ? one->heard_us + self->config.silence_us
                                       : UINT64_MAX;
        if (at < next) next = at;
    }
    return next;
}
