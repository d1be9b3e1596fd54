/* Ready means: a word said now comes back, and a message to a room too. So the edge must have had a probe through the broker (/readyz), and every transcriber
 * and room actor of ours must be registered with the broker, as its beacon tells. */
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

static bool serves(const es_up_actor_t *actor)
{
    return actor->role == ES_UP_TRANSCRIBER || actor->role == ES_UP_ROOM;
}

/* Of our actors that serve; house NULL: all, otherwise those that it knows. */
static size_t count(const es_up_plan_t *plan, json_t *house)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (serves(&plan->actors[i]) && (!house || has_worker(house, plan->actors[i].name))) n++;
    return n;
}

void es_up_on_beacon(void *ctx, const char *key, json_t *house)
{
    (void)key;
    es_up_t *self = ctx;
    self->registered = count(&self->plan, house);
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
    size_t all = count(&self->plan, NULL);
    if (self->registered == all && edge_ready(self, host, sizeof host, &port)) {
        announce(self, host, port);
        return UINT64_MAX;
    }
    if (now_us >= self->remind_us) {
        self->remind_us = now_us + REMIND_US;
        es_up_say(self, "not ready yet: %zu of %zu transcribers and room actors are registered with the broker%s",
                  self->registered, all, self->registered == all ? ", the edge is not ready (GET /readyz)" : "");
    }
    return self->look_us;
}
