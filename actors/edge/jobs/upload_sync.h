/* The answer of an upload that waits for its transcript: asks after the job, at news of it and now and then, until it is over, then hands its transcript on, piece by piece. */
#ifndef ES_UPLOAD_SYNC_H
#define ES_UPLOAD_SYNC_H

#include "asks.h"
#include "http/http_exchange.h"

typedef struct es_upload_sync es_upload_sync_t;

/* The job is in the store. Answers the exchange: 200 with the transcript, 422 where the job failed, or nothing before until_us: then it is late. job: copied. */
es_upload_sync_t *es_upload_sync_new(es_asks_t *asks, es_http_exchange_t *x, const char *job, uint64_t now_us,
                                     uint64_t until_us);
void es_upload_sync_destroy(es_upload_sync_t **self_p);
/* Returns the time of the next call. */
uint64_t es_upload_sync_tick(es_upload_sync_t *self, uint64_t now_us);
/* Nothing was answered, and there is no time left: it asks no more, and the exchange is the caller's. */
bool es_upload_sync_late(const es_upload_sync_t *self);
/* Something was said about the job: it is asked for soon. */
void es_upload_sync_news(es_upload_sync_t *self, uint64_t now_us);
/* The exchange has room. */
void es_upload_sync_room(es_upload_sync_t *self, uint64_t now_us);

#endif
