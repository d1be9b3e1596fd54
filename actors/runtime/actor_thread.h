/* An actor's function in a thread of its own, which is over when its end was waited for. CZMQ's zactor knows when an actor has returned, not when its thread is gone; and
 * what libraries free when the process ends, such a thread may still be ending with.
 *
 *     starter: es_actor_thread_start --> words over the pipe --> es_actor_thread_end
 *
 * All of it is for the starter's thread, es_actor_thread_note_failed apart. */
#ifndef ES_ACTOR_THREAD_H
#define ES_ACTOR_THREAD_H

#include <czmq.h>

#include "runner.h"

typedef struct es_actor_thread es_actor_thread_t;

/* What fn signals as it returns, after whatever it signalled itself. */
#define ES_ACTOR_THREAD_ENDED 0

/* Starts fn(pipe, args), with its health told under `name` (both must live as long as the thread), and returns once it has signalled on its pipe that it serves or could
 * not start. NULL where there is no thread (errno says why). */
es_actor_thread_t *es_actor_thread_start(es_actor_fn fn, void *args, const char *name);
/* Could it not start? Its thread ends then by itself. */
bool es_actor_thread_failed(const es_actor_thread_t *self);
/* The starter's end of its pipe: what it signals comes here, what is sent here it reads. Lent. */
zsock_t *es_actor_thread_pipe(es_actor_thread_t *self);
/* How long one that has said its last word may take to return, where nothing else is to be done about it. */
#define ES_ACTOR_THREAD_WAIT_MS 5000
/* Sends "$TERM" and waits until it has returned and its thread is gone; then true, and *self is NULL. False after wait_ms in which it told nothing: it still runs, with
 * its arguments in use, and nothing is freed. */
bool es_actor_thread_end(es_actor_thread_t **self, int wait_ms);
/* In the actor's thread, before its first signal: it could not start. Elsewhere it does nothing. */
void es_actor_thread_note_failed(void);

#endif
