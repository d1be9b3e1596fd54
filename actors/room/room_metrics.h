/* The room actor's figures. Every limit has a counter here. */
#ifndef ES_ROOM_METRICS_H
#define ES_ROOM_METRICS_H

#include "metrics.h"
#include "rooms.h"

/* What the parts of one actor have counted. */
typedef struct {
    es_room_stats_t room;
    es_room_store_stats_t store;
    es_rooms_stats_t rooms;
} es_room_figures_t;

/* Adds to the process's metrics what has changed since *told, which becomes *now. Both begin all zero. */
void es_room_metrics_tell(es_room_figures_t *told, const es_room_figures_t *now);
es_metric_t *const *es_room_metrics(void);

#endif
