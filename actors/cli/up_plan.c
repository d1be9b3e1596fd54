#include "up_plan.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { ARG_MAX_BYTES = 2200 }; /* the longest option that is passed on, and its name */

static const es_option_t options[] = {
    ES_OPT_UINT(es_up_config_t, port, "port", "APP_PORT", "8000", 0, 65535,
                "TCP port of the edge, further edges have the next ones; 0 draws free ones"),
    ES_OPT_STR(es_up_config_t, host, "host", NULL, "127.0.0.1", 255, "address of the edges; 0.0.0.0 for all"),
    ES_OPT_FLAG(es_up_config_t, reuse_port, "reuse-port",
                "all edges share --port: the kernel deals connections to them, and one that goes down is replaced "
                "while the others have its part"),
    ES_OPT_STR(
        es_up_config_t, tls_cert, "tls-cert", NULL, NULL, 1024,
        "the edges serve TLS: PEM file with the certificate and those that lead to a root; read again on SIGHUP"),
    ES_OPT_STR(es_up_config_t, tls_key, "tls-key", NULL, NULL, 1024, "PEM file with the certificate's private key"),
    ES_OPT_STR(es_up_config_t, jwt_keys, "jwt-key", NULL, NULL, 1024,
               "the edges ask who comes: files with keys that sign tokens, with commas"),
    ES_OPT_STR(es_up_config_t, api_keys, "api-keys", NULL, NULL, 1024,
               "the edges ask who comes: file with API keys, of `earshot token --api-key`"),
    ES_OPT_STR(
        es_up_config_t, operator_token_file, "operator-token-file", NULL, NULL, 1024,
        "file with the token that opens the dashboard and all jobs; default: operator.token in --data, made where "
        "it is not there"),
    ES_OPT_STR(es_up_config_t, allow_origin, "allow-origin", NULL, NULL, 2048,
               "origins whose pages may connect besides the edges' own, and by whose hosts they may be called where "
               "they ask nobody who comes, with commas; * for all"),
    ES_OPT_CHOICE(es_up_config_t, engine, "engine", "pocketsphinx", "mock|pocketsphinx", "what turns audio into words"),
    ES_OPT_UINT(es_up_config_t, transcribers, "transcribers", NULL, "1", 0, ES_UP_TRANSCRIBERS_MAX,
                "how many; others may join from elsewhere (--tcp)"),
    ES_OPT_CHOICE(es_up_config_t, rooms, "rooms", "auto", "auto|0|1|2|3|4|5|6|7|8",
                  "room actors, which share the rooms and one database in --data; auto: 1, with --broker 0"),
    ES_OPT_CHOICE(es_up_config_t, jobs, "jobs", "auto", "auto|0|1|2|3|4|5|6|7|8",
                  "actors that take recordings, which share one store and spool in --data; auto: 1, with --broker 0"),
    ES_OPT_UINT(es_up_config_t, analyses, "analysis", NULL, "1", 0, ES_UP_ANALYSES_MAX,
                "how many analyse the transcripts of recordings"),
    ES_OPT_UINT(es_up_config_t, brokers, "brokers", NULL, "1", 1, ES_UP_BROKERS_MAX,
                "how many share the streams and rooms; where one is lost the others have its part"),
    ES_OPT_UINT(es_up_config_t, edges, "edges", NULL, "1", 1, ES_UP_EDGES_MAX,
                "how many; a client that can resume goes on at another"),
    ES_OPT_FLAG(es_up_config_t, threads, "threads", "all actors as threads of this process"),
    ES_OPT_STR(
        es_up_config_t, tcp, "tcp", NULL, NULL, 120,
        "HOST:PORT where the broker listens besides, and the next three ports (further brokers: the next four each): "
        "for actors elsewhere; beyond this machine it wants keys"),
    ES_OPT_STR(es_up_config_t, delay_ms, "delay-ms", NULL, NULL, 20, "mock engine: answer so many milliseconds later"),
    ES_OPT_STR(es_up_config_t, capacity, "capacity", NULL, NULL, 20, "streams at once of each transcriber"),
    ES_OPT_STR(es_up_config_t, decoders, "decoders", NULL, NULL, 20, "decoder processes of each transcriber"),
    ES_OPT_SECRET(es_up_config_t, store, "store", 1024,
                  "where jobs are kept: sqlite:/path/jobs.db or postgresql://...; default: sqlite, jobs.db in --data"),
    ES_OPT_SECRET(es_up_config_t, llm_url, "llm-url", 2016,
                  "server that speaks OpenAI's chat completions: analyses get a summary"),
    ES_OPT_DURATION(
        es_up_config_t, grace_us, "grace", "8s", 100000, 600000000,
        "at the end: edges, jobs, transcribers with analysis and rooms, and brokers, in this order, have so "
        "long each before SIGKILL"),
    ES_OPT_DURATION(es_up_config_t, watchdog_us, "watchdog", "30s", 0, 600000000,
                    "an actor whose work loop stands still for so long is killed and started again; at least 2s, 0s: "
                    "never, as under a debugger (and with --threads)"),
    ES_OPT_END};
