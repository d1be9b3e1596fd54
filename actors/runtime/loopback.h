/* Does an address stay on this machine? What listens beyond it must know who comes. */
#ifndef ES_LOOPBACK_H
#define ES_LOOPBACK_H

#include <stdbool.h>
#include <sys/socket.h>

/* A name or address without a port. A name is looked up, which may wait; one of which any address is elsewhere, or that has none, is none of ours. */
bool es_loopback_host(const char *host);
bool es_loopback_address(const struct sockaddr *address);

#endif
