/* The room actor: configuration, store, rooms, link and loop. */
#ifndef ES_ROOM_ACTOR_H
#define ES_ROOM_ACTOR_H

#include <czmq.h>

#include "config.h"
#include "metrics.h"

typedef struct {
    es_common_config_t common;
    uint64_t grace_us;    /* a member that is away leaves after it */
    uint64_t silence_us;  /* an edge that says nothing for so long has its members away */
    uint64_t history;     /* events kept of a room */
    uint64_t age_us;      /* events older than this are given up */
    uint64_t max_rooms;   /* open at once */
    uint64_t max_members; /* of a room */
    uint64_t max_text;    /* bytes of a message */
    uint64_t dedup_us;    /* a message is known by its msg_id for so long */
} es_room_config_t;

extern const es_option_t *const es_room_option_tables[];
extern const es_config_about_t es_room_about;

/* Loads and checks; makes the data directory. Call es_room_config_fini after every result. */
es_config_result_t es_room_config_load(es_room_config_t *config, int argc, char **argv);
void es_room_config_fini(es_room_config_t *config);

/* args: es_room_config_t, owned by the caller. Opens rooms.db in --data; several actors may share it. Signals the pipe when it serves. On "$TERM" it lets other
 * actors have the rooms, serves what is on its way, stores, says GOODBYE and returns. */
void es_room_actor(zsock_t *pipe, void *args);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_room_metrics(void);

#endif
