/* The process that decodes files: foreign bytes meet code here that is known for its holes, so it has nothing but the file that it is given and the socket that it
 * answers on. Serves one file after another until the socket ends. */
#ifndef ES_DECODE_CHILD_H
#define ES_DECODE_CHILD_H

#include <stdint.h>

typedef struct {
    uint64_t memory; /* bytes of address space; 0: no bound */
} es_decode_limits_t;

/* fd: of a SOCK_SEQPACKET pair. Ends the process. */
_Noreturn void es_decode_child_run(int fd, const es_decode_limits_t *limits);

#endif
