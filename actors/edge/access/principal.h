/* Who somebody is, and what that one may do: a name, rights, the rooms that the rights on rooms are for, and an end. Pure; counted; one thread. */
#ifndef ES_PRINCIPAL_H
#define ES_PRINCIPAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "right.h"
#include "seats.h"
#include "who.h"

/* What credentials give. Where `limited`, the rights on rooms are for these alone: names and patterns, each with a NUL. */
typedef struct {
    unsigned rights;
    bool limited;
    char *rooms;
    size_t rooms_len;
} es_grant_t;

/* Adds a room: a name, or the start of names and a star. It holds no NUL. */
void es_grant_room(es_grant_t *self, es_span_t room);
bool es_grant_equal(const es_grant_t *a, const es_grant_t *b);
void es_grant_fini(es_grant_t *self);

typedef struct es_principal es_principal_t;

/* Takes the grant, which is empty then. expires: Unix seconds, UINT64_MAX: never. by: whose end is the new one's end too, or NULL. */
es_principal_t *es_principal_new(const char *name, es_grant_t *grant, uint64_t expires, es_principal_t *by);
es_principal_t *es_principal_ref(es_principal_t *p);
/* NULL is nobody. */
void es_principal_unref(es_principal_t **p_p);
/* From now on it has expired, and so have those that it is the `by` of: its key was taken away. */
void es_principal_revoke(es_principal_t *p);

bool es_principal_may(const es_principal_t *p, es_right_t right);
/* The right, and the room is one of its rooms (names, or patterns with one trailing star; no list: all). */
bool es_principal_may_room(const es_principal_t *p, es_right_t right, es_span_t room);
/* "jwt:alice", "key:ci", "operator", "" (anonymous): for logs, and bound into session tokens. Printable; at most ES_PRINCIPAL_NAME_MAX bytes. */
#define ES_PRINCIPAL_NAME_MAX 208u
const char *es_principal_name(const es_principal_t *p);
/* Unix seconds; UINT64_MAX: never; 0: its key was taken away. A reload may change it: ask again from time to time. */
uint64_t es_principal_expires(const es_principal_t *p);
const es_grant_t *es_principal_grant(const es_principal_t *p);

/* For identity.c: counts one more connection of its name, where fewer than max are open (0: any number). ES_WHO_OK or ES_WHO_TOO_MANY. */
es_who_t es_principal_sit(es_principal_t *p, es_seats_t *seats, uint64_t max);
/* One connection less. */
void es_principal_leave(es_principal_t *p);

#endif
