#include <stdio.h>
#include <string.h>

#include "cmd_keys.h"

enum { FILES_MAX = 1000 };

typedef struct {
    es_keyring_t keyring;
    bool force;
} config_t;

static const es_option_t options[] = {
    ES_OPT_FLAG_AS(config_t, force, "force", "KEYS_FORCE",
                   "take another key of the same name out: who has the old one is out"),
    ES_OPT_END};
static const es_option_t *const tables[] = {options, es_keyring_option_table, NULL};

static const es_config_about_t about = {
    .program = "earshot keys add",
    .usage = "[OPTIONS] FILE.pub...",
    .about = "Lets the owners of these public keys come to the broker, each in the role that its key names. To be run\n"
             "on the broker's host; a broker that runs there lets them in at once.",
    .epilog = ES_KEYRING_EXITS};

/* What speaks against it: a sentence in err, and -1. 1: it is there already. */
static int check(const config_t *config, const es_keys_t *allowed, const es_key_t *key, char *err, size_t err_len)
{
    if (key->role == ES_ROLE_BROKER) {
        snprintf(err, err_len,
                 "it is the key of a broker: bring it into the keys directory of every host that is to come there");
        return -1;
    }
    for (size_t i = 0; i < allowed->count; i++) {
        const es_key_t *old = &allowed->list[i];
        bool same = strcmp(old->public_key, key->public_key) == 0, named = strcmp(old->name, key->name) == 0;
        if (same && named && old->role == key->role) return 1;
        if (same)
            snprintf(err, err_len, "this key is allowed already, as %s/%s; make another with earshot keygen",
                     es_role_name(old->role), old->name);
        else if (named && !config->force)
            snprintf(err, err_len,
                     "another key named \"%s\" is allowed already; --force puts this one into its place, and who has "
                     "the old one is out",
                     key->name);
        else
            continue;
        return -1;
    }
    return 0;
}

static int put(const config_t *config, const es_keys_t *allowed, const es_key_t *key, char *err, size_t err_len)
{
    char path[ES_KEY_PATH_MAX];
    int found = check(config, allowed, key, err, err_len);
    if (found == 1) printf("%s/%s may come already\n", es_role_name(key->role), key->name);
    if (found != 0) return found == 1 ? 0 : -1;
    if (es_key_path(path, config->keyring.allowed, key->name, ".pub") != 0) {
        snprintf(err, err_len, "the path of --keys is too long");
        return -1;
    }
    /* Whatever else has this name, under whichever file's name, goes after the new one has come. */
    if (es_key_save_public(key, path, config->force, err, err_len) != 0) return -1;
    for (size_t i = 0; i < allowed->count; i++)
        if (strcmp(allowed->list[i].name, key->name) == 0 &&
            es_keyring_remove(&config->keyring, &allowed->list[i], err, err_len) == -1)
            return -1;
    printf("%s/%s may come to the broker\n", es_role_name(key->role), key->name);
    return 0;
}

static int add(const config_t *config, const char *file, char *err, size_t err_len)
{
    es_key_t key;
    es_keys_t allowed;
    if (es_key_load_public(&key, file, err, err_len) != 0 || es_keyring_make(&config->keyring, err, err_len) != 0 ||
        es_keyring_read(&config->keyring, &allowed, err, err_len) != 0)
        return -1;
    int rc = put(config, &allowed, &key, err, err_len);
    es_keys_fini(&allowed);
    return rc;
}

static int run(void *ctx, int count, char **files)
{
    const config_t *config = ctx;
    int status = ES_KEYRING_OK;
    for (int i = 0; i < count; i++) {
        char err[600];
        if (add(config, files[i], err, sizeof err) == 0) continue;
        fprintf(stderr, "earshot keys add: %.300s: %s\n", files[i], err);
        status = ES_KEYRING_FAILED;
    }
    return status;
}

int es_cmd_keys_add(int argc, char **argv)
{
    static const es_keyring_command_t command = {
        .tables = tables, .about = &about, .run = run, .least = 1, .most = FILES_MAX, .what = "FILE.pub"};
    config_t config;
    return es_keyring_command(&command, &config.keyring, argc, argv);
}
