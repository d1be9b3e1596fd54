#include <stdio.h>
#include <string.h>

#include "cmd_keys.h"
#include "config_parts.h"

enum { NAMES_MAX = 1000 };

typedef struct {
    es_keyring_t keyring;
} config_t;

static const es_option_t *const tables[] = {es_keyring_option_table, NULL};

static const es_config_about_t about = {
    .program = "earshot keys revoke",
    .usage = "[OPTIONS] NAME...",
    .about =
        "Lets these come to the broker no more; \"earshot keys list\" knows their names. To be run on the broker's\n"
        "host; a broker that runs there throws them out within a second. What workers had in work goes on with "
        "others,\n"
        "and no word is lost by it. An edge closes its clients (1001): those that keep their audio go on at another.\n"
        "A jobs actor holds its jobs in the store: end it, so that others go on with them.",
    .epilog = ES_KEYRING_EXITS};

/* NAME, or ROLE/NAME as logs and lists say it. */
static bool means(const char *text, const es_key_t *key)
{
    const char *slash = strchr(text, '/');
    if (!slash) return strcmp(text, key->name) == 0;
    return strncmp(text, es_role_name(key->role), (size_t)(slash - text)) == 0 &&
           es_role_name(key->role)[slash - text] == '\0' && strcmp(slash + 1, key->name) == 0;
}

static void say_unknown(const es_keyring_t *keyring, const es_keys_t *allowed, const char *name)
{
    const char *near = NULL;
    unsigned least = 3;
    for (size_t i = 0; i < allowed->count; i++) {
        unsigned distance = es_config_distance(allowed->list[i].name, name);
        if (distance >= least) continue;
        least = distance;
        near = allowed->list[i].name;
    }
    fprintf(stderr, "earshot keys revoke: nobody named \"%.100s\" may come, as %s says", name, keyring->allowed);
    if (near) fprintf(stderr, "; did you mean \"%s\"?", near);
    fputc('\n', stderr);
}

/* Jobs are held in the store, which asks for no key. */
static const char *aftermath(es_role_t role)
{
    if (role == ES_ROLE_EDGE) return ", and it sends its clients away";
    if (role == ES_ROLE_JOBS) return ". End it, so that others go on with its jobs";
    return role == ES_ROLE_OBSERVER || role == ES_ROLE_OPERATOR ? "" : ", and others go on with its work";
}

static int revoke(const es_keyring_t *keyring, const es_keys_t *allowed, const char *name)
{
    char err[600];
    int found = 0;
    for (size_t i = 0; i < allowed->count; i++) {
        const es_key_t *key = &allowed->list[i];
        if (!means(name, key)) continue;
        found++;
        if (es_keyring_remove(keyring, key, err, sizeof err) == -1) {
            fprintf(stderr, "earshot keys revoke: %s\n", err);
            return -1;
        }
        printf("%s/%s may come no more: a broker that runs throws it out within a second%s\n", es_role_name(key->role),
               key->name, aftermath(key->role));
    }
    if (found == 0) say_unknown(keyring, allowed, name);
    return found > 0 ? 0 : -1;
}

static int run(void *ctx, int count, char **names)
{
    const config_t *config = ctx;
    es_keys_t allowed;
    char err[600];
    int status = ES_KEYRING_OK;
    if (es_keyring_read(&config->keyring, &allowed, err, sizeof err) != 0) {
        fprintf(stderr, "earshot keys revoke: %s\n", err);
        return ES_KEYRING_FAILED;
    }
    for (int i = 0; i < count; i++)
        if (revoke(&config->keyring, &allowed, names[i]) != 0) status = ES_KEYRING_FAILED;
    es_keys_fini(&allowed);
    return status;
}

int es_cmd_keys_revoke(int argc, char **argv)
{
    static const es_keyring_command_t command = {
        .tables = tables, .about = &about, .run = run, .least = 1, .most = NAMES_MAX, .what = "NAME"};
    config_t config;
    return es_keyring_command(&command, &config.keyring, argc, argv);
}
