/* Memory of the state machines. Running out of it ends the process here: a sender or receiver that forgot a frame would break the promise, a dead
 * one does not. */
#ifndef ES_ALLOC_H
#define ES_ALLOC_H

#include <stddef.h>

/* `size` bytes, not cleared; never NULL. Free with free(3). */
void *es_alloc(size_t size);
/* The same, all zero. */
void *es_alloc_zero(size_t size);
/* A copy of `len` bytes with a NUL behind them. */
char *es_alloc_copy(const void *data, size_t len);

#endif
