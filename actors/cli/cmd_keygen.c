#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "keyring.h"

typedef struct {
    es_keyring_t keyring;
    bool force;
} config_t;

static const es_option_t options[] = {ES_OPT_FLAG_AS(config_t, force, "force", "KEYS_FORCE",
                                                     "write over keys that are there: who has the old ones is out"),
                                      ES_OPT_END};
static const es_option_t *const tables[] = {options, es_keyring_option_table, NULL};

static const es_config_about_t about = {
    .program = "earshot keygen",
    .usage = "[OPTIONS] ROLE [NAME]",
    .about =
        "Makes a pair of keys, KEYS/NAME.key and KEYS/NAME.pub, for somebody who is to come to the broker over tcp,\n"
        "or for the broker. ROLE says what it may do there: broker, edge, transcriber, room, jobs, analysis, worker\n"
        "(any other actor), observer (hears what is published) or operator (this command). NAME is the role's where\n"
        "nothing is said; an actor of that --name finds the key by itself.",
    .epilog = ES_KEYRING_EXITS};

/* One line for each thing that is to be done, in its order. */
static void say_next(const es_keyring_t *keyring, const es_key_t *key)
{
    printf("made %s/%s.key, to be read by the %s alone, and %s.pub, which is no secret\n", keyring->keys, key->name,
           es_role_name(key->role), key->name);
    if (key->role == ES_ROLE_BROKER) {
        printf("next: bring %s/%s.pub into the keys directory of every host that is to come\n", keyring->keys,
               key->name);
        printf("next: let each one in: earshot keys add NAME.pub\n");
    } else {
        printf("next: bring %s.pub to the broker's host, and let it in there: earshot keys add %s.pub\n", key->name,
               key->name);
        printf("next: bring the broker's broker.pub here, into %s\n", keyring->keys);
    }
}

static int refuse_role(const char *name)
{
    fprintf(stderr, "earshot keygen: there is no role \"%.100s\"; did you mean \"%s\"? Roles are", name,
            es_role_name(es_role_nearest(name)));
    for (es_role_t role = ES_ROLE_NONE + 1; role < ES_ROLES; role++)
        fprintf(stderr, "%s %s", role > ES_ROLE_NONE + 1 ? "," : "", es_role_name(role));
    fputc('\n', stderr);
    return ES_KEYRING_USAGE;
}

static int run(void *ctx, int count, char **args)
{
    const config_t *config = ctx;
    char err[600];
    es_key_t key;
    es_role_t role = es_role_find(args[0]);
    if (role == ES_ROLE_NONE) return refuse_role(args[0]);
    bool ok = es_key_make(&key, role, count > 1 ? args[1] : args[0], err, sizeof err) == 0 &&
              (role != ES_ROLE_BROKER || es_keyring_make(&config->keyring, err, sizeof err) == 0) &&
              es_key_save(&key, config->keyring.keys, config->force, err, sizeof err) == 0;
    es_key_forget(&key);
    if (ok)
        say_next(&config->keyring, &key);
    else
        fprintf(stderr, "earshot keygen: %s\n", err);
    return ok ? ES_KEYRING_OK : ES_KEYRING_FAILED;
}

int es_cmd_keygen(int argc, char **argv)
{
    static const es_keyring_command_t command = {
        .tables = tables, .about = &about, .run = run, .least = 1, .most = 2, .what = "ROLE"};
    config_t config;
    return es_keyring_command(&command, &config.keyring, argc, argv);
}
