#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

struct es_registry {
    es_registry_config_t config;
    es_actor_t *actors; /* in the order of joining */
    size_t count, cap;
    uint64_t due_us; /* next beat */
    uint64_t stalls;
};

es_registry_config_t es_registry_defaults(void)
{
    return (es_registry_config_t){.heartbeat_us = UINT64_C(500000), .max_actors = 1024};
}

es_registry_t *es_registry_new(const es_registry_config_t *config, uint64_t now_us)
{
    es_registry_t *self = es_alloc_zero(sizeof *self);
    self->config = config ? *config : es_registry_defaults();
    self->cap = self->config.max_actors;
    self->actors = es_alloc_zero(self->cap * sizeof *self->actors);
    self->due_us = now_us + self->config.heartbeat_us;
    return self;
}

void es_registry_destroy(es_registry_t **self_p)
{
    if (!self_p || !*self_p) return;
    free((*self_p)->actors);
    free(*self_p);
    *self_p = NULL;
}

static es_actor_t *find(const es_registry_t *self, uint64_t inc)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->actors[i].inc == inc) return &self->actors[i];
    return NULL;
}

const es_actor_t *es_registry_find(const es_registry_t *self, uint64_t inc)
{
    return find(self, inc);
}

void es_registry_belongs(es_registry_t *self, uint64_t inc, const char *who)
{
    es_actor_t *actor = find(self, inc);
    if (actor) snprintf(actor->who, sizeof actor->who, "%s", who);
}

static void copy_name(char to[ES_NAME_MAX + 1], es_span_t from)
{
    size_t n = from.len < ES_NAME_MAX ? from.len : ES_NAME_MAX;
    for (size_t i = 0; i < n; i++) to[i] = from.ptr[i] ? from.ptr[i] : '?';
    to[n] = '\0';
}

/* Fields that are absent keep what was told before. */
static void update(es_actor_t *actor, const es_msg_t *msg, uint64_t now_us)
{
    if (ES_HAS(msg, ES_M_LOAD)) actor->load = msg->load;
    if (ES_HAS(msg, ES_M_LAG_US)) actor->lag_us = msg->lag_us;
    if (ES_HAS(msg, ES_M_COUNT)) actor->count = msg->count;
    actor->heard_us = now_us;
}

es_hello_t es_registry_hello(es_registry_t *self, uint64_t inc, const es_msg_t *msg, uint64_t now_us)
{
    es_actor_t *actor = find(self, inc);
    es_hello_t verdict = actor ? ES_HELLO_AGAIN : ES_HELLO_NEW;
    if (!actor) {
        if (self->count == self->cap) return ES_HELLO_FULL;
        actor = &self->actors[self->count++];
        *actor = (es_actor_t){.inc = inc};
    }
    copy_name(actor->name, msg->name);
    copy_name(actor->service, msg->service);
    actor->capacity = msg->capacity;
    actor->draining = msg->capacity == 0;
    update(actor, msg, now_us);
    return verdict;
}

bool es_registry_heartbeat(es_registry_t *self, uint64_t inc, const es_msg_t *msg, uint64_t now_us)
{
    es_actor_t *actor = find(self, inc);
    if (!actor) return false;
    update(actor, msg, now_us);
    return true;
}

bool es_registry_remove(es_registry_t *self, uint64_t inc)
{
    es_actor_t *actor = find(self, inc);
    if (!actor) return false;
    size_t i = (size_t)(actor - self->actors);
    memmove(actor, actor + 1, (self->count - i - 1) * sizeof *actor);
    self->count--;
    return true;
}

static void judge(es_registry_t *self, const es_registry_ops_t *ops, void *ctx, uint64_t now_us)
{
    uint64_t patience = ES_REGISTRY_MISSES * self->config.heartbeat_us;
    for (size_t i = self->count; i-- > 0;) {
        uint64_t inc = self->actors[i].inc, heard = self->actors[i].heard_us;
        if (now_us < heard + patience) continue;
        ops->lost(ctx, inc, now_us - heard);
        es_registry_remove(self, inc);
    }
}

/* ops->ping may take out the actor it is asked for, never another: from last to first, each is asked once. */
static void ask(es_registry_t *self, const es_registry_ops_t *ops, void *ctx)
{
    for (size_t i = self->count; i-- > 0;) ops->ping(ctx, self->actors[i].inc);
}

/* When the first of them would be lost. */
static uint64_t deadline(const es_registry_t *self)
{
    uint64_t first = self->due_us;
    for (size_t i = 0; i < self->count; i++) {
        uint64_t lost = self->actors[i].heard_us + ES_REGISTRY_MISSES * self->config.heartbeat_us;
        if (lost < first) first = lost;
    }
    return first;
}

uint64_t es_registry_tick(es_registry_t *self, const es_registry_ops_t *ops, void *ctx, uint64_t now_us)
{
    if (now_us >= self->due_us + self->config.heartbeat_us) {
        self->stalls++;
        for (size_t i = 0; i < self->count; i++) self->actors[i].heard_us = now_us;
    }
    judge(self, ops, ctx, now_us);
    if (now_us >= self->due_us) {
        self->due_us = now_us + self->config.heartbeat_us;
        ask(self, ops, ctx);
    }
    return deadline(self);
}

size_t es_registry_count(const es_registry_t *self)
{
    return self->count;
}

size_t es_registry_taking(const es_registry_t *self, es_span_t service)
{
    size_t n = 0;
    for (size_t i = 0; i < self->count; i++) {
        const es_actor_t *actor = &self->actors[i];
        n += !actor->draining && (service.len == 0 || es_span_eq(es_span(actor->service), service));
    }
    return n;
}

const es_actor_t *es_registry_at(const es_registry_t *self, size_t i)
{
    return i < self->count ? &self->actors[i] : NULL;
}

uint64_t es_registry_stalls(const es_registry_t *self)
{
    return self->stalls;
}
