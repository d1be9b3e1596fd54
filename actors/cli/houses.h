/* What all brokers say of who is there: the last beacon of each, and who is found in them. Pure. */
#ifndef ES_HOUSES_H
#define ES_HOUSES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ES_HOUSES_MAX 16 /* brokers; one that was restarted counts anew */
#define ES_HOUSES_FRESH_US UINT64_C(1500000)
#define ES_HOUSES_LEAVING_US UINT64_C(400000) /* a broker ends so soon after it has said that it leaves */

typedef struct {
    char inc[17];
    json_t *state; /* owned */
    uint64_t heard_us;
} es_house_seen_t;

typedef struct {
    es_house_seen_t list[ES_HOUSES_MAX];
    size_t count;
} es_houses_t;

typedef struct {
    char inc[17];
    const char *serves; /* "stream" or "room" */
    json_int_t load;    /* how many of them, by its own count */
} es_house_actor_t;

/* A beacon; key is `sys/<incarnation>`. The oldest broker is forgotten where there are too many. */
void es_houses_take(es_houses_t *self, const char *key, json_t *house, uint64_t now_us);
void es_houses_fini(es_houses_t *self);
/* Brokers that are heard. */
size_t es_houses_fresh(const es_houses_t *self, uint64_t now_us);
/* Incarnations of this name that brokers who are heard know, at most max. Returns how many. */
size_t es_houses_find(const es_houses_t *self, const char *name, uint64_t now_us, es_house_actor_t *out, size_t max);
/* Is that incarnation, of a broker or of another actor, still there? Its load is stored where load is not NULL. */
bool es_houses_has(const es_houses_t *self, const char *inc, uint64_t now_us, json_int_t *load);
/* All names, each once, with commas. */
void es_houses_print_names(const es_houses_t *self, uint64_t now_us, FILE *out);

#endif
