/* Tickets: for browsers, which can put nothing but an address into a WebSocket's request. Each is good once and for a short time, stands for one
 * principal, and is kept only as a digest. Pure: time and randomness come in. One thread. */
#ifndef ES_TICKETS_H
#define ES_TICKETS_H

#include "principal.h"

#define ES_TICKET_BYTES 32u
#define ES_TICKET_LEN 43u /* characters: base64url */
#define ES_TICKET_DIGEST 32u

typedef struct es_tickets es_tickets_t;

/* max: that wait to be used; each: of them, those of one name (but of "", which is nobody's). */
es_tickets_t *es_tickets_new(uint64_t max, uint64_t each, uint64_t life_us, es_seats_t *seats);
/* Tickets that wait are void. */
void es_tickets_destroy(es_tickets_t **self_p);
/* 0, or -1: as many wait as may. */
int es_tickets_add(es_tickets_t *self, const uint8_t digest[ES_TICKET_DIGEST], es_principal_t *principal,
                   uint64_t now_us);
/* The principal, which is the caller's now; NULL where there is no such ticket, or not any more. */
es_principal_t *es_tickets_redeem(es_tickets_t *self, const uint8_t digest[ES_TICKET_DIGEST], uint64_t now_us);
es_metric_t *const *es_tickets_metrics(void);

#endif
