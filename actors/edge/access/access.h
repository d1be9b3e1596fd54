/* Who asks, and may they? The door of the edge: every route's right is checked here before its handler sees the request, and what came with the opening of a
 * WebSocket becomes a guest. One thread, the loop's. */
#ifndef ES_ACCESS_H
#define ES_ACCESS_H

#include "client.h"
#include "edge_actor.h"
#include "http/http_router.h"
#include "identity.h"
#include "operator.h"

typedef struct {
    const char *allow_origin; /* as in --allow-origin */
    bool tls;                 /* the edge speaks it itself */
    bool nameless;            /* nobody is asked who it is, and no TLS of ours proves by which name we were reached */
    uint64_t ticket_us;       /* a ticket's life, for telling */
    const es_operator_t *operator;
    es_client_env_t *env; /* for the time, and with the identity */
} es_access_t;

/* Makes env->identity. All given outlive it. 0, or -1 with a sentence in err. */
int es_access_init(es_access_t *self, const es_edge_config_t *config, const es_operator_t *operator_token,
                   es_client_env_t *env, char *err, size_t err_len);
/* Reads the files of keys again; what cannot be used is logged, and those that were read before stay. */
void es_access_reload(es_access_t *self);
/* Of one that is all zero too. */
void es_access_fini(es_access_t *self);

/* Where this request is to wait before it is looked at; NULL: nowhere. */
es_turnstile_t *es_access_turnstile(es_access_t *self, const es_http_exchange_t *x);
/* As in es_http_router_t; ctx: an es_access_t. False: answered 401, 403 or 421. */
bool es_access_allows(void *ctx, es_http_exchange_t *x, const es_http_route_t *route);
/* POST /api/ticket. Their ctx is an es_access_t. */
extern const es_http_route_t es_access_routes[];

/* May this WebSocket be opened, as far as its page and its credentials go? 0 with *guest, NULL where no credentials came; or the HTTP status that refuses.
 * Credentials that are no good are the client's to hear of. */
unsigned es_access_admit(es_access_t *self, const es_http_exchange_t *x, const char *origin, const char *host,
                         es_guest_t **guest);

#endif
