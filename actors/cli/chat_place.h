/* How far a member has read in a room's log. Events are numbered; each is to be shown once and in order, through every reconnect, and what never came is to be told.
 * Pure. */
#ifndef ES_CHAT_PLACE_H
#define ES_CHAT_PLACE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *log;       /* which log, NULL before the first entry */
    uint64_t last;   /* number of the last event that came */
    uint64_t oldest; /* of the oldest that came */
    uint64_t entry;  /* of the last event when the room was entered: up to there it is history */
} es_chat_place_t;

typedef struct {
    uint64_t from, to; /* from > to: none */
} es_chat_gap_t;

typedef enum {
    ES_CHAT_FIRST,    /* never been there before */
    ES_CHAT_GOES_ON,  /* the same log; *gap tells what of it will not come */
    ES_CHAT_OTHER_LOG /* numbers begin anew */
} es_chat_entry_t;

void es_chat_place_fini(es_chat_place_t *self);
/* The answer to room.join: the room's log, the number of its last event, the first that will come. */
es_chat_entry_t es_chat_place_enter(es_chat_place_t *self, const char *log, uint64_t rseq, uint64_t from,
                                    es_chat_gap_t *gap);
/* Is event `rseq` to be shown? *gap: what should have come before it. */
bool es_chat_place_take(es_chat_place_t *self, uint64_t rseq, es_chat_gap_t *gap);
/* The server says that nothing up to `to` will come. *gap: what of it is news. */
void es_chat_place_skip(es_chat_place_t *self, uint64_t to, es_chat_gap_t *gap);
/* Has the history come that was there on entry? */
bool es_chat_place_caught_up(const es_chat_place_t *self);

#endif
