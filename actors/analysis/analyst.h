/* Analyses in a thread of their own: a transcript of a day takes longer than a heartbeat may. One at a time, in the order of coming.
 *
 *      loop: give --> [queue] --> thread: parse, analyse --> [done] --> loop: done(report)
 */
#ifndef ES_ANALYST_H
#define ES_ANALYST_H

#include <jansson.h>

#include "loop.h"

typedef struct es_analyst es_analyst_t;

typedef struct {
    json_t *analysis; /* NULL: the document is damaged; owned by who is told */
    char *
        transcript; /* at most the asked number of bytes of the text; owned by who is told; NULL where none was asked for */
    size_t transcript_bytes; /* of all of it */
    char language[65];       /* of the recording; empty: not known */
    char reason[256];        /* why there is no analysis */
} es_report_t;

/* In the loop's thread, once for each document that was not given up. */
typedef void (*es_analyst_done_fn)(void *ctx, const es_report_t *report);

/* max_chars: bytes of the text that are wanted; 0: none. Dies where no thread can be had. */
es_analyst_t *es_analyst_new(es_loop_t *loop, size_t max_chars);
/* Waits for the analysis that is under way. */
void es_analyst_destroy(es_analyst_t **self_p);
/* Takes `document` (from malloc) over. The number is for es_analyst_forget, never 0. */
uint64_t es_analyst_give(es_analyst_t *self, char *document, size_t len, es_analyst_done_fn done, void *ctx);
/* When the first of those that wait for the thread came; 0: none waits. */
uint64_t es_analyst_oldest(es_analyst_t *self, size_t *waiting);
/* Gives a document up: nobody is told. */
void es_analyst_forget(es_analyst_t *self, uint64_t number);

#endif
