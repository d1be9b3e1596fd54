/* The process that decodes files: foreign bytes meet code here that is known for its holes, so it has nothing but the file that it is given and the socket that it
 * answers on. Serves one file after another until the socket ends. */
#ifndef ES_DECODE_CHILD_H
#define ES_DECODE_CHILD_H

#include <stdint.h>

/* fd: of a SOCK_SEQPACKET pair. memory: bytes of address space that it may use; 0: no bound. Ends the process. */
_Noreturn void es_decode_child_run(int fd, uint64_t memory);

#endif
