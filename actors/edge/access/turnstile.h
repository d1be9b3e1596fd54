/* The way in for whoever shows a token that is signed: to check a signature costs as much as a hundred frames, and strangers may ask for it. All wait here, first come first served; in each turn
 * of the loop so much of its time is theirs and no more. A crowd of them is a wait for them and for nobody else.
 *
 *     request or message with a signed token --> join ... turn --> pass: its signature is checked, what it asks for is done
 *
 * One thread. */
#ifndef ES_TURNSTILE_H
#define ES_TURNSTILE_H

#include <stdbool.h>
#include <stdint.h>

#define ES_TURNSTILE_US UINT64_C(4000) /* of a turn */

typedef struct es_turnstile_place es_turnstile_place_t;

/* All zero but `pass`: it does not wait. */
struct es_turnstile_place {
    void (*pass)(es_turnstile_place_t *self); /* it has left; it may join again, or be freed */
    es_turnstile_place_t *next;
    uint64_t joined; /* in which turn */
    bool waits;
};

/* All zero: nobody waits. */
typedef struct {
    es_turnstile_place_t *first, *last;
    uint64_t turns;
} es_turnstile_t;

/* At the end. Of one that waits: nothing happens. */
void es_turnstile_join(es_turnstile_t *self, es_turnstile_place_t *place);
/* Of one that does not wait: nothing happens. */
void es_turnstile_leave(es_turnstile_t *self, es_turnstile_place_t *place);
/* One turn: lets them pass until so much time is over, one at least, and those alone that wait now. clock: microseconds. Who is not passed in the first turn after it has joined is counted
 * (es_edge_tokens_late). */
void es_turnstile_turn(es_turnstile_t *self, uint64_t (*clock)(void));
static inline bool es_turnstile_waits(const es_turnstile_t *self)
{
    return self->first;
}

#endif
