#include "up_plan.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static const es_option_t options[] = {
    ES_OPT_UINT(es_up_config_t, port, "port", "APP_PORT", "8000", 0, 65535, "TCP port of the edge; 0 draws a free one"),
    ES_OPT_STR(es_up_config_t, host, "host", NULL, "127.0.0.1", 255, "address of the edge; 0.0.0.0 for all"),
    ES_OPT_CHOICE(es_up_config_t, engine, "engine", "pocketsphinx", "mock|pocketsphinx", "what turns audio into words"),
    ES_OPT_UINT(es_up_config_t, transcribers, "transcribers", NULL, "1", 0, ES_UP_TRANSCRIBERS_MAX,
                "how many; others may join from elsewhere (--tcp)"),
    ES_OPT_CHOICE(es_up_config_t, rooms, "rooms", "auto", "auto|0|1|2|3|4|5|6|7|8",
                  "room actors, which share the rooms and one database in --data; auto: 1, with --broker 0"),
    ES_OPT_FLAG(es_up_config_t, threads, "threads", "all actors as threads of this process"),
    ES_OPT_STR(
        es_up_config_t, tcp, "tcp", NULL, NULL, 120,
        "HOST:PORT where the broker listens besides, and the next three ports: for actors elsewhere, unencrypted"),
    ES_OPT_STR(es_up_config_t, delay_ms, "delay-ms", NULL, NULL, 20, "mock engine: answer so many milliseconds later"),
    ES_OPT_STR(es_up_config_t, capacity, "capacity", NULL, NULL, 20, "streams at once of each transcriber"),
    ES_OPT_STR(es_up_config_t, decoders, "decoders", NULL, NULL, 20, "decoder processes of each transcriber"),
    ES_OPT_DURATION(
        es_up_config_t, grace_us, "grace", "8s", 100000, 600000000,
        "at the end: edge, transcribers with rooms, and broker, in this order, have so long each before SIGKILL"),
    ES_OPT_END};
const es_option_t *const es_up_option_tables[] = {options, es_common_options, NULL};

static const struct {
    const char *binary;
    int stage;
} roles[ES_UP_ROLES] = {[ES_UP_BROKER] = {"earshot-broker", 2},
                        [ES_UP_EDGE] = {"earshot-edge", 0},
                        [ES_UP_TRANSCRIBER] = {"earshot-transcriber", 1},
                        [ES_UP_ROOM] = {"earshot-room", 1}};

static const char *const levels[] = {"debug", "info", "warn", "error"};
static const char *const formats[] = {"logfmt", "json"};
static const char *const engines[] = {"mock", "pocketsphinx"};

const char *es_up_binary(es_up_role_t role)
{
    return roles[role].binary;
}

__attribute__((format(printf, 2, 3))) static void arg(es_up_actor_t *actor, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(n >= 0 && n < (int)sizeof text && actor->argc < ES_UP_ARGS_MAX); /* options are bounded below that */
    actor->argv[actor->argc++] = es_alloc_copy(text, (size_t)n);
}

static void optional(es_up_actor_t *actor, const char *flag, const char *value)
{
    if (value) arg(actor, "--%s=%s", flag, value);
}

static es_up_actor_t *add(es_up_plan_t *plan, es_up_role_t role, const char *name, const es_up_config_t *config,
                          const char *base)
{
    assert(plan->count < ES_UP_ACTORS_MAX);
    es_up_actor_t *actor = &plan->actors[plan->count++];
    actor->role = role;
    actor->stage = roles[role].stage;
    snprintf(actor->name, sizeof actor->name, "%s", name);
    arg(actor, "%s", roles[role].binary);
    arg(actor, "--name=%s", name);
    arg(actor, "--data=%s", config->common.data);
    arg(actor, "--broker=%s", base);
    arg(actor, "--log-level=%s", levels[config->common.log_level]);
    arg(actor, "--log-format=%s", formats[config->common.log_format]);
    optional(actor, "env-file", config->common.env_file);
    return actor;
}

/* Last words must be out before the grace is over. */
static void drain_timeout(es_up_actor_t *actor, const es_up_config_t *config)
{
    arg(actor, "--drain-timeout=%llums", (unsigned long long)(config->grace_us / 1000 * 3 / 4));
}

static void add_edge(es_up_plan_t *plan, const es_up_config_t *config, const char *base)
{
    es_up_actor_t *actor = add(plan, ES_UP_EDGE, "edge", config, base);
    snprintf(plan->addr_file, sizeof plan->addr_file, "%.560s/run/edge.addr", config->common.data);
    arg(actor, "--host=%s", config->host);
    arg(actor, "--port=%llu", (unsigned long long)config->port);
    arg(actor, "--addr-file=%s", plan->addr_file);
    drain_timeout(actor, config);
}

static void add_transcriber(es_up_plan_t *plan, const es_up_config_t *config, const char *base, uint64_t number)
{
    char name[32];
    snprintf(name, sizeof name, "transcriber-%llu", (unsigned long long)number);
    es_up_actor_t *actor = add(plan, ES_UP_TRANSCRIBER, name, config, base);
    arg(actor, "--engine=%s", engines[config->engine]);
    drain_timeout(actor, config);
    optional(actor, "delay-ms", config->delay_ms);
    optional(actor, "capacity", config->capacity);
    optional(actor, "decoders", config->decoders);
}

static void add_room(es_up_plan_t *plan, const es_up_config_t *config, const char *base, uint64_t number)
{
    char name[32];
    snprintf(name, sizeof name, "room-%llu", (unsigned long long)number);
    add(plan, ES_UP_ROOM, name, config, base);
}

/* Who joins a house elsewhere brings it no second database without being told to: the rooms would be dealt over both. */
static uint64_t rooms(const es_up_config_t *config, bool own_broker)
{
    if (config->rooms == 0) return own_broker ? 1 : 0;
    return config->rooms - 1;
}

void es_up_plan_make(es_up_plan_t *out, const es_up_config_t *config, bool own_broker, const char *base)
{
    *out = (es_up_plan_t){.count = 0};
    if (own_broker) {
        es_up_actor_t *broker = add(out, ES_UP_BROKER, "broker", config, base);
        optional(broker, "tcp", config->tcp);
    }
    for (uint64_t i = 1; i <= config->transcribers; i++) add_transcriber(out, config, base, i);
    for (uint64_t i = 1; i <= rooms(config, own_broker); i++) add_room(out, config, base, i);
    add_edge(out, config, base);
}

void es_up_plan_fini(es_up_plan_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        for (int a = 0; a < self->actors[i].argc; a++) free(self->actors[i].argv[a]);
    *self = (es_up_plan_t){.count = 0};
}

void es_up_plan_fix_port(es_up_plan_t *self, uint16_t port)
{
    for (size_t i = 0; i < self->count; i++) {
        es_up_actor_t *actor = &self->actors[i];
        for (int a = 0; actor->role == ES_UP_EDGE && a < actor->argc; a++) {
            if (strncmp(actor->argv[a], "--port=", 7) != 0) continue;
            char text[16];
            int n = snprintf(text, sizeof text, "--port=%u", port);
            free(actor->argv[a]);
            actor->argv[a] = es_alloc_copy(text, (size_t)n);
        }
    }
}
