#include "allowed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void es_allowed_fini(es_allowed_t *self)
{
    free(self->list);
    *self = (es_allowed_t){.list = NULL};
}

const es_allowed_entry_t *es_allowed_key(const es_allowed_t *self, es_span_t key)
{
    for (size_t i = 0; i < self->count; i++)
        if (es_span_eq(key, es_span_of(self->list[i].key, ES_KEY_BYTES))) return &self->list[i];
    return NULL;
}

es_role_t es_allowed_role(const es_allowed_t *self, const char *who)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->list[i].who, who) == 0) return self->list[i].role;
    return ES_ROLE_NONE;
}

static void add(es_allowed_t *self, const es_key_t *key)
{
    es_allowed_entry_t entry = {.role = key->role};
    es_key_public_bytes(key, entry.key);
    if (es_allowed_key(self, es_span_of(entry.key, ES_KEY_BYTES))) return;
    snprintf(entry.who, sizeof entry.who, "%s/%s", es_role_name(key->role), key->name);
    self->list[self->count++] = entry;
}

/* Calls fn for what `all` has and `others` have not, under the same name. */
static void tell(const es_allowed_t *all, const es_allowed_t *others, void (*fn)(void *ctx, const char *who), void *ctx)
{
    for (size_t i = 0; fn && i < all->count; i++) {
        const es_allowed_entry_t *entry = &all->list[i];
        const es_allowed_entry_t *other = es_allowed_key(others, es_span_of(entry->key, ES_KEY_BYTES));
        if (!other || strcmp(other->who, entry->who) != 0) fn(ctx, entry->who);
    }
}

void es_allowed_replace(es_allowed_t *self, const es_keys_t *keys, const es_allowed_ops_t *ops, void *ctx)
{
    es_allowed_t before = *self;
    *self = (es_allowed_t){.list = es_alloc_zero((keys->count + 1) * sizeof *self->list)};
    for (size_t i = 0; i < keys->count; i++) add(self, &keys->list[i]);
    tell(&before, self, ops->revoked, ctx);
    tell(self, &before, ops->added, ctx);
    es_allowed_fini(&before);
}
