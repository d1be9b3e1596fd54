/* A transcript as JSON, text, SubRip or WebVTT, in pieces. PROTOCOL.md, sections 11.2 and 12. Pure.
 *
 * Feed all segments of the job from the first on, whatever the cursor: cues are numbered and paragraphs are made from the beginning, only what lies after the cursor is
 * written. Pieces that follow one another by their cursors are one document, also where the job goes on meanwhile. */
#ifndef ES_TRANSCRIPT_FORMAT_H
#define ES_TRANSCRIPT_FORMAT_H

#include "job.h"

#define ES_TRANSCRIPT_PIECE 262144u /* bytes after which a piece ends */
#define ES_TRANSCRIPT_TEXT 524288u  /* bytes of the text of all; beyond it JSON has null: the segments hold it */
#define ES_CUE_LINE 42u             /* characters of a line */
#define ES_CUE_LINES 2u
#define ES_CUE_MS 7000u       /* the longest cue */
#define ES_PARAGRAPH_MS 2000u /* a pause that ends a paragraph */

typedef enum {
    ES_TRANSCRIPT_JSON,
    ES_TRANSCRIPT_PLAIN,
    ES_TRANSCRIPT_SRT,
    ES_TRANSCRIPT_VTT,
    ES_TRANSCRIPT_KINDS
} es_transcript_kind_t;

typedef struct es_transcript_format es_transcript_format_t;

/* "json", "text", "srt", "vtt", or -1. */
int es_transcript_kind_of(es_span_t name);
/* Content type. Static. */
const char *es_transcript_type(es_transcript_kind_t format);

/* cursor: 0, or what es_transcript_format_end gave. job is used during the call only. */
es_transcript_format_t *es_transcript_format_new(es_transcript_kind_t format, const es_job_t *job, uint64_t cursor);
void es_transcript_format_destroy(es_transcript_format_t **self_p);
/* The next segment, in order. False: the piece is full, or longer than it may be; give no more. */
bool es_transcript_format_add(es_transcript_format_t *self, const es_job_segment_t *segment);
/* After the last segment. Returns the cursor of the next piece, 0: this is the end. *body lives as long as self. */
uint64_t es_transcript_format_end(es_transcript_format_t *self, es_span_t *body);

#endif
