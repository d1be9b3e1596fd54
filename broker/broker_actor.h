/* The broker as an actor: configuration, hub and loop. */
#ifndef ES_BROKER_ACTOR_H
#define ES_BROKER_ACTOR_H

#include <czmq.h>

#include "config.h"

typedef struct {
    es_common_config_t common;
    char *tcp;
    uint64_t heartbeat_us, tick_us;
    uint64_t max_streams, max_waiting, max_workers, max_services;
    uint64_t stream_idle_us, wait_expiry_us, quarantine, suspect, suspect_time_us, settle_us, learn_us;
    uint64_t live_reserve;
    uint64_t queue, max_connections;
    uint64_t dead_max, dead_bytes;
} es_broker_config_t;

extern const es_option_t *const es_broker_option_tables[];
extern const es_config_about_t es_broker_about;

/* Loads and checks; makes the data directory. Call es_broker_config_fini after every result. */
es_config_result_t es_broker_config_load(es_broker_config_t *config, int argc, char **argv);
void es_broker_config_fini(es_broker_config_t *config);
/* Takes up the key with which this process serves tcp (es_curve_init), once, before its threads. 0, or -1 with a sentence on stderr. */
int es_broker_identity(const es_broker_config_t *config);

/* args: es_broker_config_t, owned by the caller. Signals the pipe when the sockets are bound; fails the start where they cannot be. On "$TERM"
 * forwards what waits and returns. */
void es_broker_actor(zsock_t *pipe, void *args);

#endif
