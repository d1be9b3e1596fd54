/* What wakes a command that waits: its input, and signals that are wishes of the user. One descriptor stands for all of it. Linux. */
#ifndef ES_WAKE_H
#define ES_WAKE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ES_WAKE_INPUT = 1,     /* can be read without blocking, or is at its end */
    ES_WAKE_INTERRUPT = 2, /* SIGINT */
    ES_WAKE_END = 4,       /* SIGTERM, SIGHUP */
    ES_WAKE_RESIZE = 8,    /* SIGWINCH */
    ES_WAKE_STOP = 16      /* SIGTSTP */
};

typedef struct {
    int input, signals, epoll;
    bool is_file; /* always readable; epoll does not take it */
    bool wanted;
} es_wake_t;

/* Blocks SIGINT, SIGTERM and SIGHUP, and where the command owns a terminal SIGWINCH and SIGTSTP as well; they come through `look`. Dies where the
 * system has no descriptor left. */
void es_wake_init(es_wake_t *self, int input, bool terminal);
void es_wake_fini(es_wake_t *self);
/* Is the input of interest now? Not at first. */
void es_wake_want_input(es_wake_t *self, bool wanted);
/* Readable when `look` would find something; but not for a file, which is always readable. */
int es_wake_fd(const es_wake_t *self);
/* Waits at most so long until `look` would find something. */
void es_wake_wait(const es_wake_t *self, uint64_t timeout_us);
/* What there is, without waiting; signals are taken by this. */
unsigned es_wake_look(es_wake_t *self);

#endif
