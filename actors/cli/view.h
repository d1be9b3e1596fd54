/* How `earshot stream` shows what comes back.
 *
 *   terminal  partials in place, finals as lines
 *   pipe      only finals, one a line
 *   json      one line of JSON for each message
 *
 * Text of the server never reaches the terminal with control characters in it. Pure but for the FILEs.
 */
#ifndef ES_VIEW_H
#define ES_VIEW_H

#include <stdio.h>

#include "message.h"

typedef enum { ES_VIEW_TERMINAL, ES_VIEW_PIPE, ES_VIEW_JSON } es_view_mode_t;

typedef struct {
    FILE *out;
    FILE *save; /* finals go here too, or NULL */
    FILE *bar;  /* where the progress bar goes (a terminal), or NULL */
    es_view_mode_t mode;
    unsigned width; /* columns of the terminal */
    bool colour;
    bool in_place; /* the present line is provisional */
    int percent;   /* that the bar shows, -1: none yet */
} es_view_t;

void es_view_init(es_view_t *self, FILE *out, FILE *bar, es_view_mode_t mode, unsigned width, bool colour);
/* Shows a message. */
void es_view_message(es_view_t *self, const es_message_t *message);
/* Moves the bar: done of total units (total 0: not known), seconds of audio so far and since the start. */
void es_view_progress(es_view_t *self, uint64_t done, uint64_t total, double audio_s, double elapsed_s);
/* Takes what is provisional off the line, before something else is written to the terminal. */
void es_view_clear(es_view_t *self);

#endif
