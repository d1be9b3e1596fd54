/* What came along when a WebSocket was opened, on its way from the gate to the client: what became of the credentials, and the trace that it belongs to. */
#ifndef ES_GUEST_H
#define ES_GUEST_H

#include "http/http_exchange.h"
#include "identity.h"
#include "trace.h"

typedef struct es_guest {
    es_who_t who;
    es_principal_t *principal; /* NULL: there were none (ES_WHO_MISSING), or they were no good */
    bool traced;
    es_trace_t trace;
} es_guest_t;

/* Takes the reference over. */
es_guest_t *es_guest_new(es_who_t who, es_principal_t *principal);
/* Where the request names a trace: a guest without credentials, if there is none, that brings it. */
void es_guest_trace(es_guest_t **self_p, const es_http_exchange_t *x);
void es_guest_destroy(es_guest_t **self_p);

#endif
