#include "crowd.h"

#include <malloc.h>

enum { CROWD = 128 }; /* less is not worth the walk through the heap */

bool es_crowd_look(es_crowd_t *self, uint64_t now)
{
    if (now > self->peak) self->peak = now;
    if (self->peak < CROWD || now >= self->peak / 2) return false;
    self->peak = now;
    malloc_trim(0);
    return true;
}
