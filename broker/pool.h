/* The pool: services, their workers and how full those are. Half of placement, which alone uses it. Pure; one thread. */
#ifndef ES_POOL_H
#define ES_POOL_H

#include "waiting.h"

struct es_placed; /* a stream, known to placement.c */

typedef struct es_service {
    LIST_ENTRY(es_service) link;
    size_t workers;
    es_waiting_t queue;
    char name[ES_NAME_MAX];
    size_t len;
} es_service_t;

typedef struct es_pool_worker {
    LIST_ENTRY(es_pool_worker) link;
    uint64_t inc;
    es_service_t *service;
    uint64_t capacity; /* 0: drains */
    size_t placed;     /* streams placed by us */
    uint64_t foreign;  /* and by other brokers, as of its last figures */
    size_t learned;    /* of `placed`: known from its HELLOs alone */
    uint64_t hellos;   /* number of the last one */
    LIST_HEAD(, es_placed) streams;
    const struct es_placed *suspect; /* of its streams, or NULL */
    uint64_t cleared_us;             /* when it is none any more */
} es_pool_worker_t;

typedef struct {
    LIST_HEAD(, es_service) services;
    LIST_HEAD(, es_pool_worker) workers;
    size_t service_count, served_count; /* services; of them, those that somebody serves */
    size_t worker_count, max_services, max_workers;
} es_pool_t;

void es_pool_init(es_pool_t *self, size_t max_services, size_t max_workers);
es_service_t *es_pool_service(const es_pool_t *self, es_span_t name);
/* Of a stream. Makes it where it is not there. NULL where max_services are waited for that nobody serves, or the name is empty or too long. */
es_service_t *es_pool_need_service(es_pool_t *self, es_span_t name);
/* Frees a service that nobody serves and nobody waits for; otherwise does nothing. */
void es_pool_release_service(es_pool_t *self, es_service_t *service);

es_pool_worker_t *es_pool_worker(const es_pool_t *self, uint64_t inc);
/* Adds a worker or changes its service and capacity. NULL where there are max_workers, max_services have workers, or the name is empty or too long: what is waited
 * for keeps no worker out. */
es_pool_worker_t *es_pool_worker_up(es_pool_t *self, uint64_t inc, es_span_t service, uint64_t capacity);
/* Frees it; its streams are gone already (asserted). */
void es_pool_worker_down(es_pool_t *self, es_pool_worker_t *worker);

/* Free places of a service (NULL: of all), at most `limit`. */
size_t es_pool_free(const es_pool_t *self, const es_service_t *service, size_t limit);
/* The same less `reserve` places of each worker. */
size_t es_pool_free_beyond(const es_pool_t *self, const es_service_t *service, uint64_t reserve, size_t limit);

typedef struct {
    uint64_t reserve;  /* so many places of the worker stay free */
    uint64_t clean_us; /* not 0: only one that has no suspect at that time */
} es_pool_want_t;
/* The worker with the smallest share of its places taken, among equals the one with most places free, that is as wanted (NULL: any). NULL: none has room. */
es_pool_worker_t *es_pool_pick(const es_pool_t *self, const es_service_t *service, const es_pool_want_t *want);

#endif
