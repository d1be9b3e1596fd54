/* One actor of a name on a spool: it gives back at its start what it held under its name, so two of one name would take each other's jobs. */
#ifndef ES_NAME_LOCK_H
#define ES_NAME_LOCK_H

#include <stdbool.h>
#include <stddef.h>

/* flock on DIR/.NAME.lock, held until the descriptor that it returns is closed. -1 with a sentence in err. The file stays; removing it would be a race. */
int es_name_lock_take(const char *dir, const char *name, char *err, size_t err_len);

#define ES_NAME_LOCK_TAG 6u /* bytes */
/* Leaves a word for the next one of the name, and fetches what the last one left (with a NUL). False: there was none. */
bool es_name_lock_swap(int fd, const char tag[ES_NAME_LOCK_TAG], char before[ES_NAME_LOCK_TAG + 1]);

#endif
