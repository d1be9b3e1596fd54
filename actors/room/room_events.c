#include "room_events.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { HEAD_MAX = 5 }; /* of the array */

typedef struct {
    es_room_event_t event;
    char text[]; /* what its spans point to */
} row_t;

static void own(es_span_t *span, char **at)
{
    if (span->len > 0) memcpy(*at, span->ptr, span->len);
    *span = es_span_of(*at, span->len);
    *at += span->len;
}

bool es_room_events_add(es_room_events_t *self, const es_room_event_t *event)
{
    size_t bound = es_room_event_bound(event);
    bool full = self->bytes + bound > ES_ROOM_MESSAGE_MAX - HEAD_MAX || self->rows.count >= ES_ROOM_ROWS_MAX;
    if (full && self->rows.count > 0) return false;
    row_t *row = es_alloc(sizeof *row + bound);
    row->event = *event;
    char *at = row->text;
    own(&row->event.member, &at);
    own(&row->event.name, &at);
    own(&row->event.text, &at);
    own(&row->event.msg_id, &at);
    own(&row->event.stream, &at);
    es_ring_push(&self->rows, row);
    self->bytes += bound;
    return true;
}

void *es_room_events_take(es_room_events_t *self, size_t *len)
{
    size_t n = self->rows.count, cap = self->bytes + HEAD_MAX;
    *len = 0;
    if (n == 0) return NULL;
    es_room_event_t *events = es_alloc(n * sizeof *events);
    for (size_t i = 0; i < n; i++) events[i] = ((const row_t *)es_ring_at(&self->rows, i))->event;
    char *body = es_alloc(cap);
    *len = es_room_events_encode(events, n, body, cap);
    assert(*len > 0); /* every text was checked on its way in */
    free(events);
    es_room_events_fini(self);
    return body;
}

void es_room_events_fini(es_room_events_t *self)
{
    row_t *row;
    while ((row = es_ring_pop(&self->rows))) free(row);
    es_ring_fini(&self->rows);
    self->bytes = 0;
}
