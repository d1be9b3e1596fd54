/* What somebody may do at an edge, and how it is called in tokens and lists of keys. Pure. */
#ifndef ES_RIGHT_H
#define ES_RIGHT_H

#include "envelope.h"

typedef enum {
    ES_RIGHT_STREAM = 1u, /* audio in, words out */
    ES_RIGHT_ROOM_JOIN = 2u,
    ES_RIGHT_ROOM_SAY = 4u,   /* say, and speak into (captions) */
    ES_RIGHT_JOBS = 8u,       /* upload, see and change one's own jobs; with DASHBOARD all */
    ES_RIGHT_DASHBOARD = 16u, /* the house and all jobs, to look at; metrics */
    ES_RIGHT_ADMIN = 32u,     /* everything, in every room */
    ES_RIGHTS_ALL = 63u
} es_right_t;

/* "room.join". NULL where it is not one right. */
const char *es_right_name(es_right_t right);
/* The right of this name; 0: none. */
unsigned es_right_named(es_span_t name);
/* All names, for people: "stream, room.join, ... and admin". */
const char *es_right_names(void);

#endif
