#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "doctor.h"
#include "doctor_view.h"
#include "house_brokers.h"
#include "house_url.h"
#include "terminal.h"
#include "wire.h"

enum { DOCTOR_OK = 0, DOCTOR_FAILED = 1, DOCTOR_USAGE = 2, DOCTOR_WARNED = 3 };

typedef es_doctor_config_t config_t;

static const es_option_t options[] = {
    ES_OPT_FLAG(config_t, json, "json", "print one line of JSON"),
    ES_OPT_STR(config_t, url, "url", NULL, NULL, 5000,
               "address of an edge, ws://HOST:PORT/ws, or up to 16 with commas; default: those of the house in --data, "
               "or ws://127.0.0.1:8000/ws"),
    ES_TRUST_OPTIONS(config_t),
    ES_BEARER_OPTIONS(config_t),
    ES_OPT_DURATION(config_t, wait_us, "wait", "10s", 100000, 600000000, "for each answer"),
    ES_OPT_STR(config_t, common.broker, "broker", "BROKER_URL", NULL, 1024,
               "brokers to ask; default: those of the `earshot up` in --data"),
    ES_OPT_STR(config_t, common.data, "data", NULL, NULL, 512,
               "directory of a running `earshot up`; default $XDG_RUNTIME_DIR/earshot or /tmp/earshot-<uid>"),
    ES_OPT_STR(config_t, spool, "spool", NULL, NULL, 512, "directory of the uploaded files; default: spool in --data"),
    ES_OPT_STR(config_t, model_dir, "model-dir", NULL, "/usr/share/pocketsphinx/model/en-us", 512,
               "directory of the speech model"),
    ES_OPT_STR(config_t, common.env_file, "env-file", NULL, NULL, 512,
               "file of NAME=value settings; default .env where there is one"),
    ES_OPT_FLAG(config_t, common.core_dumps, "core-dumps", "allow core files, which may hold keys and speech"),
    ES_OPT_END};
static const es_option_t *const tables[] = {options, es_key_options, NULL};
static const es_option_t *const common_tables[] = {es_common_options, NULL};

static const es_config_about_t about = {.program = "earshot doctor",
                                        .usage = "[OPTIONS] [CHECK...]",
                                        .about =
                                            "Looks at all that has to be right for a house to work, says of each thing "
                                            "whether it is and what to mend, and\n"
                                            "sends a short sound through the house. Without CHECK it looks at all of: "
                                            "data, settings, limits, disk, clock,\n"
                                            "libraries, programs, packages, keys, broker, services, edge, tls, loop.",
                                        .epilog = "Exit codes:\n"
                                                  "  0    all is right\n"
                                                  "  1    something is wrong\n"
                                                  "  2    wrong options, or settings that cannot be read\n"
                                                  "  3    nothing is wrong, but something should be looked at"};

/* The house may be what is wrong: a directory that cannot be used is a finding, and no end. */
static void settle(config_t *config)
{
    char spool[700];
    config->data_usable = es_house_brokers_name(&config->common, "doctor") == 0;
    if (!config->spool && config->data_usable) {
        snprintf(spool, sizeof spool, "%.600s/spool", config->common.data);
        config->spool = strdup(spool);
    }
    if (!config->url && config->data_usable) config->url = es_house_urls(&config->common, "doctor");
}

static int check(config_t *config, int count, char **names)
{
    char err[1300];
    for (int i = 0; i < count; i++) {
        if (es_doctor_knows(names[i])) continue;
        fprintf(stderr, "earshot doctor: there is no check \"%.100s\". There are: %s\n", names[i],
                es_doctor_names(err, sizeof err));
        return -1;
    }
    if (config->url && es_addresses_parse(&config->addresses, config->url, err, sizeof err) == -1) {
        fprintf(stderr, "earshot doctor: --url: %s\n", err);
        return -1;
    }
    if (es_bearer_read(&config->bearer, err, sizeof err) == -1) {
        fprintf(stderr, "earshot doctor: %s\n", err);
        return -1;
    }
    config->trust.bearer = config->bearer.token;
    config->addresses.trust = &config->trust;
    return 0;
}

static int look(config_t *config, int count, char **names)
{
    es_doctor_view_t view;
    settle(config);
    if (check(config, count, names) == -1) return DOCTOR_USAGE;
    es_doctor_view_init(&view, stdout, es_terminal_colour(STDOUT_FILENO), config->json);
    es_doctor_t doctor = {.config = config, .tell = es_doctor_view_finding, .ctx = &view};
    es_doctor_run(&doctor, count, names);
    es_doctor_view_end(&view, doctor.found);
    if (doctor.found[ES_VERDICT_FAIL] > 0) return DOCTOR_FAILED;
    return doctor.found[ES_VERDICT_WARN] > 0 ? DOCTOR_WARNED : DOCTOR_OK;
}

int es_cmd_doctor(int argc, char **argv)
{
    static config_t config; /* large */
    int rest, status;
    signal(SIGPIPE, SIG_IGN); /* an edge may end while TLS is spoken with it */
    switch (es_config_load(&config, tables, &about, argc, argv, &rest)) {
    case ES_CONFIG_OK:
        status = look(&config, argc - rest, argv + rest);
        break;
    case ES_CONFIG_HELP:
        status = DOCTOR_OK;
        break;
    default:
        status = DOCTOR_USAGE;
    }
    es_config_fini(&config, tables);
    es_config_fini(&config.common, common_tables);
    zsys_shutdown();
    return status;
}
