/* Jobs and the house in the envelope protocol: what clients watch, and what they are told (PROTOCOL.md, section 13). For envelope_ws.c and edge_jobs.c. */
#ifndef ES_JOB_WS_H
#define ES_JOB_WS_H

#include "client.h"
#include "job_watch.h"

void es_job_ws_watch(es_client_t *self, const es_client_says_t *says);
void es_job_ws_unwatch(es_client_t *self, const es_client_says_t *says);
void es_house_ws_watch(es_client_t *self, const es_client_says_t *says);
void es_house_ws_unwatch(es_client_t *self, const es_client_says_t *says);
/* The client is gone, or has lost a right: it watches nothing. */
void es_job_ws_fini(es_client_t *self);

/* For es_job_watch_ops_t; owner: the client. */
void es_job_ws_tell(void *owner, const es_job_event_t *event);
bool es_job_ws_behind(void *owner);
void es_job_ws_trouble(void *owner, const es_watched_t *what, const char *code, const char *message);
/* house.state with these fields, unless the client is behind: the next one says it all. */
void es_house_ws_tell(es_client_t *self, es_span_t fields);

#endif
