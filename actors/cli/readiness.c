/* Ready means: a word said now comes back. So the edge must have had a probe through the broker (/readyz), and every transcriber must be
 * registered with the broker, as its beacon tells. */
#include <stdio.h>
#include <string.h>

#include "net.h"
#include "up.h"

enum { LOOK_US = 100000, REMIND_US = 10000000, GET_MS = 500 };

static bool has_worker(json_t *house, const char *name)
{
    size_t i;
    json_t *worker;
    json_array_foreach(json_object_get(house, "workers"), i, worker)
    {
        const char *known = json_string_value(json_object_get(worker, "name"));
        if (known && strcmp(known, name) == 0) return true;
    }
    return false;
}

void es_up_on_beacon(void *ctx, const char *key, json_t *house)
{
    (void)key;
    es_up_t *self = ctx;
    self->registered = 0;
    for (size_t i = 0; i < self->plan.count; i++) {
        const es_up_actor_t *actor = &self->plan.actors[i];
        self->registered += actor->role == ES_UP_TRANSCRIBER && has_worker(house, actor->name);
    }
}

static bool edge_ready(es_up_t *self, char *host, size_t host_len, uint16_t *port)
{
    return es_net_read_addr(self->plan.addr_file, host, host_len, port) == 0 &&
           es_net_get(host, *port, "/readyz", GET_MS) == 200;
}

static void announce(es_up_t *self, const char *host, uint16_t port)
{
    self->ready = true;
    es_up_plan_fix_port(&self->plan, port);
    printf(strchr(host, ':') ? "ready http://[%s]:%u\n" : "ready http://%s:%u\n", host, port);
    fflush(stdout);
}

uint64_t es_up_look(es_up_t *self, uint64_t now_us)
{
    char host[256];
    uint16_t port;
    if (self->ready) return UINT64_MAX;
    if (now_us < self->look_us) return self->look_us;
    self->look_us = now_us + LOOK_US;
    if (self->remind_us == 0) self->remind_us = now_us + REMIND_US;
    if (self->registered == self->config->transcribers && edge_ready(self, host, sizeof host, &port)) {
        announce(self, host, port);
        return UINT64_MAX;
    }
    if (now_us >= self->remind_us) {
        self->remind_us = now_us + REMIND_US;
        es_up_say(self, "not ready yet: %zu of %llu transcribers are registered with the broker%s", self->registered,
                  (unsigned long long)self->config->transcribers,
                  self->registered == self->config->transcribers ? ", the edge is not ready (GET /readyz)" : "");
    }
    return self->look_us;
}
