#include "up_turns.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "alloc.h"
#include "watchdog.h"

enum { READS = 16, TEXT_MAX = sizeof "NOTIFY_SOCKET=" + sizeof(struct sockaddr_un) };

typedef struct {
    es_up_turns_t *turns;
    int fd;    /* -1: none */
    pid_t pid; /* of the child; 0: not known yet */
    char text[ES_UP_TURNS_WORDS][TEXT_MAX];
    char *words[ES_UP_TURNS_WORDS];
} ear_t;

struct es_up_turns {
    es_watchdog_t *watchdog;
    uint64_t patience_us;
    size_t count;
    ear_t ears[];
};

es_up_turns_t *es_up_turns_new(size_t count, uint64_t patience_us)
{
    es_up_turns_t *self = es_alloc_zero(sizeof *self + count * sizeof *self->ears);
    self->watchdog = es_watchdog_new(count, patience_us);
    self->patience_us = patience_us;
    self->count = count;
    for (size_t i = 0; i < count; i++) self->ears[i] = (ear_t){.turns = self, .fd = -1};
    return self;
}

void es_up_turns_destroy(es_up_turns_t **self_p)
{
    es_up_turns_t *self = *self_p;
    *self_p = NULL;
    for (size_t i = 0; i < self->count; i++)
        if (self->ears[i].fd != -1) close(self->ears[i].fd);
    es_watchdog_destroy(&self->watchdog);
    free(self);
}

/* The kernel says who sent it: whoever finds the name can send too. */
static pid_t sender_of(struct msghdr *msg)
{
    struct ucred who = {.pid = 0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) memcpy(&who, CMSG_DATA(c), sizeof who);
    return who.pid;
}

/* Takes what was said, in at most so many reads; whether one of it was the child's word that it turns. */
static bool listen_to(const ear_t *ear)
{
    static const char word[] = "WATCHDOG=1";
    bool turns = false;
    for (unsigned reads = 0; reads < READS; reads++) {
        char said[sizeof word]; /* what is longer is something else */
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
        struct iovec into = {.iov_base = said, .iov_len = sizeof said};
        struct msghdr msg = {
            .msg_iov = &into, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t n = recvmsg(ear->fd, &msg, 0);
        if (n < 0) break;
        bool that = n == sizeof word - 1 && memcmp(said, word, sizeof word - 1) == 0;
        if (that && sender_of(&msg) == ear->pid) turns = true;
    }
    return turns;
}

static void on_word(void *ctx, short revents, uint64_t now_us)
{
    (void)revents;
    const ear_t *ear = ctx;
    if (listen_to(ear)) es_watchdog_heard(ear->turns->watchdog, (size_t)(ear - ear->turns->ears), now_us);
}

/* Linux draws a name in the abstract space: five digits behind a NUL. */
static int open_ear(ear_t *ear, es_loop_t *loop)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t len = sizeof at;
    ear->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ear->fd == -1) return -1;
    if (setsockopt(ear->fd, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) == -1 ||
        bind(ear->fd, (const struct sockaddr *)&at, sizeof at.sun_family) == -1 ||
        getsockname(ear->fd, (struct sockaddr *)&at, &len) == -1) {
        int why = errno;
        close(ear->fd);
        ear->fd = -1;
        errno = why;
        return -1;
    }
    int name = (int)(len - offsetof(struct sockaddr_un, sun_path)) - 1;
    snprintf(ear->text[0], sizeof ear->text[0], "NOTIFY_SOCKET=@%.*s", name, at.sun_path + 1);
    snprintf(ear->text[1], sizeof ear->text[1], "WATCHDOG_USEC=%" PRIu64, ear->turns->patience_us);
    for (size_t i = 0; i < ES_UP_TURNS_WORDS; i++) ear->words[i] = ear->text[i];
    es_loop_add_fd(loop, ear->fd, POLLIN, on_word, ear);
    return 0;
}

char *const *es_up_turns_begin(es_up_turns_t *self, size_t child, es_loop_t *loop)
{
    ear_t *ear = &self->ears[child];
    es_watchdog_forget(self->watchdog, child);
    errno = 0;
    if (self->patience_us == 0 || (ear->fd == -1 && open_ear(ear, loop) == -1)) return NULL;
    ear->pid = 0;
    return ear->words;
}

void es_up_turns_started(es_up_turns_t *self, size_t child, pid_t pid)
{
    self->ears[child].pid = pid;
}

void es_up_turns_forget(es_up_turns_t *self, size_t child)
{
    es_watchdog_forget(self->watchdog, child);
}

void es_up_turns_look(es_up_turns_t *self, uint64_t now_us)
{
    es_watchdog_look(self->watchdog, now_us);
}

bool es_up_turns_silent(const es_up_turns_t *self, size_t child)
{
    return es_watchdog_silent(self->watchdog, child);
}
