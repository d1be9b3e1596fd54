/* A terminal that shows a page, drawn anew as often as it changes, on the alternate screen: what was there before is there again afterwards. A page that is higher
 * than the terminal is moved by keys; a line that is wider is cut. Nothing in the page can steer the terminal. One thread. */
#ifndef ES_STATUS_SCREEN_H
#define ES_STATUS_SCREEN_H

#include <stdbool.h>
#include <stdio.h>
#include <termios.h>

typedef struct {
    FILE *out;
    int in;
    bool colour, shown;
    struct termios original;
    size_t top; /* first line of the page that is shown */
} es_status_screen_t;

typedef enum { ES_STATUS_KEY_NONE, ES_STATUS_KEY_MOVED, ES_STATUS_KEY_QUIT } es_status_key_t;

/* in and out: the terminal. -1 with errno where it is none. */
int es_status_screen_open(es_status_screen_t *self, int in, FILE *out);
/* Shows the page, and foot in the last row. -1: nobody sees it any more. */
int es_status_screen_draw(es_status_screen_t *self, const char *page, const char *foot);
/* Takes what was typed. MOVED: draw again. */
es_status_key_t es_status_screen_keys(es_status_screen_t *self);
/* Gives the terminal back as it was; a second call does nothing. es_status_screen_resume takes it again. */
void es_status_screen_close(es_status_screen_t *self);
void es_status_screen_resume(es_status_screen_t *self);

#endif
