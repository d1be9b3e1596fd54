/* One question over TLS on a connected socket. The answerer is our own child on this machine: its certificate is made for others and is not looked at. */
#ifndef ES_NET_TLS_H
#define ES_NET_TLS_H

#include <stddef.h>

/* Sends the question and reads at most cap bytes of the answer, until there are that many or it ends; each step waits at most timeout_ms. Returns how many, 0
 * where there are none. fd stays the caller's, blocking from now on. */
size_t es_net_tls_ask(int fd, const char *question, size_t len, char *answer, size_t cap, int timeout_ms);

#endif
