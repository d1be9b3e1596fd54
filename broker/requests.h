/* Services whose actors get requests and never a stream: rooms and jobs. Each request goes to one live actor of its service, by rendezvous of what its key names; without
 * one it is dropped and counted, and who asked asks again. A further service of this sort is a row of the table. Pure; one thread. */
#ifndef ES_REQUESTS_H
#define ES_REQUESTS_H

#include "metrics.h"
#include "registry.h"

typedef struct {
    const char *service;
    bool (*is_request)(uint32_t kind);
    bool (*subject)(es_span_t key, es_span_t *id); /* what actors are chosen by; false: a key of something else */
    es_metric_t *unserved;                         /* requests dropped for want of an actor */
} es_request_service_t;

/* The service of that name; NULL: it gets streams. Static. */
const es_request_service_t *es_request_service(es_span_t service);
/* The service that requests of this kind go to; NULL: it is no request. Static. */
const es_request_service_t *es_request_service_for(uint32_t kind);
/* Live actors, of all services that get streams, that take more. */
size_t es_requests_none_taking(const es_registry_t *registry);

#endif
