/* Notices that a directory of key files has changed: at once by inotify in the loop, and within half a second by a look at the path and at each *.pub, which finds what
 * inotify is silent about: another directory under the same path (where a parent was renamed, or is a link that leads elsewhere now), the target of a link that went or
 * changed, another machine that writes to a network's file system.
 *
 * One thread.
 */
#ifndef ES_KEY_WATCH_H
#define ES_KEY_WATCH_H

#include "loop.h"

typedef struct es_key_watch es_key_watch_t;

/* Calls fn where something in `dir` (copied) may have changed. NULL with a message logged where there is no inotify. */
es_key_watch_t *es_key_watch_new(const char *dir, void (*fn)(void *ctx, uint64_t now_us), void *ctx);
void es_key_watch_destroy(es_key_watch_t **self_p);
void es_key_watch_attach(es_key_watch_t *self, es_loop_t *loop);
/* Looks now, not at the loop's next turn: calls fn where something has changed since. For who is about to judge by what it has read. */
void es_key_watch_look(es_key_watch_t *self, uint64_t now_us);
/* What changed could not be read: fn is called again soon. */
void es_key_watch_again(es_key_watch_t *self, uint64_t now_us);

#endif
