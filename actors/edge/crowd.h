/* Memory after a crowd has left: malloc keeps what lies below anything that stayed. Pure but for malloc. */
#ifndef ES_CROWD_H
#define ES_CROWD_H

#include <stdbool.h>
#include <stdint.h>

/* All zero at first. */
typedef struct {
    uint64_t peak; /* since memory was given back last */
} es_crowd_t;

/* So many connections are there now. Where that is less than half of a crowd the free memory goes back to the system; true then. */
bool es_crowd_look(es_crowd_t *self, uint64_t now);

#endif
