/* Starts earshot-decode. */
#ifndef ES_DECODE_SPAWN_H
#define ES_DECODE_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

/* program: NULL: beside our own executable, else by PATH. Returns our end of its socket (SOCK_SEQPACKET, close-on-exec), or -1 with errno. The caller waits for *pid. */
int es_decode_spawn(const char *program, uint64_t memory_mib, pid_t *pid);

#endif
