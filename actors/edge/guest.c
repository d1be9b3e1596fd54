#include "guest.h"

#include <stdlib.h>

#include "alloc.h"

es_guest_t *es_guest_new(es_who_t who, es_principal_t *principal)
{
    es_guest_t *self = es_alloc(sizeof *self);
    *self = (es_guest_t){.who = who, .principal = principal};
    return self;
}

void es_guest_destroy(es_guest_t **self_p)
{
    es_guest_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_principal_unref(&self->principal);
    free(self);
}
