/* The ZAP 1.0 handler: whom libzmq asks about each CURVE handshake on a bound socket. One a process, since libzmq looks for it at inproc://zeromq.zap.01.
 *
 *     domain (the socket's name), key --> allowed entry --> may its role use that socket? --> 200 and User-Id "role/name", or 400
 *
 * Answered from the broker's own loop, so many a turn: a flood of handshakes takes its share of it and no more.
 */
#ifndef ES_ZAP_H
#define ES_ZAP_H

#include "allowed.h"
#include "loop.h"
#include "rights.h"

typedef enum {
    ES_ZAP_OK,
    ES_ZAP_MALFORMED, /* not a request of ZAP 1.0 */
    ES_ZAP_MECHANISM, /* not by CURVE */
    ES_ZAP_UNKNOWN,   /* a key that is not allowed */
    ES_ZAP_ROLE       /* one whose role has no business at this socket, or no socket of ours */
} es_zap_verdict_t;

#define ES_ZAP_FRAMES 7u /* version, request id, domain, address, identity, mechanism, credentials */

/* Judges the frames of a request. Where it is OK, *who is the entry. Pure. */
es_zap_verdict_t es_zap_judge(const es_span_t *frames, size_t n, const es_allowed_t *allowed,
                              const es_allowed_entry_t **who);

typedef struct es_zap es_zap_t;

/* Binds the handler. `allowed` must outlive it; refresh is called before it is asked, and may change it. NULL with a message logged: another broker of this process has it. */
es_zap_t *es_zap_new(const es_allowed_t *allowed, void (*refresh)(void *ctx, uint64_t now_us), void *ctx);
void es_zap_destroy(es_zap_t **self_p);
void es_zap_attach(es_zap_t *self, es_loop_t *loop);

#endif
