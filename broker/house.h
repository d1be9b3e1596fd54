/* The house: what the broker does with each message, less the sockets. Joins registry (who lives), placement (who serves which stream), rendezvous (who gets which
 * request) and reports.
 *
 *   frontend ---> es_house_frontend --> the actor to forward to, or an answer through `publish` (WAIT, REWIND, PROBED, DRAINED)
 *   backend  ---> es_house_backend  --> `tell` (WHO_ARE_YOU, DROP), `publish` (WORKER_LOST)
 *   time     ---> es_house_tick     --> `tell` (PING), `publish` (WORKER_LOST, BEACON)
 *
 * Knows no socket and no clock; one thread.
 */
#ifndef ES_HOUSE_H
#define ES_HOUSE_H

#include "placement.h"
#include "registry.h"

typedef struct es_house es_house_t;

typedef struct {
    /* Send to the worker's DEALER. False: there is no such peer (EHOSTUNREACH), which the house takes for its death. Other losses are true. */
    bool (*tell)(void *ctx, uint64_t inc, es_span_t key, const es_msg_t *msg);
    void (*publish)(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
    /* This broker was asked to end (DRAIN). */
    void (*drain)(void *ctx, uint64_t now_us);
} es_house_ops_t;

typedef struct {
    const char *name; /* the broker's; must outlive the house */
    uint64_t inc;     /* and its incarnation */
    es_placement_config_t placement;
    es_registry_config_t registry;
} es_house_config_t;

#define ES_HOUSE_BEACON_US UINT64_C(500000)

es_house_t *es_house_new(const es_house_config_t *config, const es_house_ops_t *ops, void *ctx, uint64_t now_us);
void es_house_destroy(es_house_t **self_p);

typedef enum {
    ES_TAKEN,      /* all is done */
    ES_FORWARD,    /* give the message as it is to *worker */
    ES_NOT_FOR_US, /* a kind or key that does not belong on this socket: count it as malformed */
} es_house_verdict_t;

/* A well-formed message from the frontend. */
es_house_verdict_t es_house_frontend(es_house_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us,
                                     uint64_t *worker);
/* A well-formed message from the worker whose routing id spells `inc`. */
es_house_verdict_t es_house_backend(es_house_t *self, uint64_t inc, const es_msg_t *msg, es_span_t body,
                                    uint64_t now_us);
/* A send to this worker answered EHOSTUNREACH: it is lost, at once. */
void es_house_unreachable(es_house_t *self, uint64_t inc);
/* Whose the sender is in whose name this is said on the frontend: of a request `client`, of all else the key tells. who: "role/name" of who says it, NULL: a peer of this
 * machine. NULL: its own, from now on if it was nobody's; or it is said in nobody's name, which REPORT is by peers of this machine alone (""). Ask once for each message,
 * and only where peers come by keys. */
const char *es_house_sender(es_house_t *self, es_span_t key, const es_msg_t *msg, const char *who, uint64_t now_us);
/* Whose key the worker of this incarnation came with: "" where it has none, NULL where there is no such worker. */
const char *es_house_owner(const es_house_t *self, uint64_t inc);
/* The same of the worker that has this stream in this epoch or an earlier one. NULL: nobody has. */
const char *es_house_holder(const es_house_t *self, es_span_t key, uint64_t epoch);
/* It came with this one ("role/name"): after a HELLO that made it known. */
void es_house_belongs(es_house_t *self, uint64_t inc, const char *who);
/* That key is not allowed any more: its workers are lost, at once, and their streams' senders are told. */
void es_house_evict(es_house_t *self, const char *who);
/* This broker ends: from now on its beacons say so, beginning with one at once. */
void es_house_leave(es_house_t *self, uint64_t now_us);
/* Returns the time of the next call; earlier is harmless. */
uint64_t es_house_tick(es_house_t *self, uint64_t now_us);

/* 16 lowercase hex digits: a client_id, or an incarnation, whose value is then stored where value is not NULL. */
bool es_hex16_parse(es_span_t text, uint64_t *value);

#endif
