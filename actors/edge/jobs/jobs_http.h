/* Jobs and the house over HTTP (PROTOCOL.md, section 12), all but the upload: each request becomes questions to a jobs actor, and their answers its answer. */
#ifndef ES_JOBS_HTTP_H
#define ES_JOBS_HTTP_H

#include "client.h"
#include "http/http_router.h"

struct es_edge_jobs;

/* The context of the routes. */
typedef struct {
    struct es_edge_jobs *jobs;
    const es_client_env_t *env;
} es_jobs_http_t;

extern const es_http_route_t es_jobs_http_routes[];

#endif
