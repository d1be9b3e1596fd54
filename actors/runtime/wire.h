/* Messages over ZeroMQ sockets: [routing id,] key, envelope, [body]. Raw zmq_msg_t, no copies of received parts.
 * `socket` is the raw ZeroMQ handle (zsock_resolve). One thread a socket. */
#ifndef ES_WIRE_H
#define ES_WIRE_H

#include <czmq.h>
#include <zmq.h>

#include "bundle.h"
#include "catalogue.h"

/* A received message: parts stay valid until es_wire_close. */
typedef struct {
    zmq_msg_t route, key, envelope, body;
    bool has_route, has_body;
    bool cut;           /* more parts came, which are gone */
    es_msg_t msg;       /* decoded, where `ok` */
    bool ok;            /* decoded and in the catalogue */
    const char *reason; /* where not ok */
} es_wire_t;

/* Receives one message without blocking. with_route: the socket is a ROUTER. Returns 0 (look at ok: malformed ones are returned too, for
 * counting), -1 with errno EAGAIN where there is none, ETERM at the end. Call es_wire_close after every 0. */
int es_wire_recv(es_wire_t *self, void *socket, bool with_route, es_decoder_t *decoder);
void es_wire_close(es_wire_t *self);
static inline es_span_t es_wire_key(es_wire_t *w)
{
    return es_span_of(zmq_msg_data(&w->key), zmq_msg_size(&w->key));
}
static inline es_span_t es_wire_route(es_wire_t *w)
{
    return es_span_of(zmq_msg_data(&w->route), zmq_msg_size(&w->route));
}
static inline es_span_t es_wire_body(es_wire_t *w)
{
    return w->has_body ? es_span_of(zmq_msg_data(&w->body), zmq_msg_size(&w->body)) : (es_span_t){0};
}

/* Sends without blocking; the body is copied. route: NULL unless ROUTER. Sets time_us where it is 0. Returns 0, or -1 with errno (EAGAIN,
 * EHOSTUNREACH); nothing is sent then, and the caller may forget the message: streams mend themselves. */
int es_wire_send(void *socket, const es_span_t *route, es_span_t key, const es_msg_t *msg, const void *body,
                 size_t len);
/* Sends an encoded message. As es_wire_send. */
int es_wire_send_item(void *socket, const es_span_t *route, const es_bundle_item_t *item);
/* Sends what a bundle holds: nothing, one message alone, or a BUNDLE under `key`. Returns as es_wire_send. */
int es_wire_send_bundle(void *socket, const es_span_t *route, es_span_t key, const es_bundle_t *bundle);
/* Takes the next message out of a received BUNDLE; *rest begins as its body. 1: *item has its parts and *msg is decoded and in the catalogue; 0: the end; -1:
 * the rest is malformed; ES_WIRE_SKIP: this one is, or is of a kind that does not belong there. What follows may be somebody else's: go on. */
enum { ES_WIRE_SKIP = -2 };
int es_wire_unbundle(es_span_t *rest, es_decoder_t *decoder, es_bundle_item_t *item, es_msg_t *msg);
/* Forwards a received message as it is (key, envelope, body by reference), without its route, to `route` where not NULL. Consumes the parts. */
int es_wire_forward(es_wire_t *self, void *socket, const es_span_t *route);

/* Sets every option of our sockets: MAXMSGSIZE, HANDSHAKE_IVL, LINGER, HWM, HEARTBEAT, RECONNECT; ROUTER: MANDATORY, HANDOVER; PUSH, DEALER: IMMEDIATE. Call
 * before bind or connect. */
void es_wire_options(void *socket, int hwm);

/* A raw socket of CZMQ's global context with our options. Dies where there is none left: an actor without its sockets is of no use. */
void *es_wire_socket(int type, int hwm);

/* Monotonic and wall clock in microseconds. */
uint64_t es_now_us(void);
uint64_t es_wall_us(void);
/* So long after now on the monotonic clock: for pthread_cond_clockwait. */
struct timespec es_monotonic_in_ms(unsigned ms);
/* Random bits from getrandom(2); dies where there are none. */
uint64_t es_random_u64(void);
/* So many random lowercase hex digits, without a NUL. */
void es_random_hex(char *out, size_t digits);
/* 16 lowercase hex digits and NUL. */
void es_hex16(uint64_t value, char out[17]);

#endif
