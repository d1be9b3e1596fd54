#include "principal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

struct es_principal {
    size_t refs;
    es_grant_t grant;
    uint64_t expires;
    es_principal_t *by;
    es_seats_t *seats; /* while it has connections */
    es_seat_t *seat;
    size_t connections;
    char name[];
};

void es_grant_room(es_grant_t *self, es_span_t room)
{
    char *fresh = es_alloc(self->rooms_len + room.len + 1);
    if (self->rooms_len) memcpy(fresh, self->rooms, self->rooms_len);
    if (room.len) memcpy(fresh + self->rooms_len, room.ptr, room.len);
    fresh[self->rooms_len + room.len] = 0;
    free(self->rooms);
    self->rooms = fresh;
    self->rooms_len += room.len + 1;
    self->limited = true;
}

bool es_grant_equal(const es_grant_t *a, const es_grant_t *b)
{
    return a->rights == b->rights && a->limited == b->limited &&
           es_span_eq(es_span_of(a->rooms, a->rooms_len), es_span_of(b->rooms, b->rooms_len));
}

void es_grant_fini(es_grant_t *self)
{
    free(self->rooms);
    *self = (es_grant_t){0};
}

es_principal_t *es_principal_new(const char *name, es_grant_t *grant, uint64_t expires, es_principal_t *by)
{
    size_t len = strlen(name) + 1;
    es_principal_t *p = es_alloc_zero(sizeof *p + len);
    p->refs = 1;
    p->grant = *grant;
    p->expires = expires;
    p->by = by ? es_principal_ref(by) : NULL;
    memcpy(p->name, name, len);
    *grant = (es_grant_t){0};
    return p;
}

es_principal_t *es_principal_ref(es_principal_t *p)
{
    p->refs++;
    return p;
}

void es_principal_unref(es_principal_t **p_p)
{
    es_principal_t *p = *p_p;
    *p_p = NULL;
    if (!p || --p->refs) return;
    assert(p->connections == 0);
    es_principal_unref(&p->by);
    es_grant_fini(&p->grant);
    free(p);
}

void es_principal_revoke(es_principal_t *p)
{
    p->expires = 0;
}

bool es_principal_may(const es_principal_t *p, es_right_t right)
{
    return p->grant.rights & (ES_RIGHT_ADMIN | right);
}

static bool fits(es_span_t room, const char *pattern)
{
    size_t len = strlen(pattern);
    bool start = len && pattern[len - 1] == '*';
    if (start) len--;
    return (start ? room.len >= len : room.len == len) && (len == 0 || memcmp(room.ptr, pattern, len) == 0);
}

bool es_principal_may_room(const es_principal_t *p, es_right_t right, es_span_t room)
{
    const es_grant_t *grant = &p->grant;
    if (grant->rights & ES_RIGHT_ADMIN) return true;
    if (!(grant->rights & right)) return false;
    if (!grant->limited) return true;
    for (size_t at = 0; at < grant->rooms_len; at += strlen(grant->rooms + at) + 1)
        if (fits(room, grant->rooms + at)) return true;
    return false;
}

const char *es_principal_name(const es_principal_t *p)
{
    return p->name;
}

uint64_t es_principal_expires(const es_principal_t *p)
{
    return p->by && p->by->expires < p->expires ? p->by->expires : p->expires;
}

const es_grant_t *es_principal_grant(const es_principal_t *p)
{
    return &p->grant;
}

es_who_t es_principal_sit(es_principal_t *p, es_seats_t *seats, uint64_t max)
{
    es_seat_t *seat = es_seats_take(seats, p->name);
    if (max && seat->connections >= max) {
        es_seats_give_back(seats, seat);
        return ES_WHO_TOO_MANY;
    }
    p->seats = seats;
    p->seat = seat;
    p->connections++;
    seat->connections++;
    return ES_WHO_OK;
}

void es_principal_leave(es_principal_t *p)
{
    assert(p->connections > 0);
    p->connections--;
    p->seat->connections--;
    es_seats_give_back(p->seats, p->seat);
}
