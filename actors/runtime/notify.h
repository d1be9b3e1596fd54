/* What systemd is told (sd_notify(3)): that we serve, what we do, that the work loop turns. Where nobody asked to be told, nothing happens.
 *
 * Not by libsystemd, which reads the environment at each call: here it is read once and taken away, so that what an actor starts cannot speak for it.
 */
#ifndef ES_NOTIFY_H
#define ES_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* First thing in main, before threads: takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment. */
void es_notify_init(void);
/* Somebody listens. */
bool es_notify_wanted(void);
/* READY=1, once. */
void es_notify_ready(void);
/* STOPPING=1, once. */
void es_notify_stopping(void);
/* STATUS= from the actors' health, and WATCHDOG=1 where all their loops have turned lately. Returns the time of the next call, UINT64_MAX: none. */
uint64_t es_notify_tick(uint64_t now_us);

#endif
