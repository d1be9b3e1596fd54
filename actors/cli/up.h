/* `earshot up` at work: what processes and threads have in common. */
#ifndef ES_UP_H
#define ES_UP_H

#include "log_mux.h"
#include "loop.h"
#include "metrics_server.h"
#include "supervisor.h"
#include "up_plan.h"
#include "watch.h"

typedef struct es_up es_up_t;

/* How actors are started and ended: as processes (up_process.c) or as threads (up_thread.c). */
typedef struct {
    es_supervisor_ops_t ops; /* ctx: es_up_t */
    /* Before anything is started. 0, or -1 with a message printed. */
    int (*open)(es_up_t *up);
    /* Ask a child that runs to read its files anew. */
    void (*reload)(es_up_t *up, size_t child);
    /* A child may have ended: find out, call es_up_ended. */
    void (*reap)(es_up_t *up, uint64_t now_us);
    /* End children that stand still. Called once a turn; NULL: it cannot. */
    void (*watch)(es_up_t *up, uint64_t now_us);
    void (*close)(es_up_t *up);
} es_up_backend_t;

extern const es_up_backend_t es_up_processes, es_up_threads;

/* What a broker's beacons say. */
typedef struct {
    char name[32];     /* of the broker; empty: not heard yet */
    size_t registered; /* of our actors that serve */
} es_up_house_t;

struct es_up {
    const es_up_config_t *config;
    const es_up_backend_t *backend;
    void *state; /* the backend's */
    es_up_plan_t plan;
    const char *bases; /* of the brokers, with commas */
    es_loop_t *loop;
    es_supervisor_t *supervisor;
    es_log_mux_t *mux;
    size_t mux_self; /* our own source; plan.actors[i] is source i */
    es_watch_t *watch;
    int signals;
    es_metrics_server_t *metrics; /* of --threads; NULL: none */
    uint64_t stop_us;             /* of the last signal to stop */
    /* readiness */
    bool ready;
    size_t brokers; /* that must know all our actors before we are ready */
    es_up_house_t houses[ES_UP_BROKERS_MAX];
    uint64_t look_us, remind_us;
};

/* A line of our own. */
void es_up_say(es_up_t *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Child has ended; why in words. */
void es_up_ended(es_up_t *self, size_t child, const char *why, bool hopeless, uint64_t now_us);

/* Runs until everything is stopped. Exit status. */
int es_up_run(const es_up_config_t *config, const es_up_backend_t *backend, bool own_broker, const char *bases);

/* readiness.c: prints `ready http://HOST:PORT`, one address for each edge, once the edges say so and all actors that serve are registered with the
 * brokers, and where the dashboard is. Returns the time of the next look. */
uint64_t es_up_look(es_up_t *self, uint64_t now_us);
void es_up_on_beacon(void *ctx, const char *key, json_t *house);

#endif
