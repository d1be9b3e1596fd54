#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cmd_dead.h"
#include "table.h"

static const es_option_t *const tables[] = {es_dead_option_table, NULL};

static const es_config_about_t about = {.program = "earshot dead list",
                                        .usage = "[OPTIONS]",
                                        .about = "Prints what was given up, the oldest first.",
                                        .epilog = ES_DEAD_EXITS};

static size_t bytes_of(const es_dead_letter_t *letter)
{
    size_t bytes = 0;
    for (size_t i = 0; i < letter->count; i++) bytes += letter->parts[i].len;
    return bytes;
}

static void when(uint64_t time_us, char out[32])
{
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm parts;
    localtime_r(&seconds, &parts);
    strftime(out, 32, "%Y-%m-%d %H:%M:%S", &parts);
}

static void print_json(const char *id, const es_dead_letter_t *letter)
{
    json_t *row =
        json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I}", "id", id, "time_us", (json_int_t)letter->time_us, "actor",
                  letter->actor, "kind", es_dead_kind_name(letter->kind), "from", letter->from, "peer", letter->peer,
                  "reason", letter->reason, "bytes", (json_int_t)bytes_of(letter));
    json_dumpf(row, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(row);
}

static void add_row(es_table_t *table, const char *id, const es_dead_letter_t *letter)
{
    char at[32];
    when(letter->time_us, at);
    es_table_cell(table, "%s", id);
    es_table_cell(table, "%s", at);
    es_table_cell(table, "%s", es_dead_kind_name(letter->kind));
    es_table_cell(table, "%s%s%s", letter->from, letter->peer[0] ? " " : "", letter->peer);
    es_table_cell(table, "%zu", bytes_of(letter));
    es_table_cell(table, "%s", letter->reason);
}

static int print(const es_dead_common_t *config, const es_dead_ids_t *ids)
{
    static const char *const titles[] = {"ID", "TIME", "KIND", "FROM", "BYTES", "REASON"};
    es_table_t *table = es_table_new("llllrl");
    int status = ES_DEAD_OK;
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) es_table_cell(table, "%s", titles[i]);
    for (size_t i = 0; i < ids->count; i++) {
        es_dead_file_t file;
        char err[1400];
        if (es_dead_box_read(&file, config->common.data, ids->ids[i], err, sizeof err) != 0) {
            fprintf(stderr, "earshot dead list: %s\n", err);
            status = ES_DEAD_FAILED;
            continue;
        }
        if (config->json)
            print_json(ids->ids[i], &file.letter);
        else
            add_row(table, ids->ids[i], &file.letter);
        es_dead_file_fini(&file);
    }
    if (!config->json && ids->count > 0) es_table_print(table, stdout);
    es_table_destroy(&table);
    return status;
}

static int run(void *ctx, int count, char **args)
{
    const es_dead_common_t *config = ctx;
    es_dead_ids_t ids;
    char err[1400];
    (void)args;
    if (count > 0) {
        fprintf(stderr, "earshot dead list: it takes no arguments; see --help\n");
        return ES_DEAD_USAGE;
    }
    if (es_dead_box_list(&ids, config->common.data, err, sizeof err) != 0) {
        fprintf(stderr, "earshot dead list: %s\n", err);
        return ES_DEAD_FAILED;
    }
    if (!config->json && ids.count == 0)
        printf("nothing was given up: there are no letters in %s/dead\n", config->common.data);
    int status = print(config, &ids);
    es_dead_box_fini(&ids);
    return status;
}

int es_cmd_dead_list(int argc, char **argv)
{
    es_dead_common_t config;
    return es_dead_command(tables, &about, run, &config, argc, argv);
}
