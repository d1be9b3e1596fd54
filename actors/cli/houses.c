#include "houses.h"

#include <string.h>

#include "printable.h"

enum { NAMES_MAX = 1024 };

static const char *string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static bool fresh(const es_house_seen_t *house, uint64_t now_us)
{
    bool leaving = json_is_true(json_object_get(house->state, "leaving"));
    return now_us < house->heard_us + (leaving ? ES_HOUSES_LEAVING_US : ES_HOUSES_FRESH_US);
}

static es_house_seen_t *slot_of(es_houses_t *self, const char *inc)
{
    es_house_seen_t *oldest = self->list;
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp(self->list[i].inc, inc) == 0) return &self->list[i];
        if (self->list[i].heard_us < oldest->heard_us) oldest = &self->list[i];
    }
    return self->count < ES_HOUSES_MAX ? &self->list[self->count++] : oldest;
}

void es_houses_take(es_houses_t *self, const char *key, json_t *house, uint64_t now_us)
{
    if (strncmp(key, "sys/", 4) != 0 || strlen(key) != 4 + 16) return;
    es_house_seen_t *slot = slot_of(self, key + 4);
    /* What comes after the farewell tells nothing new, and the farewell is not to be put off. */
    if (strcmp(slot->inc, key + 4) == 0 && json_is_true(json_object_get(slot->state, "leaving"))) return;
    json_decref(slot->state);
    snprintf(slot->inc, sizeof slot->inc, "%s", key + 4);
    slot->state = json_incref(house);
    slot->heard_us = now_us;
}

void es_houses_fini(es_houses_t *self)
{
    for (size_t i = 0; i < self->count; i++) json_decref(self->list[i].state);
    self->count = 0;
}

size_t es_houses_fresh(const es_houses_t *self, uint64_t now_us)
{
    size_t n = 0;
    for (size_t i = 0; i < self->count; i++) n += fresh(&self->list[i], now_us);
    return n;
}

/* Each job that a jobs actor runs is a stream that it sends, and tells of as such. */
static bool counted_as_streams(const char *service, const char *list)
{
    return strcmp(list, "workers") == 0 && strcmp(service, "jobs") == 0;
}

/* Calls fn for every actor that brokers who are heard know, the brokers included: the same one as often as brokers know it. */
static void each(const es_houses_t *self, uint64_t now_us,
                 void (*fn)(void *ctx, const char *name, const es_house_actor_t *actor), void *ctx)
{
    static const struct {
        const char *key, *load;
    } lists[] = {{"edges", "streams"}, {"workers", "load"}};
    for (size_t i = 0; i < self->count; i++) {
        const es_house_seen_t *house = &self->list[i];
        if (!fresh(house, now_us)) continue;
        es_house_actor_t actor = {.serves = "stream", .load = number(house->state, "streams")};
        snprintf(actor.inc, sizeof actor.inc, "%s", house->inc);
        fn(ctx, string(house->state, "name"), &actor);
        for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
            size_t k;
            const json_t *item;
            json_array_foreach(json_object_get(house->state, lists[l].key), k, item)
            {
                const char *service = string(item, "service");
                actor.serves = strcmp(service, "room") == 0 ? "room" : "stream";
                actor.load = counted_as_streams(service, lists[l].key) ? 0 : number(item, lists[l].load);
                snprintf(actor.inc, sizeof actor.inc, "%s", string(item, "inc"));
                fn(ctx, string(item, "name"), &actor);
            }
        }
    }
}

typedef struct {
    const char *name;
    es_house_actor_t *out;
    size_t n, max;
} find_t;

/* All brokers are told the same, some a little later. */
static void match(void *ctx, const char *name, const es_house_actor_t *actor)
{
    find_t *find = ctx;
    if (strcmp(name, find->name) != 0) return;
    for (size_t i = 0; i < find->n; i++) {
        if (strcmp(find->out[i].inc, actor->inc) != 0) continue;
        if (actor->load > find->out[i].load) find->out[i].load = actor->load;
        return;
    }
    if (find->n < find->max) find->out[find->n++] = *actor;
}

size_t es_houses_find(const es_houses_t *self, const char *name, uint64_t now_us, es_house_actor_t *out, size_t max)
{
    find_t find = {.name = name, .out = out, .max = max};
    each(self, now_us, match, &find);
    return find.n;
}

typedef struct {
    const char *inc;
    bool found;
    json_int_t load;
} has_t;

static void look_for(void *ctx, const char *name, const es_house_actor_t *actor)
{
    has_t *has = ctx;
    (void)name;
    if (strcmp(actor->inc, has->inc) != 0) return;
    has->load = !has->found || actor->load > has->load ? actor->load : has->load;
    has->found = true;
}

bool es_houses_has(const es_houses_t *self, const char *inc, uint64_t now_us, json_int_t *load)
{
    has_t has = {.inc = inc};
    each(self, now_us, look_for, &has);
    if (has.found && load) *load = has.load;
    return has.found;
}

typedef struct {
    FILE *out;
    const char *seen[NAMES_MAX];
    size_t n;
} names_t;

static void print_name(void *ctx, const char *name, const es_house_actor_t *actor)
{
    names_t *names = ctx;
    (void)actor;
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->seen[i], name) == 0) return;
    if (names->n == NAMES_MAX) return;
    names->seen[names->n++] = name;
    if (names->n > 1) fputs(", ", names->out);
    es_printable_write(names->out, name);
}

void es_houses_print_names(const es_houses_t *self, uint64_t now_us, FILE *out)
{
    names_t names = {.out = out};
    each(self, now_us, print_name, &names);
}
