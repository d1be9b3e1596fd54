#include "stream_keep.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "ring.h"

typedef struct {
    bool end;
    size_t len;
    uint8_t bytes[];
} frame_t;

struct es_stream_keep {
    es_ring_t frames;
    size_t most, bytes;
    uint64_t committed;
    uint32_t sent; /* of the frames in the ring */
    bool ended;
};

es_stream_keep_t *es_stream_keep_new(size_t most)
{
    es_stream_keep_t *self = es_alloc_zero(sizeof *self);
    self->most = most;
    return self;
}

void es_stream_keep_destroy(es_stream_keep_t **self_p)
{
    es_stream_keep_t *self = *self_p;
    if (!self) return;
    for (frame_t *frame; (frame = es_ring_pop(&self->frames));) free(frame);
    es_ring_fini(&self->frames);
    free(self);
    *self_p = NULL;
}

bool es_stream_keep_room(const es_stream_keep_t *self, size_t len)
{
    return self->bytes == 0 || self->bytes + sizeof(frame_t) + len <= self->most;
}

static void push(es_stream_keep_t *self, bool end, const void *data, size_t len)
{
    assert(!self->ended);
    frame_t *frame = es_alloc(sizeof *frame + len);
    frame->end = self->ended = end;
    frame->len = len;
    if (len) memcpy(frame->bytes, data, len);
    es_ring_push(&self->frames, frame);
    self->bytes += sizeof *frame + len;
}

void es_stream_keep_add(es_stream_keep_t *self, const void *data, size_t len)
{
    push(self, false, data, len);
}

void es_stream_keep_end(es_stream_keep_t *self)
{
    push(self, true, NULL, 0);
}

bool es_stream_keep_next(const es_stream_keep_t *self, es_kept_t *out)
{
    const frame_t *frame = es_ring_at(&self->frames, self->sent);
    if (!frame) return false;
    *out = (es_kept_t){
        .seq = self->committed + self->sent + 1, .end = frame->end, .len = frame->len, .bytes = frame->bytes};
    return true;
}

void es_stream_keep_sent(es_stream_keep_t *self)
{
    assert(self->sent < self->frames.count);
    self->sent++;
}

void es_stream_keep_rewind(es_stream_keep_t *self)
{
    self->sent = 0;
}

void es_stream_keep_commit(es_stream_keep_t *self, uint64_t seq)
{
    while (self->committed < seq && self->frames.count) {
        frame_t *frame = es_ring_pop(&self->frames);
        self->bytes -= sizeof *frame + frame->len;
        self->committed++;
        if (self->sent) self->sent--;
        free(frame);
    }
}

uint64_t es_stream_keep_committed(const es_stream_keep_t *self)
{
    return self->committed;
}

uint64_t es_stream_keep_sent_seq(const es_stream_keep_t *self)
{
    return self->committed + self->sent;
}

bool es_stream_keep_done(const es_stream_keep_t *self)
{
    return self->ended && self->frames.count == 0;
}

size_t es_stream_keep_bytes(const es_stream_keep_t *self)
{
    return self->bytes;
}
