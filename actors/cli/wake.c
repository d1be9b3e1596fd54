#include "wake.h"

#include <assert.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define WAIT_MAX_US UINT64_C(3600000000)

static const struct {
    int signo;
    unsigned what;
    bool terminal;
} wishes[] = {{SIGINT, ES_WAKE_INTERRUPT, false},
              {SIGTERM, ES_WAKE_END, false},
              {SIGHUP, ES_WAKE_END, false},
              {SIGWINCH, ES_WAKE_RESIZE, true},
              {SIGTSTP, ES_WAKE_STOP, true}};
enum { WISHES = sizeof wishes / sizeof wishes[0] };

static int change(es_wake_t *self, int operation, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(self->epoll, operation, fd, &event);
}

void es_wake_init(es_wake_t *self, int input, bool terminal)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < WISHES; i++)
        if (terminal || !wishes[i].terminal) sigaddset(&set, wishes[i].signo);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *self = (es_wake_t){.input = input};
    self->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    assert(self->signals != -1 && self->epoll != -1);
    int taken = change(self, EPOLL_CTL_ADD, self->signals);
    assert(taken == 0);
}

void es_wake_fini(es_wake_t *self)
{
    close(self->epoll);
    close(self->signals);
}

void es_wake_want_input(es_wake_t *self, bool wanted)
{
    if (wanted == self->wanted) return;
    self->wanted = wanted;
    if (!self->is_file) self->is_file = change(self, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, self->input) == -1;
}

int es_wake_fd(const es_wake_t *self)
{
    return self->epoll;
}

void es_wake_wait(const es_wake_t *self, uint64_t timeout_us)
{
    struct pollfd ready = {.fd = self->epoll, .events = POLLIN};
    if (timeout_us > WAIT_MAX_US) timeout_us = WAIT_MAX_US;
    poll(&ready, 1, (int)((timeout_us + 999) / 1000));
}

static unsigned take_signals(const es_wake_t *self)
{
    struct signalfd_siginfo info;
    unsigned what = 0;
    while (read(self->signals, &info, sizeof info) == (ssize_t)sizeof info)
        for (size_t i = 0; i < WISHES; i++)
            if (wishes[i].signo == (int)info.ssi_signo) what |= wishes[i].what;
    return what;
}

unsigned es_wake_look(es_wake_t *self)
{
    struct pollfd ready = {.fd = self->input, .events = POLLIN};
    unsigned what = take_signals(self);
    if (self->wanted && (self->is_file || (poll(&ready, 1, 0) == 1 && ready.revents))) what |= ES_WAKE_INPUT;
    return what;
}
