/* The jobs actor: recordings in, transcripts out, whatever dies meanwhile.
 *
 *      service `upload` (es_worker)      --> spool, store                     files come as streams
 *      service `jobs`   (es_actor_link)  --> answers                          questions and commands
 *      sender link                       --> transcribers, analysis           the work: a stream whose frames come from a disk
 *      store thread                          all that must outlive us
 */
#ifndef ES_JOBS_ACTOR_H
#define ES_JOBS_ACTOR_H

#include <czmq.h>

#include "jobs_config.h"
#include "metrics.h"

/* args: es_jobs_config_t, owned by the caller. Several actors may share a store, and on one machine a spool; a name is used once. Signals the pipe when it serves. On "$TERM" it gives
 * its jobs back where they stand, takes no more uploads, says GOODBYE and returns. */
void es_jobs_actor(zsock_t *pipe, void *args);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_jobs_metrics(void);

#endif
