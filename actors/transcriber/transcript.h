/* One stream on its way from frames to finals: maps samples to seqs, collects segments, brings finals out in order. Pure; one thread.
 *
 *      frames -->  buffer  --segmenter-->  decided: [segment][silence][segment]...  --in order, when decoded-->  finals
 *                            Q = at          each with its cut C, the last seq that is whole before C,
 *                                            and the segmenter's state at the moment of the decision
 *
 * What a final covers and carries is settled when the cut is decided, never when the words come: decoding takes as long as it likes without a
 * trace in the result. A successor that begins at any final gets the frames after it (the first may reach back before C), puts what
 * lies before Q only into its buffer, analyses from Q on, and so says the same finals from there on.
 *
 * A cut in the middle of a frame leaves that frame to the next final. Where a cut completes no frame at all (several segments in one large
 * frame) its words wait and go with the next final.
 */
#ifndef ES_TRANSCRIPT_H
#define ES_TRANSCRIPT_H

#include "engine.h"
#include "stream_receiver.h"

/* Frames that a segment, or silence, may hold uncovered: half of what a sender retains. Smaller frames than any microphone's get there: the
 * segment is cut there and then. */
#define ES_TRANSCRIPT_FRAMES_MAX 8192u
/* Samples that may wait for their words. A sender retains less; beyond it segments fail unheard. */
#define ES_TRANSCRIPT_WAITING_MAX (UINT64_C(16) << 20)

typedef struct es_transcript es_transcript_t;

typedef struct {
    /* Decode these samples and call es_transcript_result with `id`, now or later. Valid during the call. */
    void (*segment)(void *ctx, uint64_t id, const int16_t *pcm, size_t samples);
    /* The next final. Valid during the call. */
    void (*final)(void *ctx, const es_final_t *final);
} es_transcript_ops_t;

/* A stream that begins after frame `base`, its next audio at `pos`, with the checkpoint of the final that committed base (or none). One that cannot be
 * used is passed over: *lost (may be NULL) tells. */
es_transcript_t *es_transcript_new(const es_transcript_ops_t *ops, void *ctx, uint64_t base, uint64_t pos,
                                   es_span_t checkpoint, bool *lost);
void es_transcript_destroy(es_transcript_t **self_p);

/* The next frame in order. Its audio follows the last one's. flags: ES_F_MARK, ES_F_EOS or 0; nothing may come after EOS. */
void es_transcript_frame(es_transcript_t *self, uint64_t seq, uint64_t flags, const void *pcm, size_t bytes);
/* The words of a segment, or why there are none. An id that is not waiting is ignored. */
void es_transcript_result(es_transcript_t *self, uint64_t id, const es_engine_result_t *result);

typedef struct {
    uint64_t start;     /* of the open segment, samples; also tells segments apart */
    uint64_t seq;       /* last frame taken */
    const int16_t *pcm; /* from start on */
    size_t samples;     /* heard so far */
} es_transcript_open_t;
/* The segment that is being spoken, for partials. false: none, or earlier words are still to come. Valid until the next frame. */
bool es_transcript_open(const es_transcript_t *self, es_transcript_open_t *out);
/* EOS was answered. */
bool es_transcript_done(const es_transcript_t *self);

#endif
