/* Uploads: requests that bring a recording, each with a stream to a jobs actor. PROTOCOL.md, sections 11.1 and 12.
 *
 *      request --> upload_options --> upload (a handler of the exchange) <--> upload_stream --> env.send
 *                     upload_body (form or raw) --'                        '--> upload_sync, where the answer is the transcript
 *
 * What all of them retain is bounded by `memory`: the more there are, the less each may be ahead of its jobs actor. One thread. */
#ifndef ES_UPLOADS_H
#define ES_UPLOADS_H

#include "asks.h"
#include "client.h"
#include "http/http_router.h"
#include "metrics.h"

typedef struct es_uploads es_uploads_t;

typedef struct {
    uint64_t max_upload;  /* bytes of a file */
    uint64_t max_uploads; /* at once */
    uint64_t max_each;    /* of them, those of one address, and of one subject; 0: any number */
    uint64_t memory;      /* bytes that all may retain; each may at least ES_UPLOAD_ALLOWANCE_MIN */
    uint64_t sync_max;    /* bytes of a file whose transcript is waited for */
    uint64_t wait_us;     /* for a jobs actor that takes it */
    uint64_t stall_us;    /* for one that does nothing more */
    uint64_t sync_us;     /* for the transcript */
    bool all_sync;        /* `upload` answers as `upload-sync` does */
} es_uploads_config_t;

typedef struct {
    void *ctx;
    /* Hear this topic, or no more. */
    void (*subscribe)(void *ctx, es_span_t topic, bool on);
} es_uploads_ops_t;

#define ES_UPLOAD_ALLOWANCE_MIN 262144u

/* env: of the clients; its timers are not used. prefix: of the edge's keys. All but config and ops outlive it. */
es_uploads_t *es_uploads_new(const es_uploads_config_t *config, const es_uploads_ops_t *ops, es_client_env_t *env,
                             es_asks_t *asks, const char *prefix);
/* All exchanges are over (asserted). */
void es_uploads_destroy(es_uploads_t **self_p);
/* POST /session/{id}/upload and /session/{id}/upload-sync. */
void es_uploads_routes(es_uploads_t *self, es_http_router_t *router);
/* A message on this key: false where it is of no upload. */
bool es_uploads_receive(es_uploads_t *self, int broker, es_span_t key, const es_msg_t *msg, const void *body,
                        size_t len);
/* JOB_NEWS, of whatever job. */
void es_uploads_news(es_uploads_t *self, es_span_t key);
/* Runs timers. Returns the time of the next call. */
uint64_t es_uploads_turn(es_uploads_t *self);
/* The live brokers have changed. */
void es_uploads_rebroker(es_uploads_t *self);
/* Takes no more; those under way go on. */
void es_uploads_drain(es_uploads_t *self);
size_t es_uploads_count(const es_uploads_t *self);
es_metric_t *const *es_uploads_metrics(void);

#endif
