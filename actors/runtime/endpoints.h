/* A broker is named by one base, from which its four endpoints follow:
 *
 *   ipc:///run/earshot/broker     ipc:///run/earshot/broker-{frontend,backend,results,publish}
 *   tcp://10.0.0.1:5570           ports 5570 (frontend), 5571 (backend), 5572 (results), 5573 (publish); default port 5570
 *   inproc://house                inproc://house-{frontend,...}
 */
#ifndef ES_ENDPOINTS_H
#define ES_ENDPOINTS_H

#include <stdbool.h>
#include <stddef.h>

#define ES_ENDPOINT_MAX 160
#define ES_BROKERS_MAX 8
#define ES_BROKER_PORT 5570 /* where tcp names none */

typedef struct {
    char base[ES_ENDPOINT_MAX];
    char frontend[ES_ENDPOINT_MAX], backend[ES_ENDPOINT_MAX], results[ES_ENDPOINT_MAX], publish[ES_ENDPOINT_MAX];
} es_endpoints_t;

/* Parses one base. 0, or -1 with a sentence in err (which value, what is allowed). */
int es_endpoints_parse(es_endpoints_t *out, const char *base, char *err, size_t err_len);
/* Parses a comma-separated list into out[ES_BROKERS_MAX]. Returns the count, or -1. */
int es_endpoints_parse_list(es_endpoints_t *out, const char *list, char *err, size_t err_len);
/* Does it stay on this machine: ipc, inproc, tcp to the loopback? A name is looked up, which may block; one that is not known is taken for elsewhere. */
bool es_endpoints_local(const char *endpoint);

#endif
