/* Where a stream goes on: what of it is committed, and what session.resume wants to know to go on there on another connection. Where a server could not
 * take the stream over, a new one begins at its 1 and at its 0 ms; the place adds what was before, so that frames and times stay on one clock. Pure. */
#ifndef ES_STREAM_PLACE_H
#define ES_STREAM_PLACE_H

#include "message.h"

#define ES_STREAM_CLOCK 16000u /* samples a second of positions, whatever the recording has */

typedef struct {
    char *token, *fresh;          /* of the session; of this connection's welcome; NULL before the first */
    char *stream;                 /* its name at the server, NULL where none was begun there */
    char *checkpoint;             /* NULL: none */
    uint64_t committed;           /* frames, from the recording's first */
    uint64_t position;            /* samples of the clock, of the recording */
    uint64_t base, base_position; /* where the server's stream begins in it */
} es_stream_place_t;

void es_stream_place_fini(es_stream_place_t *self);

/* The token of a welcome. */
void es_stream_place_welcome(es_stream_place_t *self, const char *token);
/* session.resumed. Where not ok, the server begins another stream with the next frame. */
void es_stream_place_resumed(es_stream_place_t *self, bool ok, const char *token);
/* audio.started: the stream's name. */
void es_stream_place_started(es_stream_place_t *self, const char *stream);
/* A message of the stream; its frames and times become those of the recording. False where it says again what is committed. */
bool es_stream_place_take(es_stream_place_t *self, es_message_t *message);
/* What asks a server to go on here, to be freed; NULL where there is nothing to go on with, so that a stream is to be started. */
char *es_stream_place_resume(const es_stream_place_t *self, uint64_t now_ms);
#endif
