/* How many connections each address of a client has. An IPv6 address is counted by its first 64 bits: that much is one customer's. Some have a /48, with
 * 65536 of those: all of it together has ES_ADDRESSES_NETWORK times as many. Pure. */
#ifndef ES_ADDRESSES_H
#define ES_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ES_ADDRESSES_NETWORK 4u

typedef struct es_addresses es_addresses_t;
typedef struct es_address es_address_t;

#define ES_ADDRESS_TEXT 52u /* bytes of one for people, with a NUL */

/* limit: connections of one address, at least 1. */
es_addresses_t *es_addresses_new(uint64_t limit);
/* Addresses that are still entered are forgotten. */
void es_addresses_destroy(es_addresses_t **self_p);
/* 127.0.0.1 or ::1: a proxy or a program on this machine, which is not to be counted. */
bool es_addresses_own(const struct sockaddr_storage *from);
/* Counts a connection of this address: to be given to `leave` when it is over. NULL where it, or its network, has its limit already. */
es_address_t *es_addresses_enter(es_addresses_t *self, const struct sockaddr_storage *from);
/* "192.0.2.1", "2001:db8:1:2::/64". */
void es_address_text(const es_address_t *address, char out[ES_ADDRESS_TEXT]);
void es_addresses_leave(es_addresses_t *self, es_address_t *address);
/* Addresses with connections. */
size_t es_addresses_count(const es_addresses_t *self);

#endif
