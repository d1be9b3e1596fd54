/* One question over TLS on a connected socket. The answerer is our own child on this machine: its certificate is made for others and is not looked at. */
#ifndef ES_NET_TLS_H
#define ES_NET_TLS_H

#include <stddef.h>
#include <stdint.h>

/* Sends the question and reads at most cap bytes of the answer, until there are that many or it ends; each step waits at most timeout_ms. Returns how many, 0
 * where there are none. fd stays the caller's, blocking from now on. */
size_t es_net_tls_ask(int fd, const char *question, size_t len, char *answer, size_t cap, int timeout_ms);
/* Until when the certificate is good that is shown for this name, in Unix time; whether it is to be trusted is not looked at. 0, or -1 where none is shown. fd as above. */
int es_net_tls_certificate(int fd, const char *host, int timeout_ms, int64_t *until_s);

#endif
