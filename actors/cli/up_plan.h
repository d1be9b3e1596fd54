/* What `earshot up` runs: a list of actors with names, stages and command lines. The same list is started as processes or as threads. Pure. */
#ifndef ES_UP_PLAN_H
#define ES_UP_PLAN_H

#include "config.h"
#include "endpoints.h"

typedef struct {
    es_common_config_t common;
    uint64_t port, engine, transcribers, brokers, edges, grace_us, watchdog_us;
    uint64_t rooms, jobs; /* 0: auto, else one more than were asked for */
    uint64_t analyses;
    bool threads, reuse_port;
    char *host, *tls_cert, *tls_key, *jwt_keys, *api_keys, *operator_token_file, *allow_origin, *tcp, *delay_ms,
        *capacity, *decoders, *store, *llm_url; /* NULL: the actor's own default */
} es_up_config_t;

extern const es_option_t *const es_up_option_tables[];

typedef enum {
    ES_UP_BROKER,
    ES_UP_EDGE,
    ES_UP_TRANSCRIBER,
    ES_UP_ANALYSIS,
    ES_UP_ROOM,
    ES_UP_JOBS,
    ES_UP_ROLES
} es_up_role_t;

#define ES_UP_ARGS_MAX 40
#define ES_UP_SECRETS_MAX 2
#define ES_UP_TRANSCRIBERS_MAX 64
#define ES_UP_ROOMS_MAX 8
#define ES_UP_JOBS_MAX 8
#define ES_UP_ANALYSES_MAX 16
#define ES_UP_BROKERS_MAX ES_BROKERS_MAX
#define ES_UP_EDGES_MAX 16
#define ES_UP_ACTORS_MAX                                                                                  \
    (ES_UP_TRANSCRIBERS_MAX + ES_UP_ANALYSES_MAX + ES_UP_ROOMS_MAX + ES_UP_JOBS_MAX + ES_UP_BROKERS_MAX + \
     ES_UP_EDGES_MAX)
#define ES_UP_BASES_MAX ((size_t)ES_UP_BROKERS_MAX * ES_ENDPOINT_MAX) /* bytes of a list of brokers */

typedef struct {
    es_up_role_t role;
    char name[32];       /* "transcriber-1" */
    int stage;           /* in stopping: edges 0, jobs 1, transcribers, analysis and rooms 2, brokers 3 */
    char addr_file[600]; /* where an edge writes its address; others: empty */
    int argc;
    char *argv[ES_UP_ARGS_MAX + 1]; /* argv[0] is the binary's name; owned, ends with NULL */
    /* NAME=value for a process's environment, since all see its command line. Owned, ends with NULL. */
    char *secrets[ES_UP_SECRETS_MAX + 1];
} es_up_actor_t;

typedef struct {
    size_t count;
    es_up_actor_t actors[ES_UP_ACTORS_MAX]; /* in the order of starting: brokers first */
} es_up_plan_t;

/* Where the brokers of our own will be: the first at `base`, the others at base-2, base-3 and so on. */
void es_up_plan_bases(char out[ES_UP_BASES_MAX], const char *base, uint64_t brokers);
/* config is settled. own_broker: start config->brokers of them (none was named). bases: where they are, or the one that was named is. */
void es_up_plan_make(es_up_plan_t *out, const es_up_config_t *config, bool own_broker, const char *bases);
void es_up_plan_fini(es_up_plan_t *self);
/* The edge was given port 0 and drew this one: it keeps it when it is restarted. */
void es_up_actor_fix_port(es_up_actor_t *edge, uint16_t port);
/* "earshot-edge" */
const char *es_up_binary(es_up_role_t role);

#endif
