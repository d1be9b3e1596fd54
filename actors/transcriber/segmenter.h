/* Cuts a stream of audio into segments of speech. Pure; the same samples give the same cuts, however they are chopped and on whatever machine
 * (integers only).
 *
 * The clock of a stream is divided into 20 ms frames on an absolute grid. Each frame's energy, mean removed, is compared with a noise floor
 * that follows minima fast and rises 1 dB a second (digital silence is no minimum: browsers and recordings begin with it):
 *
 *      energy   ____        ______    __                      |<- 500 ms ->|
 *           ___|    |______|      |__|  |_________________ ___ ___ ___ ___ |
 *                     ^ opened (5 frames)                                  ^ cut
 *         |<- 300 ms->|
 *         start, never before `said`
 *
 * A segment of 15 s is cut at the quietest 100 ms of its last 3 s and goes on. The state is a few numbers. They travel as a checkpoint, and a
 * successor that goes on from them cuts exactly alike.
 */
#ifndef ES_SEGMENTER_H
#define ES_SEGMENTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ES_SEG_RATE = 16000,   /* samples a second */
    ES_SEG_FRAME = 320,    /* samples of a frame: 20 ms */
    ES_SEG_ONSET = 5,      /* speech frames that open */
    ES_SEG_PREROLL = 4800, /* samples before them that belong to the segment: 300 ms */
    ES_SEG_SILENT = 25,    /* frames without speech that cut: 500 ms */
    ES_SEG_TAIL =
        1600, /* samples behind the last speech that are decoded: 100 ms; more silence makes more errors (measured) */
    ES_SEG_CAP = 15 * ES_SEG_RATE,                  /* samples of a segment */
    ES_SEG_REVIEW = 3 * ES_SEG_RATE / ES_SEG_FRAME, /* frames in which the cap looks for the quietest place: 3 s */
    ES_SEG_QUIET = 5,                               /* frames of such a place: 100 ms */
    ES_SEG_LEAD = ES_SEG_PREROLL + ES_SEG_ONSET * ES_SEG_FRAME, /* a segment never starts further back than this */
    ES_SEG_CHECKPOINT = 52                                      /* bytes of the encoded state */
};

typedef struct {
    uint64_t at;      /* position of the next sample */
    uint64_t said;    /* all before is in a segment, or known to be silence for good */
    uint64_t start;   /* of the open segment */
    bool open;        /* speech */
    uint32_t onset;   /* 0..ES_SEG_ONSET - 1, while not open */
    uint32_t silent;  /* frames since the last speech, while open */
    int32_t floor;    /* thousandths of a dB; negative: no frame was heard yet */
    uint32_t n;       /* samples of the unfinished frame; fewer than at % ES_SEG_FRAME where its head is not known */
    int32_t sum;      /* theirs */
    uint64_t squares; /* theirs */
    int32_t energies
        [ES_SEG_REVIEW]; /* of the last frames by their number; not in the checkpoint: no cut looks back beyond one */
} es_segmenter_t;

typedef struct {
    uint64_t start, end; /* samples; end is one past the last */
    uint64_t heard;      /* end of what is worth decoding: ES_SEG_TAIL behind the last speech, at most `end` */
} es_segment_cut_t;

typedef enum { ES_SEG_NOTHING, ES_SEG_OPENED, ES_SEG_CUT } es_segmenter_event_t;

/* A stream that begins at this position. */
void es_segmenter_init(es_segmenter_t *self, uint64_t pos);
/* Takes samples up to the end of the current frame, at most n, and says in *event what that led to (ES_SEG_CUT: *cut is set; after a cut
 * by the cap the segmenter is open again from cut->end on). Returns the number taken, at least 1 for n > 0. */
size_t es_segmenter_feed(es_segmenter_t *self, const int16_t *pcm, size_t n, es_segmenter_event_t *event,
                         es_segment_cut_t *cut);
/* In plain silence: what was heard until now is said, no pre-roll reaches back over it. false: there is, or may be, speech; nothing changes. */
bool es_segmenter_flush(es_segmenter_t *self);
/* Cuts an open segment here and now; `more`: and goes on with the next one. false: none was open. */
bool es_segmenter_close(es_segmenter_t *self, bool more, es_segment_cut_t *cut);
/* No segment, the open one included, starts before this position. */
uint64_t es_segmenter_needs(const es_segmenter_t *self);

/* The state in ES_SEG_CHECKPOINT bytes. Returns their number. */
size_t es_segmenter_encode(const es_segmenter_t *self, uint8_t out[ES_SEG_CHECKPOINT]);
/* Reads a checkpoint for a stream whose next audio begins at `pos`. It comes from the network: 0, or -1 where it is not one, is of another
 * version, or cannot belong to that position; *self is then unspecified. */
int es_segmenter_decode(es_segmenter_t *self, const void *data, size_t len, uint64_t pos);

#endif
