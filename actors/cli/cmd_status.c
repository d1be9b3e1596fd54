#include <string.h>

#include "cmd.h"
#include "config.h"
#include "house_brokers.h"
#include "houses.h"
#include "status_view.h"
#include "status_watch.h"
#include "watch.h"
#include "wire.h"

enum { STATUS_OK = 0, STATUS_USAGE = 2, STATUS_NOBODY = 3 };

typedef struct {
    es_common_config_t common; /* only broker, data, env_file and keys are asked for */
    bool json, watch;
    uint64_t wait_us;
} config_t;

static const es_option_t options[] = {
    ES_OPT_FLAG(config_t, json, "json", "print one line of JSON"),
    ES_OPT_FLAG(config_t, watch, "watch", "show it live on the terminal, until q; with --json a line each second"),
    ES_OPT_DURATION(config_t, wait_us, "wait", "2s", 100000, 600000000, "for a sign of life of the broker"),
    ES_OPT_STR(config_t, common.broker, "broker", "BROKER_URL", NULL, 1024,
               "broker to ask; default: the one in --data"),
    ES_OPT_STR(config_t, common.data, "data", NULL, NULL, 512,
               "directory of a running `earshot up`; default $XDG_RUNTIME_DIR/earshot or /tmp/earshot-<uid>"),
    ES_OPT_STR(config_t, common.env_file, "env-file", NULL, NULL, 512,
               "file of NAME=value settings; default .env where there is one"),
    ES_OPT_END};
static const es_option_t *const tables[] = {options, es_key_options, NULL};
static const es_option_t *const common_tables[] = {es_common_options, NULL};

static const es_config_about_t about = {
    .program = "earshot status",
    .usage = "[OPTIONS]",
    .about =
        "Shows actors, streams, rooms, rates and the oldest unacknowledged audio, as the broker's beacons tell them.",
    .epilog = "Exit codes:\n"
              "  0    shown\n"
              "  2    wrong options\n"
              "  3    no broker was heard"};

typedef struct {
    es_loop_t *loop;
    char key[ES_KEY_MAX + 1]; /* of the broker heard first */
    json_t *before, *now;
    es_houses_t houses; /* of all brokers */
    uint64_t deadline_us;
} look_t;

static void on_beacon(void *ctx, const char *key, json_t *house)
{
    look_t *look = ctx;
    es_houses_take(&look->houses, key, house, es_now_us());
    if (!look->before) {
        snprintf(look->key, sizeof look->key, "%s", key);
        look->before = json_incref(house);
    } else if (!look->now && strcmp(key, look->key) == 0) {
        look->now = json_incref(house);
        es_loop_stop(look->loop);
    }
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    look_t *look = ctx;
    if (now_us >= look->deadline_us) es_loop_stop(look->loop);
    return look->deadline_us;
}

static void listen_to(look_t *look, const config_t *config)
{
    look->loop = es_loop_new();
    look->deadline_us = es_now_us() + config->wait_us;
    es_watch_t *watch = es_watch_new(config->common.broker, on_beacon, look);
    es_watch_attach(watch, look->loop);
    es_loop_add_tick(look->loop, on_tick, look);
    es_loop_run(look->loop);
    es_loop_destroy(&look->loop);
    es_watch_destroy(&watch);
}

static void show(const config_t *config, const look_t *look)
{
    json_t *status = es_status_join(look->now ? look->before : NULL, look->now ? look->now : look->before);
    for (size_t i = 0; i < look->houses.count; i++)
        if (strcmp(look->houses.list[i].inc, look->key + strlen("sys/")) != 0)
            es_status_add_broker(status, look->houses.list[i].state);
    if (config->json) {
        json_dumpf(status, stdout, JSON_COMPACT);
        fputc('\n', stdout);
    } else
        es_status_print(stdout, status);
    json_decref(status);
}

static int nobody(const config_t *config)
{
    fprintf(stderr,
            "earshot status: no broker was heard at %s within %.1f s. Is the system up? Start it with: earshot up. Or "
            "say where it is with --data DIR or --broker URL%s\n",
            config->common.broker, (double)config->wait_us / 1e6, es_house_brokers_hint(config->common.broker));
    return STATUS_NOBODY;
}

static int watch(const config_t *config)
{
    es_status_watch_t live = {.brokers = config->common.broker, .json = config->json, .wait_us = config->wait_us};
    if (!config->json && !es_status_watch_terminal()) {
        fputs("earshot status: --watch wants a terminal to draw on; in a pipe use it with --json\n", stderr);
        return STATUS_USAGE;
    }
    return es_status_watch_run(&live) == 0 ? STATUS_OK : nobody(config);
}

static int look_and_show(config_t *config)
{
    look_t look = {.before = NULL};
    if (es_house_brokers_settle(&config->common, "status") == -1) return STATUS_USAGE;
    if (config->watch) return watch(config);
    listen_to(&look, config);
    int status = look.before ? STATUS_OK : nobody(config);
    if (look.before) show(config, &look);
    json_decref(look.before);
    json_decref(look.now);
    es_houses_fini(&look.houses);
    return status;
}

int es_cmd_status(int argc, char **argv)
{
    config_t config = {.json = false};
    int status;
    switch (es_config_load(&config, tables, &about, argc, argv, NULL)) {
    case ES_CONFIG_OK:
        status = look_and_show(&config);
        break;
    case ES_CONFIG_HELP:
        status = STATUS_OK;
        break;
    default:
        status = STATUS_USAGE;
    }
    es_config_fini(&config, tables);
    es_config_fini(&config.common, common_tables);
    zsys_shutdown();
    return status;
}
