/* The bottom of a terminal: a status and a line that somebody edits, drawn below what scrolls away.
 *
 *     (Bob (voice): one two thr)             the status: never wider than the terminal, absent where empty
 *     Ann> what I am typi_                   the line: a prompt and a text, in as many rows as it takes
 *
 * It is taken off the screen, other lines are written, and it is drawn again below them. Where each character comes to stand is decided here and not left to the terminal, so
 * that it is known how many rows there are to take off. A terminal that is made narrower or wider is taken to wrap anew what it shows, as most do.
 */
#ifndef ES_PROMPT_VIEW_H
#define ES_PROMPT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <wchar.h>

enum { ES_PROMPT_STATUS_MAX = 1024 };

typedef struct {
    wchar_t *text; /* owned */
    size_t len, cap, cursor;
} es_prompt_line_t;

typedef struct {
    FILE *out;
    unsigned columns;
    bool colour;
    wchar_t *prompt; /* owned */
    wchar_t status[ES_PROMPT_STATUS_MAX];
    es_prompt_line_t line, drawn; /* what is to be seen; what is */
    bool visible;
    bool status_visible;
    unsigned status_width;
} es_prompt_view_t;

/* The locale must be one of UTF-8. prompt and status: UTF-8. Dies on lack of memory. */
void es_prompt_view_init(es_prompt_view_t *self, FILE *out, unsigned columns, bool colour, const char *prompt);
void es_prompt_view_fini(es_prompt_view_t *self);
/* The status: head, and of tail as much from its end as fits. */
void es_prompt_view_status(es_prompt_view_t *self, const char *head, const char *tail);
/* The text of the line, with the cursor before character number `cursor`. */
void es_prompt_view_line(es_prompt_view_t *self, const wchar_t *text, size_t len, size_t cursor);
/* Makes the screen show the two. */
void es_prompt_view_draw(es_prompt_view_t *self);
/* Takes them off; the cursor is where they began, at the beginning of a row. */
void es_prompt_view_erase(es_prompt_view_t *self);
/* The terminal has so many columns now. */
void es_prompt_view_resize(es_prompt_view_t *self, unsigned columns);

#endif
