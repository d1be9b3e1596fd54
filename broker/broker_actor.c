#include "broker_actor.h"

#include <stdio.h>

#include "broker_metrics.h"
#include "curve.h"
#include "hub.h"
#include "log.h"
#include "metrics_page.h"
#include "runner.h"

#define SECOND UINT64_C(1000000)
#define LEAVE_US UINT64_C(300000) /* between saying so and ending */

static const es_option_t options[] = {
    ES_OPT_STR(es_broker_config_t, tcp, "tcp", NULL, NULL, 120,
               "HOST:PORT to serve on besides, and the next three ports; 0.0.0.0:5570 serves every network; beyond "
               "this machine it "
               "wants keys"),
    ES_OPT_DURATION(es_broker_config_t, heartbeat_us, "heartbeat", "500ms", 50000, 60 * SECOND,
                    "workers are asked for a sign of life this often; three missed and they are lost"),
    ES_OPT_DURATION(es_broker_config_t, tick_us, "tick", "0ms", 0, 20000,
                    "under load, gather messages for at most this long; 0ms: never"),
    ES_OPT_UINT(es_broker_config_t, max_streams, "max-streams", NULL, "65536", 1, 1000000,
                "streams placed at once; and so many again that a worker's HELLO tells of"),
    ES_OPT_UINT(es_broker_config_t, max_waiting, "max-waiting", NULL, "4096", 0, 100000,
                "streams waiting for a place, each service"),
    ES_OPT_UINT(es_broker_config_t, max_workers, "max-workers", NULL, "1024", 1, 10000, "workers"),
    ES_OPT_UINT(es_broker_config_t, max_services, "max-services", NULL, "64", 1, 10000,
                "services that have workers; and so many more that streams wait for"),
    ES_OPT_DURATION(es_broker_config_t, stream_idle_us, "stream-idle", "15m", SECOND, 86400 * SECOND,
                    "forget a stream that is silent for so long; longer than the workers do"),
    ES_OPT_DURATION(es_broker_config_t, wait_expiry_us, "wait-expiry", "3s", SECOND, 600 * SECOND,
                    "a waiting stream that does not ask for so long loses its place in the queue"),
    ES_OPT_DURATION(es_broker_config_t, settle_us, "settle", "300ms", 0, 60 * SECOND,
                    "after the start, wait so long for workers before placing streams"),
    ES_OPT_DURATION(es_broker_config_t, learn_us, "learn", "2s", 0, 60 * SECOND,
                    "after the start, wait so long for workers to tell which streams they have"),
    ES_OPT_UINT(es_broker_config_t, quarantine, "quarantine", NULL, "10", 0, 1000,
                "a stream of which so many workers died in a row, each alone with it, gets no other; 0: never"),
    ES_OPT_UINT(es_broker_config_t, suspect, "suspect", NULL, "3", 0, 1000,
                "a stream that was there when so many workers died gets one without another such stream; 0: never"),
    ES_OPT_DURATION(es_broker_config_t, suspect_time_us, "suspect-time", "10s", 0, 3600 * SECOND,
                    "a worker that has lived so long with such a stream may get another"),
    ES_OPT_UINT(es_broker_config_t, live_reserve, "live-reserve", NULL, "1", 0, 100000,
                "places of each worker that file jobs leave free for live streams; only the first job may take any"),
    ES_OPT_UINT(es_broker_config_t, queue, "queue", NULL, "32768", 100, 10000000,
                "messages that may wait for one peer (high-water mark); more are dropped and sent again"),
    ES_OPT_UINT(
        es_broker_config_t, max_connections, "max-connections", NULL, "16384", 64, 1000000,
        "descriptors in use, at most three quarters of what the system gives, beyond which nobody new is let in on "
        "tcp until some are free"),
    ES_DEAD_OPTIONS(es_broker_config_t),
    ES_OPT_END};

const es_option_t *const es_broker_option_tables[] = {es_common_options, options, NULL};

const es_config_about_t es_broker_about = {
    .program = "earshot-broker",
    .usage = "[OPTIONS]",
    .about = "The hub between edges and workers: places streams, forwards frames, publishes transcripts.",
    .epilog = "Exit codes: 0 after SIGTERM or SIGINT, 1 where it could not start, 2 for a wrong option."};

static int refuse(const char *name, const char *err)
{
    fprintf(stderr, "earshot-broker: --%s: %s\n", name, err);
    return -1;
}

