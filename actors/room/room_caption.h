/* What of a caption is new. After a resume a speaker's audio is transcribed again from its last commit, and an engine may cut it elsewhere: what lies before
 * the end of the stream's last caption was said already. Pure. For room*.c only. */
#ifndef ES_ROOM_CAPTION_H
#define ES_ROOM_CAPTION_H

#include "catalogue.h"

#define ES_ROOM_WORDS_MAX (ES_TEXT_MAX / 2) /* as many as a text can hold */

typedef struct {
    es_span_t text;
    uint64_t start, end; /* samples */
} es_room_caption_t;

/* Cuts off the words whose middle lies before `until`, which is above caption->start. words: those of the body; n 0: there are none, and the text's own are taken to be
 * spread evenly. The new text is in `out`; empty: nothing is left. */
void es_room_caption_cut(es_room_caption_t *caption, const es_word_t *words, size_t n, uint64_t until,
                         char out[ES_TEXT_MAX]);

#endif
