#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd_dead.h"

typedef struct {
    es_dead_common_t common;
    bool all;
} config_t;

static const es_option_t options[] = {ES_OPT_FLAG(config_t, all, "all", "all letters of this data directory"),
                                      ES_OPT_END};
static const es_option_t *const tables[] = {options, es_dead_option_table, NULL};

static const es_config_about_t about = {
    .program = "earshot dead rm", .usage = "[OPTIONS] ID...", .about = "Deletes letters.", .epilog = ES_DEAD_EXITS};

static int delete_one(const config_t *config, const char *id)
{
    char path[ES_DEAD_BOX_PATH], err[1400];
    int rc = es_dead_box_path(path, config->common.common.data, id, err, sizeof err);
    if (rc == 0 && (rc = unlink(path)) != 0)
        snprintf(err, sizeof err, errno == ENOENT ? "there is no letter %.100s" : "%s cannot be deleted: %s",
                 errno == ENOENT ? id : path, strerror(errno));
    if (rc != 0)
        fprintf(stderr, "earshot dead rm: %s\n", err);
    else if (!config->common.json)
        printf("%s deleted\n", id);
    return rc;
}

static int delete_all(const config_t *config)
{
    es_dead_ids_t ids;
    char err[1400];
    int status = ES_DEAD_OK;
    if (es_dead_box_list(&ids, config->common.common.data, err, sizeof err) != 0) {
        fprintf(stderr, "earshot dead rm: %s\n", err);
        return ES_DEAD_FAILED;
    }
    for (size_t i = 0; i < ids.count; i++)
        if (delete_one(config, ids.ids[i]) != 0) status = ES_DEAD_FAILED;
    es_dead_box_fini(&ids);
    return status;
}

static int run(void *ctx, int count, char **args)
{
    const config_t *config = ctx;
    int status = ES_DEAD_OK;
    if (config->all != (count == 0)) {
        fprintf(stderr, "earshot dead rm: %s\n",
                config->all ? "--all takes no ID" : "ID is missing; \"earshot dead list\" tells them, --all means all");
        return ES_DEAD_USAGE;
    }
    if (config->all) return delete_all(config);
    for (int i = 0; i < count; i++)
        if (delete_one(config, args[i]) != 0) status = ES_DEAD_FAILED;
    return status;
}

int es_cmd_dead_rm(int argc, char **argv)
{
    config_t config;
    return es_dead_command(tables, &about, run, &config.common, argc, argv);
}
