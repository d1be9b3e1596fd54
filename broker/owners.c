#include "owners.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "alloc.h"
#include "map.h"

#define STAMP_US UINT64_C(500000) /* each message of a sender is a use; so much later it is noted again */

typedef struct owner owner_t;

typedef struct owned {
    TAILQ_ENTRY(owned) by_use;
    owner_t *owner;
    uint64_t used_us;
    char prefix[ES_PREFIX_LEN];
} owned_t;

struct owner {
    LIST_ENTRY(owner) link;
    TAILQ_HEAD(, owned) list; /* what was used longest ago comes first */
    size_t count;             /* of it; never 0 between two calls */
    char who[];
};

struct es_owners {
    es_map_t *prefixes, *whos;
    LIST_HEAD(, owner) owners;
    owned_t *last; /* used: peers speak in batches */
    uint64_t pushed_out;
};

es_owners_t *es_owners_new(uint64_t seed)
{
    es_owners_t *self = es_alloc_zero(sizeof *self);
    self->prefixes = es_map_new(seed);
    self->whos = es_map_new(seed);
    LIST_INIT(&self->owners);
    return self;
}

/* ---- what somebody has ---- */

static owned_t *find(const es_owners_t *self, es_span_t key)
{
    if (self->last && memcmp(self->last->prefix, key.ptr, ES_PREFIX_LEN) == 0) return self->last;
    return es_map_get(self->prefixes, es_span_of(key.ptr, ES_PREFIX_LEN));
}

static owner_t *owner_of(es_owners_t *self, const char *who)
{
    owner_t *owner = es_map_get(self->whos, es_span(who));
    if (owner) return owner;
    size_t len = strlen(who);
    owner = es_alloc_zero(sizeof *owner + len + 1);
    memcpy(owner->who, who, len);
    TAILQ_INIT(&owner->list);
    LIST_INSERT_HEAD(&self->owners, owner, link);
    es_map_put(self->whos, es_span(owner->who), owner);
    return owner;
}

static void take_away(es_owners_t *self, owned_t *it)
{
    owner_t *owner = it->owner;
    if (self->last == it) self->last = NULL;
    es_map_remove(self->prefixes, es_span_of(it->prefix, ES_PREFIX_LEN));
    TAILQ_REMOVE(&owner->list, it, by_use);
    free(it);
    if (--owner->count > 0) return;
    es_map_remove(self->whos, es_span(owner->who));
    LIST_REMOVE(owner, link);
    free(owner);
}

static void give(es_owners_t *self, es_span_t key, const char *who, uint64_t now_us)
{
    owner_t *owner = owner_of(self, who);
    if (owner->count == ES_OWNERS_EACH) {
        self->pushed_out++;
        take_away(self, TAILQ_FIRST(&owner->list));
    }
    owned_t *it = es_alloc_zero(sizeof *it);
    *it = (owned_t){.owner = owner, .used_us = now_us};
    memcpy(it->prefix, key.ptr, ES_PREFIX_LEN);
    TAILQ_INSERT_TAIL(&owner->list, it, by_use);
    owner->count++;
    es_map_put(self->prefixes, es_span_of(it->prefix, ES_PREFIX_LEN), it);
    self->last = it;
}

static void use(es_owners_t *self, owned_t *it, uint64_t now_us)
{
    self->last = it;
    if (now_us < it->used_us + STAMP_US) return;
    it->used_us = now_us;
    TAILQ_REMOVE(&it->owner->list, it, by_use);
    TAILQ_INSERT_TAIL(&it->owner->list, it, by_use);
}

static bool is_over(const owned_t *it, uint64_t now_us)
{
    return now_us >= it->used_us + (it->owner->who[0] ? ES_OWNERS_SILENCE_US : ES_OWNERS_LOCAL_US);
}

/* ---- asking ---- */

const char *es_owners_claim(es_owners_t *self, es_span_t key, const char *who, uint64_t now_us)
{
    owned_t *it = find(self, key);
    if (it && strcmp(it->owner->who, who) == 0) {
        use(self, it, now_us);
        return NULL;
    }
    if (it && who[0] && !is_over(it, now_us)) return it->owner->who;
    if (it) take_away(self, it);
    give(self, key, who, now_us);
    return NULL;
}

bool es_owners_same(const es_owners_t *self, es_span_t key, es_span_t other)
{
    const owned_t *one = find(self, key), *two = find(self, other);
    return !one || !two || one->owner == two->owner;
}

void es_owners_release(es_owners_t *self, es_span_t key)
{
    owned_t *it = find(self, key);
    if (it) take_away(self, it);
}

void es_owners_tick(es_owners_t *self, uint64_t now_us)
{
    for (owner_t *owner = LIST_FIRST(&self->owners), *next; owner; owner = next) {
        next = LIST_NEXT(owner, link);
        for (owned_t *it = TAILQ_FIRST(&owner->list), *after; it && is_over(it, now_us); it = after) {
            after = TAILQ_NEXT(it, by_use);
            take_away(self, it);
        }
    }
}

size_t es_owners_count(const es_owners_t *self)
{
    return es_map_count(self->prefixes);
}

uint64_t es_owners_pushed_out(const es_owners_t *self)
{
    return self->pushed_out;
}

void es_owners_destroy(es_owners_t **self_p)
{
    es_owners_t *self = *self_p;
    if (!self) return;
    es_owners_tick(self, UINT64_MAX); /* all are over by then */
    es_map_destroy(&self->prefixes);
    es_map_destroy(&self->whos);
    free(self);
    *self_p = NULL;
}
