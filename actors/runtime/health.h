/* How each actor of this process is, as it says itself: late by how much, and why, in words. Health is lag, not liveness: an actor that turns but does
 * not keep up is not well, and one whose loop does not turn cannot say so, which is why its turns are counted as well.
 *
 *     actor's thread: es_health_open --> es_health_beat each turn, es_health_lag each second --> es_health_close
 *     any thread:     es_health_look
 *
 * A thread that has opened nothing may call all of it; nothing happens.
 */
#ifndef ES_HEALTH_H
#define ES_HEALTH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "metrics.h"

#define ES_HEALTH_ACTORS 192        /* of one process; more are not watched, and that is logged */
#define ES_HEALTH_TEXT 200          /* bytes of a reason, with its end */
#define ES_HEALTH_STUCK_US 5000000u /* a loop that has not turned for so long stands still */
#define ES_HEALTH_BEAT_US 1000000u  /* loops turn at least this often */

/* What an actor may be late with; the worst counts. */
typedef enum { ES_HEALTH_LINK, ES_HEALTH_WORK, ES_HEALTH_STORE, ES_HEALTH_PARTS } es_health_part_t;

/* The calling thread is the actor of that name from now on. */
void es_health_open(const char *name);
/* It has ended. */
void es_health_close(void);
/* Its loop turns. Costs next to nothing. */
void es_health_beat(uint64_t now_us);
/* So late is it with that, and why. Stands until it is said again; 0: it keeps up. */
void es_health_lag(es_health_part_t part, uint64_t lag_us, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* It does not take work, and why (copied); NULL: it does. */
void es_health_unready(const char *reason);
/* What it does, in a few words: "57 streams, 3 workers". */
void es_health_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Who is later than that is not well. Default 5 s. */
void es_health_limit(uint64_t lag_us);

typedef enum { ES_HEALTH_OK, ES_HEALTH_LATE, ES_HEALTH_STUCK } es_health_state_t;

typedef struct {
    es_health_state_t state;         /* of the worst actor */
    uint64_t lag_us;                 /* the longest; of STUCK: since when it has not turned */
    uint64_t beat_us;                /* age of the oldest beat */
    char reason[2 * ES_HEALTH_TEXT]; /* of LATE and STUCK */
    char unready[ES_HEALTH_TEXT];    /* why one of them takes no work; empty: all do, and there is one */
    char said[ES_HEALTH_TEXT];       /* what the first one does */
} es_health_t;

void es_health_look(es_health_t *out, uint64_t now_us);
/* "ok", "late", "stuck" */
const char *es_health_word(es_health_state_t state);
/* earshot_health_lag_seconds and earshot_loop_beat_age_seconds, as Prometheus text. */
void es_health_print(FILE *out, uint64_t now_us);

#endif
