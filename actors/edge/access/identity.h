/* Who is it, and what may it do? Credentials come as a bearer token (a JWT, an API key or the operator's token) or as a one-use ticket. Pure but for the key
 * files, which are read at the start and on reload, and for tickets, which are drawn: time comes in. One thread.
 *
 *     token, now --> es_identity_bearer --> principal --> es_principal_may(p, ES_RIGHT_STREAM), es_principal_may_room(p, ES_RIGHT_ROOM_SAY, room)
 *
 * Refusals are counted by reason where they are given: es_who_metrics, es_tickets_metrics. */
#ifndef ES_IDENTITY_H
#define ES_IDENTITY_H

#include "operator.h"
#include "principal.h"
#include "tickets.h"
#include "who.h"

#define ES_TOKEN_MAX 8192u /* bytes of a bearer token; a longer one is malformed */

typedef struct es_identity es_identity_t;

/* Its texts must outlive the identity. */
typedef struct {
    const char *jwt_keys;          /* files, with commas; NULL: no JWT */
    const char *audience, *issuer; /* NULL: any */
    uint64_t leeway_s;             /* that clocks may differ */
    const char *api_keys;          /* file; NULL: none */
    const es_operator_t *operator_token;
    uint64_t ticket_us;       /* a ticket's life */
    uint64_t max_tickets;     /* that wait to be used */
    uint64_t tickets_each;    /* of one principal; 0: as max_tickets */
    uint64_t max_connections; /* of one principal at once; 0: any number */
} es_identity_config_t;

/* NULL with a sentence in err. */
es_identity_t *es_identity_new(const es_identity_config_t *config, char *err, size_t err_len);
/* Principals may outlive it. */
void es_identity_destroy(es_identity_t **self_p);
/* Reads the files anew (SIGHUP). 0; -1 with a sentence in err, and the old ones stay. Whose key is gone, or gives other rights now, has expired. */
int es_identity_reload(es_identity_t *self, char *err, size_t err_len);
/* Are credentials asked for at all? */
bool es_identity_required(const es_identity_t *self);

/* What an operator should know of these settings, a sentence, static; NULL: nothing. */
const char *es_identity_warning(const es_identity_t *self);

/* May these credentials (a token, or a value of Authorization) have a signature that is to be checked? That is dear, and anybody may ask for it: see turnstile.h. */
bool es_identity_signed(const es_identity_t *self, es_span_t credentials);
/* wall_s: Unix time. *out is a new reference where OK, else NULL. Where nothing is required and the token is empty: the anonymous principal, OK; it has
 * every right but dashboard and admin, which stay the operator's. An empty token where something is required is counted as missing: ask when an answer is due. */
es_who_t es_identity_bearer(es_identity_t *self, es_span_t token, uint64_t wall_s, es_principal_t **out);
/* A value of Authorization; one of another scheme than Bearer is as good as none. */
es_who_t es_identity_authorization(es_identity_t *self, es_span_t header_value, uint64_t wall_s, es_principal_t **out);
/* A ticket for this principal: NUL-terminated, url-safe. 0, or -1: max_tickets wait. */
int es_identity_ticket(es_identity_t *self, es_principal_t *principal, uint64_t now_us, char out[ES_TICKET_LEN + 1]);
/* now_us: as for es_identity_ticket. *out is a new reference where OK. It may have expired meanwhile: see es_principal_expires. */
es_who_t es_identity_redeem(es_identity_t *self, es_span_t ticket, uint64_t now_us, es_principal_t **out);

/* Counts one more connection of it. ES_WHO_OK or ES_WHO_TOO_MANY. Anonymous and the operator may have any number. Ends with es_principal_leave. */
es_who_t es_principal_enter(es_identity_t *self, es_principal_t *p);

#endif
