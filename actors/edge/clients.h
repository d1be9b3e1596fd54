/* The connected clients by their id. */
#ifndef ES_CLIENTS_H
#define ES_CLIENTS_H

#include "client.h"

typedef struct {
    es_client_t **buckets;
    size_t cap, count; /* cap: a power of two */
} es_clients_t;

void es_clients_fini(es_clients_t *self);
/* Clients link themselves (es_client_t.next); the table owns none. Dies on lack of memory. */
void es_clients_add(es_clients_t *self, es_client_t *client);
void es_clients_remove(es_clients_t *self, es_client_t *client);
/* NULL where nobody has this id. */
es_client_t *es_clients_find(const es_clients_t *self, es_span_t id);
/* Every client; fn may remove the one it is given, and no other. */
void es_clients_each(const es_clients_t *self, void (*fn)(void *ctx, es_client_t *client), void *ctx);
/* The same, where the client is all that fn needs. */
void es_clients_do(const es_clients_t *self, void (*fn)(es_client_t *client));

#endif
