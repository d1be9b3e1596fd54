/* How an actor's function becomes a process: signals blocked in all threads and read by signalfd, a thread for the actor, a clean end.
 *
 *     int main(int argc, char **argv) { ...load config...; return es_runner_main("broker", es_broker_actor, &config, &config.common); }
 *
 * The actor function must: send a signal on `pipe` when it serves (zsock_signal(pipe, 0)), watch the pipe in its loop, and return after "$TERM" once it
 * has drained. `earshot up --threads` starts the same functions in one process.
 */
#ifndef ES_RUNNER_H
#define ES_RUNNER_H

#include <czmq.h>

#include "config.h"
#include "loop.h"

typedef void (*es_actor_fn)(zsock_t *pipe, void *args);

/* First thing in every main: keeps CZMQ's hands off signals, blocks SIGTERM, SIGINT, SIGHUP, ignores SIGPIPE, raises RLIMIT_NOFILE. */
void es_runner_prepare(void);
/* What the actor is sent for SIGHUP: read again what files tell. An actor that has nothing to read passes over it. */
#define ES_RUNNER_RELOAD "RELOAD"
/* SIGHUP means a wish to reload, unless it says that the terminal is gone which the process was started in: then it means the end, as always. es_runner_prepare looks
 * whether there is one. */
bool es_runner_hung_up(void);
/* timeout(1) and others send one wish to the process and to its group, so it arrives twice: a second signal within this time is the same one. */
#define ES_RUNNER_SAME_STOP_US 500000u
/* Logs, pid file DATA/run/NAME.pid (once the actor has started; it serves without one where that cannot be written), runs the actor until SIGTERM/SIGINT (then "$TERM" is sent; a second signal ends at once) or until it ends by itself. Returns
 * the exit status: 0 after a clean end, 1 where the actor could not start (es_runner_fail) or ended unasked. */
int es_runner_main(es_actor_fn actor, void *args, const es_common_config_t *common);
/* The actor could not start: say so in the log, then call this and return. The starter sees a failed start. */
void es_runner_fail(zsock_t *pipe);
typedef struct es_pipe_watch es_pipe_watch_t;
/* Watches `pipe` in a loop; on "$TERM" (or where the pipe dies) calls fn once (NULL: es_loop_stop). The watch is the loop's. */
es_pipe_watch_t *es_runner_watch_pipe(es_loop_t *loop, zsock_t *pipe, void (*fn)(void *ctx, uint64_t now_us),
                                      void *ctx);
/* The same as "$TERM", but asked by somebody else: `watch` is the es_pipe_watch_t. The starter takes the end that follows for a clean one. */
void es_runner_drain(void *watch, uint64_t now_us);
/* For an actor that watches its pipe by itself: tells its starter that the end that will follow is a clean one. */
void es_runner_leaving(zsock_t *pipe);
/* What the starter reads from the pipe then, before the last word. */
#define ES_RUNNER_LEAVING 2
/* Writes DATA/run/NAME.pid with `pid`, atomically. 0 or -1 (logged). */
int es_pidfile_write(const char *data, const char *name, int pid);
/* Removes it, unless it names another process that lives. */
void es_pidfile_remove(const char *data, const char *name);

#endif
