/* A line that is edited at the bottom of a terminal while other lines appear above it (prompt_view.h). The keys, the history and ~/.editrc are libedit's; this is the only file
 * pair that includes it. What libedit itself would show goes nowhere: it does not tell where its cursor is, and with wide characters at the margin it does not know.
 *
 * One thread. While a line is read the program runs inside `wait`.
 */
#ifndef ES_CHAT_TERMINAL_H
#define ES_CHAT_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

typedef struct es_chat_terminal es_chat_terminal_t;

/* Runs the program until the terminal has input (true) or no more lines are wanted (false). */
typedef bool es_chat_terminal_wait_t(void *ctx);

/* in and out: the terminal. Dies on lack of memory; NULL where the terminal cannot be used. */
es_chat_terminal_t *es_chat_terminal_new(FILE *in, FILE *out, const char *prompt, es_chat_terminal_wait_t *wait,
                                         void *ctx);
/* Takes the line off the screen and gives the terminal back as it was. */
void es_chat_terminal_destroy(es_chat_terminal_t **self_p);

/* Lets a line be edited. Valid until the next call; without its end; off the screen. NULL: Ctrl-D on an empty line, a hangup, or `wait` said so. */
const char *es_chat_terminal_read(es_chat_terminal_t *self);
/* There is nobody any more. */
bool es_chat_terminal_hung_up(const es_chat_terminal_t *self);
/* Draws what is not on the screen; to be called before the program waits. */
void es_chat_terminal_draw(es_chat_terminal_t *self);
/* Where to write whole lines. Ask again each time. */
FILE *es_chat_terminal_print(es_chat_terminal_t *self);
/* The status above the line: head, and of tail as much from its end as fits. */
void es_chat_terminal_status(es_chat_terminal_t *self, const char *head, const char *tail);
/* Empties the line. False where it was empty. */
bool es_chat_terminal_clear(es_chat_terminal_t *self);
/* The terminal has another size. */
void es_chat_terminal_resize(es_chat_terminal_t *self);
/* Around a stop of the process (Ctrl-Z): off the screen, as it was; and back. */
void es_chat_terminal_leave(es_chat_terminal_t *self);
void es_chat_terminal_return(es_chat_terminal_t *self);

#endif
