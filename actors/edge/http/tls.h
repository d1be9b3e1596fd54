/* What the edge shows of itself in TLS: certificate, key and rules. Handshakes are tls_conn.h's. TLS 1.2 and 1.3, ALPN http/1.1; sessions are resumed by tickets
 * under a key that is drawn anew every few hours and never written down. One thread. */
#ifndef ES_TLS_H
#define ES_TLS_H

#include <stddef.h>
#include <stdint.h>

#include "metrics.h"

typedef struct es_tls es_tls_t;

/* Reads both files: PEM, the certificate first and then those that lead to a root. NULL with a sentence in err. What is only odd (expired, not valid yet) is
 * logged. */
es_tls_t *es_tls_new(const char *cert, const char *key, char *err, size_t err_len);
void es_tls_destroy(es_tls_t **self_p);
/* Reads the same files again, for connections from now on. 0; -1 with a sentence in err: all stays as it was. */
int es_tls_reload(es_tls_t *self, char *err, size_t err_len);
/* A server's end of a new connection over fd, which stays the caller's. */
struct ssl_st *es_tls_server(es_tls_t *self, int fd, uint64_t now_us);

es_metric_t *const *es_tls_metrics(void);

#endif
