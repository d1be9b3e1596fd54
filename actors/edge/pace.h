/* How fast one client may speak: so many messages and so many bytes a second, and a second's worth of both at once. Pure; time comes in.
 *
 *     spend --> paid for in advance? --> read on
 *                    '--- no --> held: its socket is not read until what it sent is paid for --> patience is over: a flood
 *
 * Who is held sends into TCP's buffers and slows down by itself, which costs nobody anything: only who goes on so for `patience_us` without having stopped for
 * half a second's worth is a flood. */
#ifndef ES_PACE_H
#define ES_PACE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t messages, bytes; /* a second; 0: any number */
    uint64_t patience_us;
} es_pace_limits_t;

/* All zero: nothing was sent yet. */
typedef struct {
    uint64_t messages_ns, bytes_ns; /* up to when what was sent is paid for */
    uint64_t until_us;              /* held until then */
    uint64_t since_us;              /* held since then, pauses not counted; 0: not */
} es_pace_t;

/* So much has come. True: it is held from now on and was not before. */
bool es_pace_spend(es_pace_t *self, const es_pace_limits_t *limits, uint64_t messages, uint64_t bytes, uint64_t now_us);
static inline bool es_pace_held(const es_pace_t *self, uint64_t now_us)
{
    return now_us < self->until_us;
}
/* Has it been held for longer than its patience, or would it be? */
bool es_pace_is_flood(const es_pace_t *self, const es_pace_limits_t *limits, uint64_t now_us);

#endif
