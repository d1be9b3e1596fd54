#include <jansson.h>
#include <stdio.h>

#include "cmd_keys.h"
#include "table.h"

typedef struct {
    es_keyring_t keyring;
    bool json;
} config_t;

static const es_option_t options[] = {ES_OPT_FLAG(config_t, json, "json", "print one line of JSON"), ES_OPT_END};
static const es_option_t *const tables[] = {options, es_keyring_option_table, NULL};

static const es_config_about_t about = {.program = "earshot keys list",
                                        .usage = "[OPTIONS]",
                                        .about = "Prints who may come to the broker over tcp, and in which role.",
                                        .epilog = ES_KEYRING_EXITS};

static void print_json(const es_keys_t *keys)
{
    json_t *list = json_array();
    for (size_t i = 0; i < keys->count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "name", keys->list[i].name, "role",
                                        es_role_name(keys->list[i].role), "public_key", keys->list[i].public_key));
    json_t *all = json_pack("{s:o}", "keys", list);
    json_dumpf(all, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(all);
}

static void print_table(const es_keys_t *keys)
{
    static const char *const titles[] = {"NAME", "ROLE", "PUBLIC KEY"};
    es_table_t *table = es_table_new("lll");
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) es_table_cell(table, "%s", titles[i]);
    for (size_t i = 0; i < keys->count; i++) {
        es_table_cell(table, "%s", keys->list[i].name);
        es_table_cell(table, "%s", es_role_name(keys->list[i].role));
        es_table_cell(table, "%s", keys->list[i].public_key);
    }
    es_table_print(table, stdout);
    es_table_destroy(&table);
}

static int run(void *ctx, int count, char **args)
{
    const config_t *config = ctx;
    es_keys_t keys;
    char err[600];
    (void)count;
    (void)args;
    if (es_keyring_read(&config->keyring, &keys, err, sizeof err) != 0) {
        fprintf(stderr, "earshot keys list: %s\n", err);
        return ES_KEYRING_FAILED;
    }
    if (config->json)
        print_json(&keys);
    else if (keys.count > 0)
        print_table(&keys);
    else
        printf("nobody may come over tcp: there is no key in %s. Make one with earshot keygen, and let it in with "
               "earshot keys add\n",
               config->keyring.allowed);
    es_keys_fini(&keys);
    return ES_KEYRING_OK;
}

int es_cmd_keys_list(int argc, char **argv)
{
    static const es_keyring_command_t command = {.tables = tables, .about = &about, .run = run};
    config_t config;
    return es_keyring_command(&command, &config.keyring, argc, argv);
}
