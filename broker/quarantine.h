/* The streams that were refused lately because workers died of them, for beacons: whoever asks why a stream was ended finds it here. Pure; one thread. */
#ifndef ES_QUARANTINE_H
#define ES_QUARANTINE_H

#include "envelope.h"

enum {
    ES_QUARANTINE_MAX = 32 /* streams; the oldest is forgotten for a further one */
};
#define ES_QUARANTINE_US UINT64_C(900000000) /* shown for so long */

typedef struct {
    char client[ES_CLIENT_ID_LEN + 1];
    char reason[ES_REASON_MAX];
    uint64_t at_us;
} es_quarantined_t;

typedef struct {
    es_quarantined_t list[ES_QUARANTINE_MAX]; /* newest last */
    size_t count;
} es_quarantine_t;

/* This stream is refused after so many deaths. Returns the reason in words, valid until the next call. */
const char *es_quarantine_add(es_quarantine_t *self, es_span_t client, uint64_t deaths, uint64_t now_us);
/* Forgets what is too old. */
void es_quarantine_tick(es_quarantine_t *self, uint64_t now_us);

#endif
