#include "doors.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "broker_metrics.h"
#include "curve.h"
#include "log.h"
#include "wire.h"

enum {
    LINGER_MS = 200, /* for what was accepted before the end */
    WATCH_HWM = 16384,
    RETRY_US = 1000,     /* of an address that is not free yet */
    LOOK_US = 200000,    /* at the descriptors, and at what the monitors tell */
    RETRIES_QUIET = 500, /* then it is said */
    /* Subscribers say nothing but topics, which are no longer than a key; each byte of one costs libzmq a hundred. Handshakes have room in it. */
    SUBSCRIPTION_MAX = 1024
};

/* A socket bound on tcp. */
typedef struct {
    es_socket_t socket;
    const char *endpoint;        /* as it was asked for */
    char bound[ES_ENDPOINT_MAX]; /* as libzmq calls it; empty: it is not bound now */
    int listener;                /* descriptor that listens; libzmq's. < 0: not known */
} door_t;

struct es_doors {
    es_doors_config_t config;
    void *sockets[ES_SOCKETS], *monitors[ES_SOCKETS];
    door_t doors[2 * ES_SOCKETS]; /* of tcp */
    size_t count;
    bool shut; /* to newcomers */
    unsigned tries;
    uint64_t retry_us, look_us;
};

/* ---- binding ---- */

static int complain(const char *endpoint)
{
    es_log_error(errno == EADDRINUSE ? "endpoint is in use; is another broker there? choose another address"
                                     : "cannot bind; check the address",
                 ES_S("endpoint", endpoint), ES_S("error", zmq_strerror(errno)));
    return -1;
}

/* The descriptor that listens, which libzmq tells to nobody but a monitor. */
static int heard_listener(void *monitor)
{
    int fd = -1;
    zmq_msg_t part;
    zmq_msg_init(&part);
    while (monitor && zmq_msg_recv(&part, monitor, ZMQ_DONTWAIT) >= 0) {
        uint16_t event = 0;
        uint32_t value = 0;
        if (!zmq_msg_more(&part) || zmq_msg_size(&part) != sizeof event + sizeof value) continue;
        memcpy(&event, zmq_msg_data(&part), sizeof event);
        memcpy(&value, (char *)zmq_msg_data(&part) + sizeof event, sizeof value);
        if (event == ZMQ_EVENT_LISTENING) fd = (int)value;
    }
    zmq_msg_close(&part);
    return fd;
}

static int bind_door(es_doors_t *self, door_t *door)
{
    void *socket = self->sockets[door->socket];
    size_t size = sizeof door->bound;
    if (es_curve_bind(socket, door->endpoint, es_socket_name(door->socket)) != 0) return -1;
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, door->bound, &size) != 0)
        snprintf(door->bound, sizeof door->bound, "%s", door->endpoint);
    door->listener = heard_listener(self->monitors[door->socket]);
    return 0;
}

static int bind_all(es_doors_t *self, const es_endpoints_t *at)
{
    const char *const endpoints[ES_SOCKETS] = {at->frontend, at->backend, at->results, at->publish};
    bool tcp = strncmp(at->base, "tcp://", 6) == 0;
    for (es_socket_t i = 0; i < ES_SOCKETS; i++) {
        door_t *door = &self->doors[self->count];
        *door = (door_t){.socket = i, .endpoint = endpoints[i], .listener = -1};
        if (bind_door(self, door) != 0) return complain(endpoints[i]);
        if (tcp) self->count++;
    }
    es_log_info("serving", ES_S("broker", at->base));
    return 0;
}

int es_doors_open(es_doors_t *self)
{
    self->retry_us = UINT64_MAX;
    if (bind_all(self, &self->config.base) != 0) return -1;
    return self->config.tcp.base[0] ? bind_all(self, &self->config.tcp) : 0;
}

/* ---- sockets ---- */

static void open_monitor(es_doors_t *self, es_socket_t socket)
{
    enum { EVENTS = ZMQ_EVENT_LISTENING | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL };
    char name[64];
    snprintf(name, sizeof name, "inproc://es-door-%p", self->sockets[socket]);
    self->monitors[socket] = es_wire_socket(ZMQ_PAIR, WATCH_HWM);
    if (zmq_socket_monitor(self->sockets[socket], name, EVENTS) == 0 && zmq_connect(self->monitors[socket], name) == 0)
        return;
    es_log_warn("handshakes are not watched: no socket monitor", ES_S("error", zmq_strerror(errno)));
}

static int open_sockets(es_doors_t *self)
{
    static const int types[ES_SOCKETS] = {ZMQ_PULL, ZMQ_ROUTER, ZMQ_XSUB, ZMQ_XPUB};
    static const int linger = LINGER_MS;
    static const int64_t subscription = SUBSCRIPTION_MAX;
    bool tcp = self->config.tcp.base[0] || strncmp(self->config.base.base, "tcp://", 6) == 0;
    for (es_socket_t i = 0; i < ES_SOCKETS; i++) {
        self->sockets[i] = zmq_socket(zsys_init(), types[i]);
        if (!self->sockets[i]) {
            es_log_error("cannot make a socket; raise the limit of open files", ES_S("error", zmq_strerror(errno)));
            return -1;
        }
        es_wire_options(self->sockets[i], self->config.queue);
        zmq_setsockopt(self->sockets[i], ZMQ_LINGER, &linger, sizeof linger);
        if (tcp) open_monitor(self, i);
    }
    zmq_setsockopt(self->sockets[ES_AT_PUBLISH], ZMQ_MAXMSGSIZE, &subscription, sizeof subscription);
    return zmq_send(self->sockets[ES_AT_RESULTS], "\x01", 1, 0) == 1 ? 0 : -1; /* subscribe to everything */
}

