/* One broker an ipc endpoint: flock on <path>.lock, held as long as the process lives. The file stays; removing it would be a race. */
#ifndef ES_LOCK_H
#define ES_LOCK_H

/* base: "ipc:///run/x/broker". Returns a descriptor to close, -1 with a message logged (held by another; cannot be made), or -2 where the
 * endpoint needs none (another transport, or an abstract socket, which cannot be stolen). */
int es_lock_take(const char *base);

#endif
