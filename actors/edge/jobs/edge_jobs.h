/* What the edge has of jobs and of the house: questions, watches, the operator's token, figures; and the routes over them. One thread. */
#ifndef ES_EDGE_JOBS_H
#define ES_EDGE_JOBS_H

#include <sys/queue.h>

#include "access/operator.h"
#include "client.h"
#include "edge_actor.h"
#include "http/http_router.h"
#include "job_watch.h"

typedef struct es_edge_jobs es_edge_jobs_t;

/* A client that watches. */
typedef struct es_viewer {
    es_client_t *client;
    es_job_watcher_t *jobs;
    bool of_house;
    LIST_ENTRY(es_viewer) in_house;
} es_viewer_t;

typedef struct {
    void *ctx;
    /* To a jobs actor; may be lost. */
    void (*send)(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
    /* Hear this topic, or no more. */
    void (*subscribe)(void *ctx, es_span_t key, bool on);
} es_edge_jobs_ops_t;

/* config, env (for the time) and own_key (es_sender_link_key) outlive it. NULL with a sentence in err. */
es_edge_jobs_t *es_edge_jobs_new(const es_edge_config_t *config, const es_edge_jobs_ops_t *ops,
                                 const es_client_env_t *env, const char *own_key, char *err, size_t err_len);
/* All clients and exchanges are over. */
void es_edge_jobs_destroy(es_edge_jobs_t **self_p);
void es_edge_jobs_add_routes(es_edge_jobs_t *self, es_http_router_t *router);
/* The edge listens at url. Logs where the dashboard is: with the token only where no other machine can get there. */
void es_edge_jobs_listening(const es_edge_jobs_t *self, const char *url);

/* A BEACON. */
void es_edge_jobs_beacon(es_edge_jobs_t *self, es_span_t key, es_span_t body);
/* True: it was a message of jobs, and is dealt with. */
bool es_edge_jobs_message(es_edge_jobs_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
/* Returns the time of the next call. */
uint64_t es_edge_jobs_turn(es_edge_jobs_t *self);

es_asks_t *es_edge_jobs_asks(es_edge_jobs_t *self);
es_job_watch_t *es_edge_jobs_watch(es_edge_jobs_t *self);
const es_operator_t *es_edge_jobs_operator(const es_edge_jobs_t *self);
/* This viewer wants the state of the house, now and each second, or no more. */
void es_edge_jobs_view(es_edge_jobs_t *self, es_viewer_t *viewer, bool on);
/* The house as JSON, to be freed with free(3). */
char *es_edge_jobs_house(const es_edge_jobs_t *self, bool history, size_t *len);

#endif
