#include "leg.h"

#include <czmq.h>
#include <string.h>

#include "curve.h"
#include "log.h"
#include "wire.h"

enum {
    LEG_HWM = 1024,
    RENEW_US = 4000000,  /* longer than a handshake may take */
    REFUSED_US = 1000000 /* after a refusal, which libzmq does not try again */
};

enum {
    EVENTS = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
             ZMQ_EVENT_DISCONNECTED
};

static void open_monitor(es_leg_t *self)
{
    char name[64];
    snprintf(name, sizeof name, "inproc://es-leg-%p", self->socket);
    self->monitor = es_wire_socket(ZMQ_PAIR, LEG_HWM);
    if (zmq_socket_monitor(self->socket, name, EVENTS) == 0 && zmq_connect(self->monitor, name) == 0) return;
    es_log_warn("reconnects are noticed late: no socket monitor", ES_S("error", zmq_strerror(zmq_errno())));
    zmq_close(self->monitor);
    self->monitor = NULL;
}

static void dial(es_leg_t *self, uint64_t now_us)
{
    self->renew_us = now_us + RENEW_US;
    if (es_curve_connect(self->socket, self->endpoint) == 0) return;
    es_log_error("cannot connect to the broker", ES_S("endpoint", self->endpoint),
                 ES_S("error", zmq_strerror(zmq_errno())));
}

void es_leg_init(es_leg_t *self, void *socket, const char *endpoint)
{
    *self = (es_leg_t){.socket = socket};
    snprintf(self->endpoint, sizeof self->endpoint, "%s", endpoint);
    open_monitor(self);
    self->blind = !self->monitor || strncmp(endpoint, "inproc://", strlen("inproc://")) == 0;
    dial(self, es_now_us());
}

void es_leg_fini(es_leg_t *self)
{
    if (!self->monitor) return;
    zmq_socket_monitor(self->socket, NULL, 0);
    zmq_close(self->monitor);
    self->monitor = NULL;
}

static void say_refused(const es_leg_t *self, uint16_t event)
{
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        es_log_error(
            "the broker refuses our key for this endpoint: is it allowed there, in this role? earshot keys list",
            ES_S("endpoint", self->endpoint));
    else
        es_log_error(es_curve_on() ? "no handshake: the broker speaks without CURVE, or is none"
                                   : "no handshake: the broker wants a key; earshot keygen makes one",
                     ES_S("endpoint", self->endpoint));
}

/* True: a connection was made. */
static bool take_event(es_leg_t *self, uint16_t event, uint64_t now_us)
{
    bool made = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED, lost = event == ZMQ_EVENT_DISCONNECTED;
    if (made) {
        self->renew_us = 0;
        self->refused = false;
    } else if (lost && self->renew_us == 0)
        self->renew_us = now_us + RENEW_US;
    if (made || lost) return made;
    self->refused = event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    say_refused(self, event);
    self->renew_us = now_us + REFUSED_US;
    return false;
}

bool es_leg_take(es_leg_t *self, uint64_t now_us)
{
    bool made = false;
    zmq_msg_t part;
    if (!self->monitor) return false;
    zmq_msg_init(&part);
    while (zmq_msg_recv(&part, self->monitor, ZMQ_DONTWAIT) >= 0) {
        uint16_t event = 0; /* then four bytes of value; the endpoint is a part of its own */
        if (zmq_msg_more(&part) && zmq_msg_size(&part) == 6) memcpy(&event, zmq_msg_data(&part), sizeof event);
        if (event) made = take_event(self, event, now_us) || made;
    }
    zmq_msg_close(&part);
    return made;
}

uint64_t es_leg_tick(es_leg_t *self, uint64_t now_us)
{
    if (!self->monitor || self->renew_us == 0) return UINT64_MAX;
    if (now_us < self->renew_us) return self->renew_us;
    zmq_disconnect(self->socket, self->endpoint);
    dial(self, now_us);
    return self->renew_us;
}

bool es_leg_up(const es_leg_t *self)
{
    return self->blind || self->renew_us == 0;
}
