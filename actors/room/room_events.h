/* Events gathered for one message: copies, bounded by what one message may hold. For room*.c only. */
#ifndef ES_ROOM_EVENTS_H
#define ES_ROOM_EVENTS_H

#include "ring.h"
#include "room.h"

/* All zero is empty; no memory while it is. */
typedef struct {
    es_ring_t rows;
    size_t bytes; /* that they take at most, encoded */
} es_room_events_t;

/* Appends a copy. False where it does not fit any more: an empty list takes any event. */
bool es_room_events_add(es_room_events_t *self, const es_room_event_t *event);
/* The body that lists them, from malloc; NULL and 0 where there are none. The list is empty then. */
void *es_room_events_take(es_room_events_t *self, size_t *len);
/* Drops what was gathered. */
void es_room_events_fini(es_room_events_t *self);

#endif
