/* `--metrics`: what a process says of itself over HTTP, from a thread of its own, so that an actor that stands still is seen to.
 *
 *     GET /metrics   all figures of the process (metrics_page.h); with a token: Authorization: Bearer TOKEN
 *     GET /healthz   200 {"status":"ok","lag_ms":12}, or 503 with "late" or "stuck" and the reason in words
 *     GET /readyz    200 {"status":"ready"}, or 503 with the reason
 *
 * One request a connection. Not a server for the world: ES_METRICS_CONNECTIONS at once, of which the oldest gives way to the newest, and a deadline for each.
 */
#ifndef ES_METRICS_SERVER_H
#define ES_METRICS_SERVER_H

#include "listen_address.h"
#include "metrics.h"

#define ES_METRICS_CONNECTIONS 16
#define ES_METRICS_TOKEN_MIN 16 /* bytes of a token */
#define ES_METRICS_TOKEN_MAX 256

typedef struct es_metrics_server es_metrics_server_t;

/* Listens and starts the thread. token: NULL for none; copied. NULL with a sentence where it cannot. */
es_metrics_server_t *es_metrics_server_new(const es_listen_address_t *at, const char *token, char *err, size_t err_len);
void es_metrics_server_destroy(es_metrics_server_t **self_p);
/* http://127.0.0.1:9100 */
const char *es_metrics_server_url(const es_metrics_server_t *self);
es_metric_t *const *es_metrics_server_metrics(void);

#endif
