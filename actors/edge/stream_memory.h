/* What the streams of all clients hold in memory, and which of them may hold more. Pure.
 *
 *      backlog < 1 MiB   -->  more: a stream that waited for the end of a sentence that it may not send would wait for ever
 *      < its share and all hold < `limit`  -->  more
 *      else              -->  its client is read no faster
 *
 * A share is `limit` by the number of streams. That alone would not do: who comes first has the share of few, and those that come later theirs besides. So all
 * hold at most `limit`, and a MiB of audio for each stream beyond it; a client's message that has not come whole, and its chunk that waits, count among them, but cannot
 * be refused. */
#ifndef ES_STREAM_MEMORY_H
#define ES_STREAM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Twice the longest segment of an engine, 15 s. */
#define ES_STREAM_BACKLOG_MIN 1048576u

typedef struct {
    uint64_t limit; /* bytes; 0: any number */
    uint64_t held;  /* bytes, by all */
    uint64_t streams;
} es_stream_memory_t;

/* A client that held *mine holds so much now. */
static inline void es_stream_memory_count(es_stream_memory_t *self, uint32_t *mine, size_t now)
{
    self->held += now;
    self->held -= *mine;
    *mine = (uint32_t)now;
}

/* May a stream with this backlog (es_sender_backlog) hold no more? */
static inline bool es_stream_memory_spent(const es_stream_memory_t *self, size_t backlog)
{
    if (backlog < ES_STREAM_BACKLOG_MIN || !self->limit) return false;
    return self->held >= self->limit || backlog >= self->limit / (self->streams ? self->streams : 1);
}

#endif
