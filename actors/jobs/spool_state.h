/* What the files of the spool share. For spool*.c only. */
#ifndef ES_SPOOL_STATE_H
#define ES_SPOOL_STATE_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "spool.h"

struct es_spool {
    char id[ES_SPOOL_ID_LEN + 1];
    uint64_t quota, floor;
    int dir, parts, files; /* descriptors */
    int count_fd;          /* of spool.used: mapped, and locked as long as we live */
    atomic_uint_fast64_t *used;
    atomic_uint_fast64_t reserved;
};

void es_spool_count(es_spool_t *self, uint64_t more, uint64_t less);
/* When a file came or was last changed: renaming counts. */
uint64_t es_spool_changed_ms(const struct stat *st);
/* Calls fn for each regular file in a directory, until it returns false. */
void es_spool_each(int dir, bool (*fn)(void *arg, const char *name, const struct stat *st), void *arg);

extern es_metric_t es_spool_cleared;
/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_spool_metrics(void);

#endif
