/* Takes from a process all that decoding does not need: other files, the network, other processes, more memory than it is given. */
#ifndef ES_DECODE_CONFINE_H
#define ES_DECODE_CONFINE_H

#include <stdint.h>

/* For good. memory: bytes of address space; 0: no bound. What the kernel does not know is left out. */
void es_decode_confine(uint64_t memory);
/* From now on, so many more seconds of processor time. 0: no bound. */
void es_decode_bound_cpu(uint64_t seconds);

#endif
