/* The frames of a stream that are kept until their words are final: chunks of audio, and the end. They have the seq of the stream, 1, 2, 3 …; whatever connection there is takes them
 * from the oldest that is kept.
 *
 *     committed | sent on this connection | not sent on it yet
 *               ^ oldest kept             ^ next               ^ what add makes
 *
 * Pure. */
#ifndef ES_STREAM_KEEP_H
#define ES_STREAM_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct es_stream_keep es_stream_keep_t;

typedef struct {
    uint64_t seq;
    bool end;   /* of the stream; has no bytes */
    size_t len; /* bytes */
    const uint8_t *bytes;
} es_kept_t;

/* most: bytes that may be kept, with what it takes to keep them. Dies on lack of memory. */
es_stream_keep_t *es_stream_keep_new(size_t most);
void es_stream_keep_destroy(es_stream_keep_t **self_p);

/* May a chunk of so many bytes be added? One may always be where nothing is kept. */
bool es_stream_keep_room(const es_stream_keep_t *self, size_t len);
/* Adds a copy, whether or not there is room. Not after the end. */
void es_stream_keep_add(es_stream_keep_t *self, const void *data, size_t len);
void es_stream_keep_end(es_stream_keep_t *self);

/* The next frame for this connection, valid until it is committed; false where all are sent. */
bool es_stream_keep_next(const es_stream_keep_t *self, es_kept_t *out);
/* That one is sent. */
void es_stream_keep_sent(es_stream_keep_t *self);
/* Another connection: all that is kept is to be sent again. */
void es_stream_keep_rewind(es_stream_keep_t *self);

/* Forgets the frames up to seq. */
void es_stream_keep_commit(es_stream_keep_t *self, uint64_t seq);
/* The last that was forgotten. */
uint64_t es_stream_keep_committed(const es_stream_keep_t *self);
/* The last that was sent on this connection, or that needs no sending. */
uint64_t es_stream_keep_sent_seq(const es_stream_keep_t *self);
/* Is everything committed, the end as well? */
bool es_stream_keep_done(const es_stream_keep_t *self);
size_t es_stream_keep_bytes(const es_stream_keep_t *self);

#endif