/* A quarter stays free for files and sockets of our own. */
static void bound_descriptors(es_doors_t *self)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    uint64_t most = limit.rlim_cur - limit.rlim_cur / 4;
    if (self->config.max_descriptors > most) self->config.max_descriptors = most;
}

es_doors_t *es_doors_new(const es_doors_config_t *config)
{
    es_doors_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    bound_descriptors(self);
    if (open_sockets(self) != 0) es_doors_destroy(&self);
    return self;
}

void es_doors_destroy(es_doors_t **self_p)
{
    es_doors_t *self = *self_p;
    if (!self) return;
    for (int i = 0; i < ES_SOCKETS; i++) {
        if (self->monitors[i]) zmq_socket_monitor(self->sockets[i], NULL, 0);
        if (self->monitors[i]) zmq_close(self->monitors[i]);
        if (self->sockets[i]) zmq_close(self->sockets[i]);
    }
    free(self);
    *self_p = NULL;
}

void *es_doors_socket(const es_doors_t *self, es_socket_t socket)
{
    return self->sockets[socket];
}

/* ---- opening anew ---- */

void es_doors_reopen(es_doors_t *self, uint64_t now_us)
{
    static const int at_once = 0, linger = LINGER_MS;
    for (size_t i = 0; i < self->count; i++) {
        door_t *door = &self->doors[i];
        if (!door->bound[0]) continue;
        void *socket = self->sockets[door->socket];
        zmq_setsockopt(socket, ZMQ_LINGER, &at_once, sizeof at_once);
        if (zmq_unbind(socket, door->bound) != 0)
            es_log_error("cannot unbind", ES_S("endpoint", door->bound), ES_S("error", zmq_strerror(errno)));
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
        door->bound[0] = 0;
        door->listener = -1;
    }
    self->shut = false;
    self->tries = 0;
    self->retry_us = now_us;
}

/* The I/O thread closes what listened in its own time. */
static void bind_again(es_doors_t *self, uint64_t now_us)
{
    bool all = true;
    for (size_t i = 0; i < self->count; i++) {
        door_t *door = &self->doors[i];
        if (door->bound[0] || bind_door(self, door) == 0) continue;
        if (++self->tries % RETRIES_QUIET == 0) complain(door->endpoint);
        all = false;
    }
    self->retry_us = all ? UINT64_MAX : now_us + RETRY_US;
}

/* ---- newcomers ---- */

/* Descriptors are given out from the lowest free one up: this one tells how many are in use, at least. */
static uint64_t lowest_free(int some)
{
    int lowest = fcntl(some, F_DUPFD_CLOEXEC, 0);
    if (lowest < 0) return UINT64_MAX;
    close(lowest);
    return (uint64_t)lowest;
}

/* With a filter that lets nothing pass the kernel drops what asks for a connection, as if the network had lost it: it asks again in a second. What is connected is not
 * concerned. */
static void shut(es_doors_t *self, bool on)
{
    struct sock_filter nothing = {.code = BPF_RET | BPF_K, .k = 0};
    struct sock_fprog filter = {.len = 1, .filter = &nothing};
    int unused = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (self->doors[i].listener < 0) continue;
        if (on)
            setsockopt(self->doors[i].listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
        else
            setsockopt(self->doors[i].listener, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
    }
    self->shut = on;
}

static void guard(es_doors_t *self)
{
    int fd = -1;
    size_t size = sizeof fd;
    zmq_getsockopt(self->sockets[0], ZMQ_FD, &fd, &size);
    uint64_t used = lowest_free(fd), most = self->config.max_descriptors;
    if (!self->shut && used >= most) {
        es_metric_add(&es_broker_shut_total, 1);
        es_log_warn("too many connections: nobody new is let in on tcp for a while", ES_U("max_connections", most));
        shut(self, true);
    } else if (self->shut && used < most - most / 8) {
        es_log_info("tcp takes new connections again");
        shut(self, false);
    }
}

/* Handshakes that ended without one. */
static void count_failures(void *monitor)
{
    zmq_msg_t part;
    zmq_msg_init(&part);
    for (int n = 0; n < WATCH_HWM && monitor && zmq_msg_recv(&part, monitor, ZMQ_DONTWAIT) >= 0; n++) {
        uint16_t event = 0;
        if (!zmq_msg_more(&part) || zmq_msg_size(&part) < sizeof event) continue;
        memcpy(&event, zmq_msg_data(&part), sizeof event);
        es_metric_add(event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ? &es_broker_refused_protocol
                                                                   : &es_broker_refused_silent,
                      event != ZMQ_EVENT_LISTENING);
    }
    zmq_msg_close(&part);
}

uint64_t es_doors_tick(es_doors_t *self, uint64_t now_us)
{
    if (self->count == 0) return UINT64_MAX;
    if (now_us >= self->retry_us) bind_again(self, now_us);
    if (now_us >= self->look_us) {
        self->look_us = now_us + LOOK_US;
        for (int i = 0; i < ES_SOCKETS; i++) count_failures(self->monitors[i]);
        guard(self);
    }
    return self->retry_us < self->look_us ? self->retry_us : self->look_us;
}