const es_option_t *const es_up_option_tables[] = {options, es_common_options, NULL};

static const struct {
    const char *binary, *stem;
    bool numbered; /* the first one too */
    int stage;
} roles[ES_UP_ROLES] = {[ES_UP_BROKER] = {"earshot-broker", "broker", false, 3},
                        [ES_UP_EDGE] = {"earshot-edge", "edge", false, 0},
                        [ES_UP_TRANSCRIBER] = {"earshot-transcriber", "transcriber", true, 2},
                        [ES_UP_ANALYSIS] = {"earshot-analysis", "analysis", true, 2},
                        [ES_UP_ROOM] = {"earshot-room", "room", true, 2},
                        [ES_UP_JOBS] = {"earshot-jobs", "jobs", true, 1}};

static const char *const levels[] = {"debug", "info", "warn", "error"};
static const char *const formats[] = {"logfmt", "json"};
static const char *const engines[] = {"mock", "pocketsphinx"};

const char *es_up_binary(es_up_role_t role)
{
    return roles[role].binary;
}

__attribute__((format(printf, 2, 3))) static void arg(es_up_actor_t *actor, const char *format, ...)
{
    char text[ARG_MAX_BYTES];
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

/* What may hold a password: by the environment, where it outdoes what we have there ourselves. A thread has no command line that anybody sees. */
static void secret(es_up_actor_t *actor, const es_up_config_t *config, const char *flag, const char *name,
                   const char *value)
{
    char text[ARG_MAX_BYTES];
    size_t i = 0;
    if (config->threads || !value) {
        optional(actor, flag, value);
        return;
    }
    while (actor->secrets[i]) i++;
    int n = snprintf(text, sizeof text, "%s=%s", name, value);
    assert(n >= 0 && n < (int)sizeof text && i < ES_UP_SECRETS_MAX);
    actor->secrets[i] = es_alloc_copy(text, (size_t)n);
    explicit_bzero(text, sizeof text);
}

/* One address a process: counted up in the order of starting, or each draws one. */
static void add_metrics(es_up_actor_t *actor, const es_common_config_t *common, size_t index)
{
    const char *colon = common->metrics ? strrchr(common->metrics, ':') : NULL;
    unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;
    if (!colon) return;
    arg(actor, "--metrics=%.*s:%lu", (int)(colon - common->metrics), common->metrics, port ? port + index : 0);
    optional(actor, "metrics-token-file", common->metrics_token_file);
    arg(actor, "--health-lag=%lluus", (unsigned long long)common->health_lag_us);
}

/* The first of a role that there need be only one of has no number: "edge", "edge-2". */
static void name_of(char out[32], const char *stem, uint64_t number, bool numbered)
{
    if (numbered || number > 1)
        snprintf(out, 32, "%s-%llu", stem, (unsigned long long)number);
    else
        snprintf(out, 32, "%s", stem);
}

static es_up_actor_t *add(es_up_plan_t *plan, es_up_role_t role, uint64_t number, const es_up_config_t *config,
                          const char *bases)
{
    assert(plan->count < ES_UP_ACTORS_MAX);
    es_up_actor_t *actor = &plan->actors[plan->count++];
    actor->role = role;
    actor->stage = roles[role].stage;
    name_of(actor->name, roles[role].stem, number, roles[role].numbered);
    arg(actor, "%s", roles[role].binary);
    arg(actor, "--name=%s", actor->name);
    arg(actor, "--data=%s", config->common.data);
    arg(actor, "--broker=%s", bases);
    arg(actor, "--log-level=%s", levels[config->common.log_level]);
    arg(actor, "--log-format=%s", formats[config->common.log_format]);
    optional(actor, "env-file", config->common.env_file);
    arg(actor, "--keys=%s", config->common.keys);
    optional(actor, "broker-key", config->common.broker_key);
    optional(actor, "otlp-url", config->common.otlp_url);
    optional(actor, "otlp-header-file", config->common.otlp_header);
    if (config->common.insecure) arg(actor, "--insecure");
    if (config->common.core_dumps) arg(actor, "--core-dumps");
    if (!config->threads) add_metrics(actor, &config->common, plan->count - 1);
    return actor;
}

/* Last words must be out before the grace is over. */
static void drain_timeout(es_up_actor_t *actor, const es_up_config_t *config)
{
    arg(actor, "--drain-timeout=%llums", (unsigned long long)(config->grace_us / 1000 * 3 / 4));
}

/* HOST:PORT, four ports on for each broker. A port that is none is left as it is, to be refused by the broker. */
static void add_tcp(es_up_actor_t *actor, const char *tcp, uint64_t number)
{
    const char *colon = strrchr(tcp, ':');
    char *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : ES_BROKER_PORT;
    int host = colon ? (int)(colon - tcp) : (int)strlen(tcp);
    if (number == 1 || (end && (*end || end == colon + 1)))
        arg(actor, "--tcp=%s", tcp);
    else
        arg(actor, "--tcp=%.*s:%llu", host, tcp, (unsigned long long)port + 4 * (number - 1));
}

static void add_broker(es_up_plan_t *plan, const es_up_config_t *config, const char *bases, uint64_t number)
{
    char own[ES_ENDPOINT_MAX];
    const char *at = bases;
    for (uint64_t i = 1; i < number; i++) at = strchr(at, ',') + 1;
    snprintf(own, sizeof own, "%.*s", (int)strcspn(at, ","), at);
    es_up_actor_t *actor = add(plan, ES_UP_BROKER, number, config, own);
    if (config->tcp) add_tcp(actor, config->tcp, number);
}

static uint64_t port_of(const es_up_config_t *config, uint64_t number)
{
    return config->port && !config->reuse_port ? config->port + number - 1 : config->port;
}

static void add_edge(es_up_plan_t *plan, const es_up_config_t *config, const char *bases, uint64_t number)
{
    es_up_actor_t *actor = add(plan, ES_UP_EDGE, number, config, bases);
    snprintf(actor->addr_file, sizeof actor->addr_file, "%.520s/run/%s.addr", config->common.data, actor->name);
    arg(actor, "--host=%s", config->host);
    arg(actor, "--port=%llu", (unsigned long long)(port_of(config, number)));
    arg(actor, "--addr-file=%s", actor->addr_file);
    drain_timeout(actor, config);
    optional(actor, "tls-cert", config->tls_cert);
    optional(actor, "tls-key", config->tls_key);
    optional(actor, "jwt-key", config->jwt_keys);
    optional(actor, "api-keys", config->api_keys);
    optional(actor, "operator-token-file", config->operator_token_file);
    optional(actor, "allow-origin", config->allow_origin);
    if (config->reuse_port) arg(actor, "--reuse-port");
}

static void add_transcriber(es_up_plan_t *plan, const es_up_config_t *config, const char *bases, uint64_t number)
{
    es_up_actor_t *actor = add(plan, ES_UP_TRANSCRIBER, number, config, bases);
    arg(actor, "--engine=%s", engines[config->engine]);
    drain_timeout(actor, config);
    optional(actor, "delay-ms", config->delay_ms);
    optional(actor, "capacity", config->capacity);
    optional(actor, "decoders", config->decoders);
}

static void add_analysis(es_up_plan_t *plan, const es_up_config_t *config, const char *bases, uint64_t number)
{
    es_up_actor_t *actor = add(plan, ES_UP_ANALYSIS, number, config, bases);
    drain_timeout(actor, config);
    secret(actor, config, "llm-url", "EARSHOT_LLM_URL", config->llm_url);
}

static void add_jobs(es_up_plan_t *plan, const es_up_config_t *config, const char *bases, uint64_t number)
{
    es_up_actor_t *actor = add(plan, ES_UP_JOBS, number, config, bases);
    secret(actor, config, "store", "EARSHOT_STORE", config->store);
}

/* Who joins a house elsewhere brings it no second database without being told to: rooms and jobs would be dealt over both. */
static uint64_t chosen(uint64_t setting, bool own_broker)
{
    if (setting == 0) return own_broker ? 1 : 0;
    return setting - 1;
}

void es_up_plan_bases(char out[ES_UP_BASES_MAX], const char *base, uint64_t brokers)
{
    size_t n = (size_t)snprintf(out, ES_UP_BASES_MAX, "%s", base);
    for (uint64_t i = 2; i <= brokers && n < ES_UP_BASES_MAX; i++)
        n += (size_t)snprintf(out + n, ES_UP_BASES_MAX - n, ",%s-%llu", base, (unsigned long long)i);
}

void es_up_plan_make(es_up_plan_t *out, const es_up_config_t *config, bool own_broker, const char *bases)
{
    *out = (es_up_plan_t){.count = 0};
    for (uint64_t i = 1; own_broker && i <= config->brokers; i++) add_broker(out, config, bases, i);
    for (uint64_t i = 1; i <= config->transcribers; i++) add_transcriber(out, config, bases, i);
    for (uint64_t i = 1; i <= config->analyses; i++) add_analysis(out, config, bases, i);
    for (uint64_t i = 1; i <= chosen(config->rooms, own_broker); i++) add(out, ES_UP_ROOM, i, config, bases);
    for (uint64_t i = 1; i <= chosen(config->jobs, own_broker); i++) add_jobs(out, config, bases, i);
    for (uint64_t i = 1; i <= config->edges; i++) add_edge(out, config, bases, i);
}

void es_up_plan_fini(es_up_plan_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        for (int a = 0; a < self->actors[i].argc; a++) free(self->actors[i].argv[a]);
        for (size_t s = 0; self->actors[i].secrets[s]; s++) free(self->actors[i].secrets[s]);
    }
    *self = (es_up_plan_t){.count = 0};
}

void es_up_actor_fix_port(es_up_actor_t *edge, uint16_t port)
{
    for (int a = 0; a < edge->argc; a++) {
        if (strncmp(edge->argv[a], "--port=", 7) != 0) continue;
        char text[16];
        int n = snprintf(text, sizeof text, "--port=%u", port);
        free(edge->argv[a]);
        edge->argv[a] = es_alloc_copy(text, (size_t)n);
    }
}
