/* Notices at once that a directory of key files has changed, by inotify in the loop. A directory that is not there is looked for each second.
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
