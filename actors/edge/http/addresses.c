#include "addresses.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "keymap.h"

enum { SIX = 6, NETWORK_KEY = 1 + 48 / 8 };

struct es_addresses {
    uint64_t limit;
    es_keymap_t *map, *networks;
};

/* The first byte tells the family, so that no two kinds meet. */
struct es_address {
    uint8_t key[9];
    size_t key_len;
    uint64_t count;
    es_address_t *network; /* the /48 of a /64; else NULL */
};

es_addresses_t *es_addresses_new(uint64_t limit)
{
    assert(limit > 0);
    es_addresses_t *self = es_alloc_zero(sizeof *self);
    self->limit = limit;
    self->map = es_keymap_new();
    self->networks = es_keymap_new();
    return self;
}

static void destroy_all(es_keymap_t **map)
{
    es_address_t *address;
    for (size_t at = 0; (address = es_keymap_next(*map, &at));) free(address);
    es_keymap_destroy(map);
}

void es_addresses_destroy(es_addresses_t **self_p)
{
    es_addresses_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    destroy_all(&self->map);
    destroy_all(&self->networks);
    free(self);
}

static void set_key(es_address_t *out, uint8_t family, const void *bytes, size_t len)
{
    out->key[0] = family;
    memcpy(out->key + 1, bytes, len);
    out->key_len = len + 1;
}

/* An IPv4 address may come as IPv6 too. */
static void key_of(const struct sockaddr_storage *from, es_address_t *out)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    memcpy(&four, from, sizeof four);
    memcpy(&six, from, sizeof six);
    if (from->ss_family == AF_INET)
        set_key(out, 4, &four.sin_addr, 4);
    else if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
        set_key(out, 4, six.sin6_addr.s6_addr + 12, 4);
    else if (from->ss_family == AF_INET6)
        set_key(out, SIX, &six.sin6_addr, 8);
    else
        set_key(out, 0, "", 0);
}

bool es_addresses_own(const struct sockaddr_storage *from)
{
    static const uint8_t four[] = {4, 127, 0, 0, 1};
    struct sockaddr_in6 six;
    es_address_t asked = {0};
    key_of(from, &asked);
    memcpy(&six, from, sizeof six);
    return (asked.key_len == sizeof four && !memcmp(asked.key, four, sizeof four)) ||
           (from->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six.sin6_addr));
}

static es_address_t *get(es_keymap_t *map, const es_address_t *asked)
{
    return es_keymap_get(map, es_span_of(asked->key, asked->key_len));
}

static es_address_t *enter(es_keymap_t *map, const es_address_t *asked)
{
    es_address_t *found = get(map, asked);
    if (!found) {
        found = es_alloc(sizeof *found);
        *found = *asked;
        es_keymap_put(map, es_span_of(found->key, found->key_len), found);
    }
    found->count++;
    return found;
}

static void leave(es_keymap_t *map, es_address_t *address)
{
    if (--address->count) return;
    es_keymap_remove(map, es_span_of(address->key, address->key_len));
    free(address);
}

es_address_t *es_addresses_enter(es_addresses_t *self, const struct sockaddr_storage *from)
{
    es_address_t asked = {0};
    key_of(from, &asked);
    es_address_t network = asked, *found = get(self->map, &asked);
    network.key_len = NETWORK_KEY;
    if (found && found->count >= self->limit) return NULL;
    if (asked.key[0] == SIX) {
        const es_address_t *wide = get(self->networks, &network);
        if (wide && wide->count >= ES_ADDRESSES_NETWORK * self->limit) return NULL;
        asked.network = enter(self->networks, &network);
    }
    return enter(self->map, &asked);
}

void es_address_text(const es_address_t *address, char out[ES_ADDRESS_TEXT])
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr bytes = {0};
    memcpy(&bytes, address->key + 1, address->key_len - 1);
    bool six = address->key[0] == SIX, known = six || address->key[0] == 4;
    if (!known || !inet_ntop(six ? AF_INET6 : AF_INET, &bytes, text, sizeof text)) snprintf(text, sizeof text, "?");
    snprintf(out, ES_ADDRESS_TEXT, "%s%s", text, six ? "/64" : "");
}

void es_addresses_leave(es_addresses_t *self, es_address_t *address)
{
    if (address->network) leave(self->networks, address->network);
    leave(self->map, address);
}

size_t es_addresses_count(const es_addresses_t *self)
{
    return es_keymap_count(self->map);
}
