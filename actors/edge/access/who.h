/* What comes of a look at somebody's credentials: one enum for identity, HTTP and WebSocket. Refusals and admissions are counted here. One thread. */
#ifndef ES_WHO_H
#define ES_WHO_H

#include "metrics.h"

typedef enum {
    ES_WHO_OK,
    ES_WHO_MISSING,   /* nothing was shown where something is asked for */
    ES_WHO_MALFORMED, /* neither a token nor a ticket by its form */
    ES_WHO_FORGED,    /* no key of ours has signed it */
    ES_WHO_EXPIRED,
    ES_WHO_EARLY,   /* not valid yet */
    ES_WHO_FOREIGN, /* for another audience, or of another issuer */
    ES_WHO_UNKNOWN, /* no key, token or ticket that is known; used tickets too */
    ES_WHO_TOO_MANY,
    ES_WHO_REASONS
} es_who_t;

typedef enum { ES_CAME_OPERATOR, ES_CAME_API_KEY, ES_CAME_JWT, ES_CAME_TICKET, ES_CAME_WAYS } es_came_t;

/* For 401, 403 and error frames, static: "expired_token", and a sentence. Not for ES_WHO_OK. */
const char *es_who_code(es_who_t who);
const char *es_who_sentence(es_who_t who);

/* Counts a refusal and returns it; ES_WHO_OK counts nothing. */
es_who_t es_who_refused(es_who_t who);
void es_who_came(es_came_t how);
es_metric_t *const *es_who_metrics(void);

#endif
