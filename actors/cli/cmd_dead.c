#include "cmd_dead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_family.h"

static const es_cmd_t commands[] = {
    {"list", "what was given up, and why", es_cmd_dead_list},
    {"show", "one letter whole", es_cmd_dead_show},
    {"inject", "send it again: audio through the edge, a message to the broker", es_cmd_dead_inject},
    {"rm", "delete letters", es_cmd_dead_rm},
    {NULL, NULL, NULL},
};

int es_cmd_dead(int argc, char **argv)
{
    static const es_cmd_family_t dead = {.program = "earshot dead",
                                         .about = "Dead letters: what brokers and edges of this machine gave up for "
                                                  "good, in DATA/dead. Recordings that failed are\n"
                                                  "jobs: \"earshot jobs list --state failed\", \"earshot jobs retry\".",
                                         .commands = commands};
    return es_cmd_family_run(&dead, argc, argv);
}

const es_option_t es_dead_option_table[] = {
    ES_OPT_FLAG(es_dead_common_t, json, "json", "print JSON, a line for each letter"),
    ES_OPT_STR(es_dead_common_t, common.data, "data", NULL, NULL, 512,
               "data directory of the broker or edge; default $XDG_RUNTIME_DIR/earshot or /tmp/earshot-<uid>"),
    ES_OPT_STR(es_dead_common_t, common.env_file, "env-file", NULL, NULL, 512,
               "file of NAME=value settings; default .env where there is one"),
    ES_OPT_END};
static const es_option_t *const common_tables[] = {es_common_options, NULL};

/* Which broker, where none is named, is for who needs one to find out. */
static int settle(es_common_config_t *common)
{
    bool named = common->broker && *common->broker;
    if (es_common_config_settle(common, "dead") != 0) return -1;
    if (named) return 0;
    free(common->broker);
    common->broker = NULL;
    return 0;
}

int es_dead_command(const es_option_t *const *tables, const es_config_about_t *about, es_dead_run_fn run,
                    es_dead_common_t *config, int argc, char **argv)
{
    int rest = argc, status = ES_DEAD_USAGE;
    *config = (es_dead_common_t){.json = false};
    es_config_result_t loaded = es_config_load(config, tables, about, argc, argv, &rest);
    if (loaded == ES_CONFIG_HELP) status = ES_DEAD_OK;
    if (loaded == ES_CONFIG_OK && settle(&config->common) == 0) status = run(config, argc - rest, argv + rest);
    es_config_fini(config, tables);
    es_config_fini(&config->common, common_tables);
    return status;
}
