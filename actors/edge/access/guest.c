#include "guest.h"

#include <stdlib.h>

#include "alloc.h"
#include "stream_trace.h"

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

void es_guest_trace(es_guest_t **self_p, const es_http_exchange_t *x)
{
    es_trace_t trace;
    if (!es_stream_trace_of(x, &trace)) return;
    if (!*self_p) *self_p = es_guest_new(ES_WHO_MISSING, NULL);
    (*self_p)->traced = true;
    (*self_p)->trace = trace;
}
