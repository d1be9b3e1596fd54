#include "requests.h"

#include <string.h>

#include "broker_metrics.h"
#include "job_wire.h"
#include "room_wire.h"

static bool is_about_jobs(uint32_t kind)
{
    return kind == ES_JOB_ASK;
}

static bool jobs_subject(es_span_t key, es_span_t *id)
{
    size_t topic = strlen(ES_JOBS_TOPIC);
    *id = key;
    return key.len > topic && memcmp(key.ptr, ES_JOBS_TOPIC, topic) == 0;
}

static const es_request_service_t services[] = {
    {ES_ROOM_SERVICE, es_room_is_request, es_room_of_key, &es_broker_no_room_total},
    {ES_JOBS_SERVICE, is_about_jobs, jobs_subject, &es_broker_no_jobs_total}};
enum { SERVICES = sizeof services / sizeof services[0] };

const es_request_service_t *es_request_service(es_span_t service)
{
    for (size_t i = 0; i < SERVICES; i++)
        if (es_span_eq(service, es_span(services[i].service))) return &services[i];
    return NULL;
}

const es_request_service_t *es_request_service_for(uint32_t kind)
{
    for (size_t i = 0; i < SERVICES; i++)
        if (services[i].is_request(kind)) return &services[i];
    return NULL;
}

size_t es_requests_none_taking(const es_registry_t *registry)
{
    size_t n = es_registry_taking(registry, es_span(NULL));
    for (size_t i = 0; i < SERVICES; i++) n -= es_registry_taking(registry, es_span(services[i].service));
    return n;
}
