/* Which children have fallen silent. Pure: (event, now) -> answer; no process and no socket is touched here.
 *
 * A child is judged from its first word on: how long a start may take is the supervisor's affair. Who has not looked for a while itself (it was
 * stopped, or the machine slept) blames nobody: all have their whole patience anew.
 */
#ifndef ES_WATCHDOG_H
#define ES_WATCHDOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ES_WATCHDOG_AWAY_US UINT64_C(3000000) /* between two looks: it was us who stood still */

typedef struct es_watchdog es_watchdog_t;

/* `count` children, numbered from 0, of which none has said anything. Dies on lack of memory. */
es_watchdog_t *es_watchdog_new(size_t count, uint64_t patience_us);
void es_watchdog_destroy(es_watchdog_t **self_p);

/* Child turns. */
void es_watchdog_heard(es_watchdog_t *self, size_t child, uint64_t now_us);
/* Child begins anew, or is to end: it is not judged before its next word. */
void es_watchdog_forget(es_watchdog_t *self, size_t child);
/* To be called at least once a second, after what was heard. */
void es_watchdog_look(es_watchdog_t *self, uint64_t now_us);
/* As of the last look: it has spoken, and then said nothing for the whole patience. */
bool es_watchdog_silent(const es_watchdog_t *self, size_t child);

#endif
