/* Files that no job has. For keeper.c.
 *
 *      hourly, and at the start: all names of files/ --\
 *      doubts that are due                           ----> batches --> store: a row? --> delete, or leave
 */
#ifndef ES_KEEPER_FILES_H
#define ES_KEEPER_FILES_H

#include "spool_sync.h"
#include "store_thread.h"

typedef struct es_keeper_files es_keeper_files_t;

/* keep_us: a file without a row is deleted once nothing has changed of it for so long. */
es_keeper_files_t *es_keeper_files_new(es_spool_t *spool, es_spool_sync_t *sync, es_store_thread_t *store,
                                       uint64_t keep_us);
void es_keeper_files_destroy(es_keeper_files_t **self_p);
/* removed: whatever its age. */
void es_keeper_files_doubt(es_keeper_files_t *self, const char *job, bool removed, uint64_t now_us);
uint64_t es_keeper_files_tick(es_keeper_files_t *self, uint64_t now_us);

extern es_metric_t es_keeper_files_removed, es_keeper_doubts_left;

#endif
