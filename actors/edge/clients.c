#include "clients.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* Ids are random, but the prefix is the same for all: the last eight digits make the hash. */
static size_t bucket(const es_clients_t *self, const char *id)
{
    uint64_t tail;
    memcpy(&tail, id + ES_CLIENT_ID_LEN - sizeof tail, sizeof tail);
    return (size_t)((tail * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (self->cap - 1);
}

static void grow(es_clients_t *self)
{
    es_clients_t old = *self;
    self->cap = old.cap ? old.cap * 2 : 256;
    self->buckets = es_alloc_zero(self->cap * sizeof(void *));
    self->count = 0;
    for (size_t i = 0; i < old.cap; i++)
        for (es_client_t *client = old.buckets[i], *next; client; client = next) {
            next = client->next;
            es_clients_add(self, client);
        }
    free(old.buckets);
}

void es_clients_fini(es_clients_t *self)
{
    assert(!self->count);
    free(self->buckets);
    *self = (es_clients_t){0};
}

void es_clients_add(es_clients_t *self, es_client_t *client)
{
    if (self->count >= self->cap) grow(self);
    es_client_t **head = &self->buckets[bucket(self, client->id)];
    client->next = *head;
    *head = client;
    self->count++;
}

void es_clients_remove(es_clients_t *self, es_client_t *client)
{
    es_client_t **link = &self->buckets[bucket(self, client->id)];
    while (*link != client) {
        assert(*link);
        link = &(*link)->next;
    }
    *link = client->next;
    client->next = NULL;
    self->count--;
}

es_client_t *es_clients_find(const es_clients_t *self, es_span_t id)
{
    if (!self->cap || id.len != ES_CLIENT_ID_LEN) return NULL;
    es_client_t *client = self->buckets[bucket(self, id.ptr)];
    while (client && memcmp(client->id, id.ptr, ES_CLIENT_ID_LEN) != 0) client = client->next;
    return client;
}

void es_clients_each(const es_clients_t *self, void (*fn)(void *ctx, es_client_t *client), void *ctx)
{
    for (size_t i = 0; i < self->cap; i++)
        for (es_client_t *client = self->buckets[i], *next; client; client = next) {
            next = client->next;
            fn(ctx, client);
        }
}

static void perform(void *ctx, es_client_t *client)
{
    void (**fn)(es_client_t *) = ctx;
    (*fn)(client);
}

void es_clients_do(const es_clients_t *self, void (*fn)(es_client_t *client))
{
    es_clients_each(self, perform, &fn);
}
