/* How watched jobs look: on a terminal a line each, with a bar and the last words, drawn in place; elsewhere a line for each step. */
#ifndef ES_BATCH_BARS_H
#define ES_BATCH_BARS_H

#include <stdio.h>

#include "batch_board.h"

#define ES_BATCH_LINES_MAX 20u /* drawn; of more it is told how many */

typedef struct {
    FILE *out;
    bool in_place; /* out is a terminal */
    unsigned width;
    unsigned drawn; /* lines that are to be drawn over */
} es_batch_bars_t;

/* Something is new of this job. */
void es_batch_bars_news(es_batch_bars_t *self, es_batch_job_t *job);
/* Draws all anew; nothing where not in place. Those that run come first. */
void es_batch_bars_draw(es_batch_bars_t *self, const es_batch_board_t *board);
/* Takes what is drawn away, before something else is written. */
void es_batch_bars_clear(es_batch_bars_t *self);

#endif
