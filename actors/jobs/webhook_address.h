/* Which addresses a webhook may go to. Whoever uploads names it, so without this anybody could have the house speak to what only the house can reach. Pure. */
#ifndef ES_WEBHOOK_ADDRESS_H
#define ES_WEBHOOK_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* An address of the public internet: not loopback, private, link-local, shared, multicast, reserved, nor one of IPv6 that holds such a one of IPv4. */
bool es_webhook_address_public(const struct sockaddr *address);

#endif