static int endpoints_of(const es_broker_config_t *config, es_endpoints_t *base, es_endpoints_t *tcp)
{
    char err[320], url[ES_ENDPOINT_MAX];
    *tcp = (es_endpoints_t){.base = ""};
    if (strchr(config->common.broker, ','))
        return refuse("broker", "a broker serves one endpoint; give each broker its own, without commas");
    if (es_endpoints_parse(base, config->common.broker, err, sizeof err) != 0) return refuse("broker", err);
    if (!config->tcp) return 0;
    if (strstr(config->tcp, "://")) return refuse("tcp", "give HOST:PORT without a scheme, such as 0.0.0.0:5570");
    snprintf(url, sizeof url, "tcp://%s", config->tcp);
    if (es_endpoints_parse(tcp, url, err, sizeof err) != 0) return refuse("tcp", err);
    return 0;
}

es_config_result_t es_broker_config_load(es_broker_config_t *config, int argc, char **argv)
{
    int rest = argc;
    es_config_result_t result = es_config_load(config, es_broker_option_tables, &es_broker_about, argc, argv, &rest);
    if (result != ES_CONFIG_OK) return result;
    if (rest < argc) {
        fprintf(stderr, "earshot-broker: unexpected argument \"%s\"; see --help\n", argv[rest]);
        return ES_CONFIG_ERROR;
    }
    es_endpoints_t base, tcp;
    if (es_common_config_settle(&config->common, "broker") != 0 || endpoints_of(config, &base, &tcp) != 0)
        return ES_CONFIG_ERROR;
    return ES_CONFIG_OK;
}

int es_broker_identity(const es_broker_config_t *config)
{
    char url[ES_ENDPOINT_MAX];
    snprintf(url, sizeof url, "tcp://%s", config->tcp ? config->tcp : "");
    return es_curve_init(&config->common, ES_ROLE_BROKER, config->tcp ? url : NULL);
}

void es_broker_config_fini(es_broker_config_t *config)
{
    es_config_fini(config, es_broker_option_tables);
}

static es_hub_t *open_hub(const es_broker_config_t *config)
{
    es_hub_config_t hub = {.queue = (int)config->queue,
                           .max_connections = config->max_connections,
                           .keys = config->common.keys,
                           .dead = {.data = config->common.data,
                                    .actor = config->common.name,
                                    .max = config->dead_max,
                                    .max_bytes = config->dead_bytes}};
    if (endpoints_of(config, &hub.base, &hub.tcp) != 0) return NULL;
    hub.house.name = config->common.name;
    hub.house.registry = es_registry_defaults();
    hub.house.registry.heartbeat_us = config->heartbeat_us;
    hub.house.registry.max_actors = config->max_workers;
    hub.house.placement = es_placement_defaults();
    hub.house.placement.max_streams = config->max_streams;
    hub.house.placement.max_waiting = config->max_waiting;
    hub.house.placement.max_workers = config->max_workers;
    hub.house.placement.max_services = config->max_services;
    hub.house.placement.stream_idle_us = config->stream_idle_us;
    hub.house.placement.wait_expiry_us = config->wait_expiry_us;
    hub.house.placement.quarantine = config->quarantine;
    hub.house.placement.suspect = config->suspect;
    hub.house.placement.clear_us = config->suspect_time_us;
    hub.house.placement.live_reserve = config->live_reserve;
    hub.house.placement.settle_us = config->settle_us;
    hub.house.placement.learn_us = config->learn_us;
    return es_hub_new(&hub);
}

/* Forwards until those who have another broker went there; who has none notices nothing but the end. */
typedef struct {
    es_hub_t *hub;
    es_loop_t *loop;
    uint64_t end_us; /* 0: not asked to end */
} leaving_t;

static void on_term(void *ctx, uint64_t now_us)
{
    leaving_t *self = ctx;
    self->end_us = now_us + LEAVE_US;
    es_hub_leave(self->hub, now_us);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    leaving_t *self = ctx;
    if (self->end_us == 0) return UINT64_MAX;
    if (now_us >= self->end_us) es_loop_stop(self->loop);
    return self->end_us;
}

void es_broker_actor(zsock_t *pipe, void *args)
{
    const es_broker_config_t *config = args;
    es_log_actor(config->common.name);
    es_metrics_register(es_dead_letters_metrics());
    es_metrics_register(es_broker_metrics());
    es_hub_t *hub = open_hub(config);
    if (!hub) {
        es_runner_fail(pipe);
        return;
    }
    es_loop_t *loop = es_loop_new();
    es_loop_set_tick(loop, config->tick_us);
    es_hub_attach(hub, loop);
    leaving_t leaving = {.hub = hub, .loop = loop};
    es_loop_add_tick(loop, on_tick, &leaving);
    es_hub_on_drain(hub, es_runner_drain, es_runner_watch_pipe(loop, pipe, on_term, &leaving));
    zsock_signal(pipe, 0);
    es_loop_run(loop);
    es_hub_drain(hub);
    es_loop_destroy(&loop);
    es_hub_destroy(&hub);
    es_log_info("stopped");
}
