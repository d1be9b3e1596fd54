/* What became of the credentials with which a WebSocket was opened, on its way from the gate to the client. */
#ifndef ES_GUEST_H
#define ES_GUEST_H

#include "identity.h"

typedef struct es_guest {
    es_who_t who;
    es_principal_t *principal; /* NULL: they were no good */
} es_guest_t;

/* Takes the reference over. */
es_guest_t *es_guest_new(es_who_t who, es_principal_t *principal);
void es_guest_destroy(es_guest_t **self_p);

#endif
