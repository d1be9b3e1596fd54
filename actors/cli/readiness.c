/* Ready means: a word said now comes back, and a message to a room too. So each edge must have had a probe through a broker (/readyz), and every actor of ours
 * that serves must be registered with each broker of ours (or the one named), as its beacon tells. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "health.h"
#include "loopback.h"
#include "metrics_setup.h"
#include "net.h"
#include "notify.h"
#include "operator_token.h"
#include "up.h"

enum { LOOK_US = 100000, REMIND_US = 10000000, GET_MS = 500, ADDRESS_MAX = 320 };

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
    return actor->role != ES_UP_BROKER && actor->role != ES_UP_EDGE;
}

/* Of our actors that serve; house NULL: all, otherwise those that it knows. */
static size_t count(const es_up_plan_t *plan, json_t *house)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (serves(&plan->actors[i]) && (!house || has_worker(house, plan->actors[i].name))) n++;
    return n;
}

/* The slot of the broker with that name; NULL where there are too many. */
static es_up_house_t *house_of(es_up_t *self, const char *name)
{
    for (size_t i = 0; i < ES_UP_BROKERS_MAX; i++) {
        es_up_house_t *slot = &self->houses[i];
        if (slot->name[0] && strncmp(slot->name, name, sizeof slot->name - 1) != 0) continue;
        snprintf(slot->name, sizeof slot->name, "%s", name);
        return slot;
    }
    return NULL;
}

void es_up_on_beacon(void *ctx, const char *key, json_t *house)
{
    (void)key;
    es_up_t *self = ctx;
    const char *name = json_string_value(json_object_get(house, "name"));
    es_up_house_t *slot = name && *name ? house_of(self, name) : NULL;
    if (slot) slot->registered = count(&self->plan, house);
}

/* Actors that as many brokers as must be know. */
static size_t registered(const es_up_t *self, size_t all)
{
    size_t heard = 0, least = all;
    for (size_t i = 0; i < ES_UP_BROKERS_MAX; i++) {
        const es_up_house_t *slot = &self->houses[i];
        if (!slot->name[0]) continue;
        heard++;
        if (slot->registered < least) least = slot->registered;
    }
    return heard < self->brokers ? 0 : least;
}

/* Addresses of the edges, in their order. Returns how many there are, or 0 where one of them is not ready. */
static size_t edges_ready(es_up_t *self, es_net_address_t out[ES_UP_EDGES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < self->plan.count; i++) {
        const es_up_actor_t *actor = &self->plan.actors[i];
        if (actor->role != ES_UP_EDGE) continue;
        es_net_address_t *at = &out[n++];
        if (es_net_read_addr(actor->addr_file, at) != 0 || es_net_get(at, "/readyz", GET_MS) != 200) return 0;
    }
    return n;
}

/* The token is shown to a person at the terminal of this machine alone; a file or a pipe, which may be a log, is told where it lies. */
static void announce_dashboard(const es_up_t *self, const es_net_address_t *at)
{
    const char *named = self->config->operator_token_file;
    char file[1100], token[ES_OPERATOR_TOKEN_MAX + 1], err[1300], url[ADDRESS_MAX];
    if (named && *named)
        snprintf(file, sizeof file, "%s", named);
    else
        es_operator_token_file(file, sizeof file, self->config->common.data);
    if (es_operator_token_read(token, file, err, sizeof err) == -1) return;
    es_net_url(url, sizeof url, at, "http", "/dashboard");
    printf("dashboard %s", url);
    if (es_loopback_host(self->config->host) && isatty(STDOUT_FILENO))
        printf("#token=%s\n", token);
    else
        printf(" (its token is in %s)\n", file);
}

static void announce_one(const es_up_t *self, const char *name)
{
    char path[700], url[128] = "";
    es_metrics_setup_file(path, sizeof path, self->config->common.data, name);
    FILE *file = fopen(path, "re");
    if (!file) return;
    if (fgets(url, sizeof url, file)) url[strcspn(url, "\n")] = 0;
    fclose(file);
    if (url[0]) printf(" %s=%s", name, url);
}

static void announce_metrics(const es_up_t *self)
{
    if (!self->config->common.metrics) return;
    fputs("metrics", stdout);
    if (self->metrics) announce_one(self, self->config->common.name);
    for (size_t i = 0; !self->metrics && i < self->plan.count; i++) announce_one(self, self->plan.actors[i].name);
    putchar('\n');
}

static void announce(es_up_t *self, const es_net_address_t *edges)
{
    size_t n = 0;
    char url[ADDRESS_MAX];
    self->ready = true;
    fputs("ready", stdout);
    for (size_t i = 0; i < self->plan.count; i++) {
        if (self->plan.actors[i].role != ES_UP_EDGE) continue;
        const es_net_address_t *at = &edges[n++];
        es_up_actor_fix_port(&self->plan.actors[i], at->port);
        if (n > 1 && self->config->reuse_port) continue;
        es_net_url(url, sizeof url, at, "http", "");
        printf(" %s", url);
    }
    putchar('\n');
    announce_dashboard(self, &edges[0]);
    announce_metrics(self);
    fflush(stdout);
    es_health_unready(NULL);
    es_health_say("%zu actors serve", self->plan.count);
    es_notify_ready();
}

static void remind(es_up_t *self, size_t known, size_t all)
{
    if (self->brokers > 1)
        es_up_say(self, "not ready yet: all of %zu brokers know %zu of %zu actors that serve%s", self->brokers, known,
                  all, known == all ? ", an edge is not ready (GET /readyz)" : "");
    else
        es_up_say(self, "not ready yet: %zu of %zu actors that serve are registered with the broker%s", known, all,
                  known == all ? ", the edge is not ready (GET /readyz)" : "");
}

uint64_t es_up_look(es_up_t *self, uint64_t now_us)
{
    es_net_address_t edges[ES_UP_EDGES_MAX];
    if (self->ready) return UINT64_MAX;
    if (now_us < self->look_us) return self->look_us;
    self->look_us = now_us + LOOK_US;
    if (self->remind_us == 0) self->remind_us = now_us + REMIND_US;
    size_t all = count(&self->plan, NULL), known = registered(self, all);
    if (known == all && edges_ready(self, edges) > 0) {
        announce(self, edges);
        return UINT64_MAX;
    }
    if (now_us >= self->remind_us) {
        self->remind_us = now_us + REMIND_US;
        remind(self, known, all);
    }
    return self->look_us;
}
