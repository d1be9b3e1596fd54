#include "watch.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "alloc.h"
#include "curve.h"
#include "endpoints.h"
#include "job_wire.h"
#include "msgpack_json.h"
#include "wire.h"

enum { HWM = 64, BATCH = 16 };

struct es_watch {
    void *socket, *relay; /* relay: NULL where none is wanted */
    es_decoder_t *decoder;
    es_watch_fn fn;
    es_watch_jobs_fn jobs; /* or NULL */
    void *ctx;
    uint64_t sent_us;
};

es_watch_t *es_watch_new(const char *brokers, es_watch_fn fn, void *ctx)
{
    es_watch_t *self = es_alloc_zero(sizeof *self);
    es_endpoints_t list[ES_BROKERS_MAX];
    char err[256];
    int n = es_endpoints_parse_list(list, brokers, err, sizeof err);
    assert(n > 0); /* es_common_config_settle has looked at it */
    *self = (es_watch_t){.socket = zmq_socket(zsys_init(), ZMQ_SUB), .decoder = es_decoder_new(), .fn = fn, .ctx = ctx};
    assert(self->socket);
    es_wire_options(self->socket, HWM);
    zmq_setsockopt(self->socket, ZMQ_SUBSCRIBE, "sys/", 4);
    zmq_setsockopt(self->socket, ZMQ_SUBSCRIBE, ES_JOBS_STATS_KEY, strlen(ES_JOBS_STATS_KEY));
    for (int i = 0; i < n; i++) es_curve_connect(self->socket, list[i].publish);
    return self;
}

void es_watch_destroy(es_watch_t **self_p)
{
    es_watch_t *self = *self_p;
    if (!self) return;
    zmq_close(self->socket);
    if (self->relay) zmq_close(self->relay);
    es_decoder_destroy(&self->decoder);
    free(self);
    *self_p = NULL;
}

void es_watch_on_jobs(es_watch_t *self, es_watch_jobs_fn fn)
{
    self->jobs = fn;
}

uint64_t es_watch_sent_us(const es_watch_t *self)
{
    return self->sent_us;
}

static void take_beacon(es_watch_t *self, es_wire_t *wire)
{
    es_span_t key = es_wire_key(wire), body = es_wire_body(wire);
    char name[ES_KEY_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)key.len, key.ptr);
    json_t *house = es_msgpack_json(body.ptr, body.len);
    if (house) self->fn(self->ctx, name, house);
    json_decref(house);
}

static void take_stats(es_watch_t *self, es_wire_t *wire)
{
    es_span_t body = es_wire_body(wire);
    char name[ES_NAME_MAX + 1];
    if (!self->jobs) return;
    snprintf(name, sizeof name, "%.*s", (int)wire->msg.name.len, wire->msg.name.ptr);
    json_t *stats = json_loadb(body.ptr, body.len, 0, NULL);
    if (json_is_object(stats)) self->jobs(self->ctx, name, stats);
    json_decref(stats);
}

static void take(es_watch_t *self, es_wire_t *wire)
{
    if (!wire->ok || (wire->msg.kind != ES_BEACON && wire->msg.kind != ES_JOB_STATS)) return;
    self->sent_us = wire->msg.time_us;
    if (wire->msg.kind == ES_BEACON)
        take_beacon(self, wire);
    else
        take_stats(self, wire);
    if (self->relay) es_wire_forward(wire, self->relay, NULL);
}

static bool on_socket(void *ctx, uint64_t now_us)
{
    (void)now_us;
    es_watch_t *self = ctx;
    es_wire_t wire;
    for (int i = 0; i < BATCH; i++) {
        if (es_wire_recv(&wire, self->socket, false, self->decoder) == -1) return false;
        take(self, &wire);
        es_wire_close(&wire);
    }
    return true;
}

/* A second bind would silently steal the endpoint of a live broker. */
static bool served(const char *endpoint)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path, sizeof address.sun_path, "%s", endpoint + strlen("ipc://"));
    if (n < 0 || n >= (int)sizeof address.sun_path) return true; /* nobody could find it there */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answered = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return answered;
}

void es_watch_relay(es_watch_t *self, const char *base)
{
    es_endpoints_t at;
    char err[256];
    if (strncmp(base, "ipc://", 6) != 0 || es_endpoints_parse(&at, base, err, sizeof err) != 0 || served(at.publish))
        return;
    self->relay = zmq_socket(zsys_init(), ZMQ_PUB);
    assert(self->relay);
    es_wire_options(self->relay, HWM);
    if (zmq_bind(self->relay, at.publish) == 0) return;
    zmq_close(self->relay);
    self->relay = NULL;
}

void es_watch_attach(es_watch_t *self, es_loop_t *loop)
{
    es_loop_add_socket(loop, self->socket, on_socket, self);
}
