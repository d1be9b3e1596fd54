/* How many webhooks go to one host at once: a host that is slow to answer, or never does, holds its share of the calls and no more. Pure.
 *
 * A host is the one that the address names, without regard to case, port and whoever is named before it. Hosts by other names may be one machine: that is not looked at.
 */
#ifndef ES_WEBHOOK_SHARE_H
#define ES_WEBHOOK_SHARE_H

#include <stdbool.h>
#include <stddef.h>

#include "envelope.h"

#define ES_WEBHOOK_CALLS 16u     /* at once */
#define ES_WEBHOOK_CALLS_EACH 4u /* of them to one host */
#define ES_WEBHOOK_FULL_MAX (ES_WEBHOOK_CALLS / ES_WEBHOOK_CALLS_EACH)

/* The addresses that are called; NULL: none. They are their owners'. */
typedef const char *es_webhook_calls_t[ES_WEBHOOK_CALLS];

/* Points into the address; empty where it names no host. */
es_span_t es_webhook_host(const char *url);
/* Has the host of this address its share already? */
bool es_webhook_full(const es_webhook_calls_t calls, const char *url);
/* How the addresses of hosts that have their share begin, with the character behind the host and its port ('/' where the address ends there): of one address of each host. NULL behind the last.
 * Free each. */
void es_webhook_full_hosts(const es_webhook_calls_t calls, char *out[ES_WEBHOOK_FULL_MAX]);

#endif
