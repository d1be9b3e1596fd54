/* An edge at work: the server in front, the link behind, the clients between. One thread. */
#ifndef ES_EDGE_STATE_H
#define ES_EDGE_STATE_H

#include "access/access.h"
#include "clients.h"
#include "crowd.h"
#include "edge_actor.h"
#include "edge_loop.h"
#include "http/edge_http.h"
#include "jobs/uploads.h"
#include "sender_link.h"
#include "server.h"

typedef struct es_edge es_edge_t;

struct es_edge {
    const es_edge_config_t *config;
    zsock_t *pipe;
    es_edge_loop_t *loop;
    es_server_t *server;
    es_sender_link_t *link;
    es_client_env_t env;
    es_clients_t clients;
    es_crowd_t crowd;
    es_access_t access;
    es_edge_http_t *http;
    es_uploads_t *uploads;
    char prefix[ES_PREFIX_LEN + 1];
    bool draining, asked, banned;               /* banned: no broker lets us in any more */
    uint64_t drain_until, part_at, next_second; /* part_at: who was asked to go elsewhere has had its time; 0: done */
    unsigned work;
    uint64_t oldest_us; /* push time of the oldest frame not taken, as far as looked */
};

/* edge_parts.c: what clients, rooms, jobs and uploads are given of the rest, and their start in this order. 0, or -1 with a message logged. */
void es_edge_settle_env(es_edge_t *self);
int es_edge_start_rooms(es_edge_t *self); /* the link is there */
int es_edge_start_jobs(es_edge_t *self);
int es_edge_start_access(es_edge_t *self);
void es_edge_start_uploads(es_edge_t *self); /* the HTTP front is there */

#endif
