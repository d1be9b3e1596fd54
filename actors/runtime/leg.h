/* A leg: one connecting socket of ours, to one endpoint of a broker, that comes back whatever ended its connection.
 *
 * libzmq connects again by itself after a connection was cut or timed out, but never after what it takes for an error of protocol: a key that the broker refuses, a broker
 * without CURVE where we have keys, rubbish in the stream. Each of these may be over in a moment (the key is allowed again, the broker restarted), so a leg that has
 * been without a connection for a while is connected anew. What refuses it is logged in words.
 *
 * One thread; the socket's.
 */
#ifndef ES_LEG_H
#define ES_LEG_H

#include <stdbool.h>
#include <stdint.h>

#include "endpoints.h"

typedef struct {
    void *socket, *monitor; /* raw; monitor NULL: none could be made */
    uint64_t renew_us;      /* when to connect anew; 0: the connection stands */
    bool refused;           /* the broker's last word to our key was no */
    bool blind;             /* nothing tells how it is: inproc, or there is no monitor */
    char endpoint[ES_ENDPOINT_MAX];
} es_leg_t;

/* Connects the socket, whose other options are set. What goes wrong is logged, and tried again. The socket stays the caller's. */
void es_leg_init(es_leg_t *self, void *socket, const char *endpoint);
/* Before the socket is closed. */
void es_leg_fini(es_leg_t *self);
/* Reads what the monitor tells. True: a connection has been made since the last call. */
bool es_leg_take(es_leg_t *self, uint64_t now_us);
/* Connects anew where it is time. Returns the time of the next call. */
uint64_t es_leg_tick(es_leg_t *self, uint64_t now_us);
/* Its handshake is done and the connection stands, as far as es_leg_take has read; true also where nothing tells. */
bool es_leg_up(const es_leg_t *self);

#endif
