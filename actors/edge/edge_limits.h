/* The limits of the parts of an edge, as they are configured. */
#ifndef ES_EDGE_LIMITS_H
#define ES_EDGE_LIMITS_H

#include "client.h"
#include "edge_actor.h"
#include "jobs/uploads.h"
#include "server.h"

es_client_limits_t es_edge_client_limits(const es_edge_config_t *config);
es_server_limits_t es_edge_server_limits(const es_edge_config_t *config);
es_uploads_config_t es_edge_upload_limits(const es_edge_config_t *config);

#endif
