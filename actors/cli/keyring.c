#include "keyring.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_owner.h"

const es_option_t es_keyring_option_table[] = {
    ES_OPT_STR(es_keyring_t, common.keys, "keys", NULL, NULL, 512, "directory of the keys; default: keys in --data"),
    ES_OPT_STR(es_keyring_t, common.data, "data", NULL, NULL, 512,
               "directory of a house; default $XDG_RUNTIME_DIR/earshot or /tmp/earshot-<uid>"),
    ES_OPT_STR(es_keyring_t, common.env_file, "env-file", NULL, NULL, 512,
               "file of NAME=value settings; default .env where there is one"),
    ES_OPT_END};

static const es_option_t *const common_tables[] = {es_common_options, NULL};

/* Who names the directory of the keys needs no house. */
static int settle(es_keyring_t *self, const char *program)
{
    bool named = self->common.keys && *self->common.keys;
    if (!named && es_common_config_settle(&self->common, "keys") == -1) return -1;
    self->keys = self->common.keys;
    if (es_key_path(self->allowed, self->keys, "allowed", "") == 0) return 0;
    fprintf(stderr, "%s: --keys: the path is too long\n", program);
    return -1;
}

static int check_count(const es_keyring_command_t *command, int count)
{
    const char *program = command->about->program;
    if (count < command->least)
        fprintf(stderr, "%s: %s is missing. Try \"%s --help\".\n", program, command->what, program);
    else if (count > command->most && command->most == 0)
        fprintf(stderr, "%s: it takes options only. Try \"%s --help\".\n", program, program);
    else if (count > command->most)
        fprintf(stderr, "%s: too many arguments. Try \"%s --help\".\n", program, program);
    return count < command->least || count > command->most ? -1 : 0;
}

int es_keyring_command(const es_keyring_command_t *command, es_keyring_t *config, int argc, char **argv)
{
    int rest, status = ES_KEYRING_USAGE;
    *config = (es_keyring_t){.keys = NULL};
    switch (es_config_load(config, command->tables, command->about, argc, argv, &rest)) {
    case ES_CONFIG_OK:
        if (check_count(command, argc - rest) == 0 && settle(config, command->about->program) == 0)
            status = command->run(config, argc - rest, argv + rest);
        break;
    case ES_CONFIG_HELP:
        status = ES_KEYRING_OK;
        break;
    default:
        break;
    }
    es_config_fini(config, command->tables);
    es_config_fini(&config->common, common_tables);
    return status;
}

static int make_dir(const char *dir)
{
    es_file_owner_t us = es_file_owner_enter(dir);
    int rc = mkdir(dir, 0700) == 0 || errno == EEXIST ? 0 : -1;
    es_file_owner_leave(&us);
    return rc;
}

int es_keyring_make(const es_keyring_t *self, char *err, size_t err_len)
{
    const char *const directories[] = {self->keys, self->allowed};
    char why[500];
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        if (make_dir(directories[i]) == 0) continue;
        es_file_owner_explain(why, sizeof why, directories[i], errno);
        snprintf(err, err_len, "cannot make directory \"%.300s\": %s", directories[i], why);
        return -1;
    }
    return 0;
}

static void complain(const char *sentence)
{
    fprintf(stderr, "earshot keys: %s\n", sentence);
}

int es_keyring_read(const es_keyring_t *self, es_keys_t *out, char *err, size_t err_len)
{
    return es_keys_read(out, self->allowed, complain, err, err_len);
}

/* Is this file of KEYS/allowed that key? It may be there under any name that ends in .pub. */
static bool holds(const char *path, const es_key_t *key)
{
    es_key_t found;
    char err[512];
    size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, ".pub") == 0 && es_key_load_public(&found, path, err, sizeof err) == 0 &&
           strcmp(found.public_key, key->public_key) == 0;
}

int es_keyring_remove(const es_keyring_t *self, const es_key_t *key, char *err, size_t err_len)
{
    char path[ES_KEY_PATH_MAX];
    int removed = 0, failed = 0;
    DIR *dir = opendir(self->allowed);
    if (!dir) {
        snprintf(err, err_len, "cannot read directory \"%.300s\": %s", self->allowed, strerror(errno));
        return -1;
    }
    for (struct dirent *entry; !failed && (entry = readdir(dir));) {
        if (es_key_path(path, self->allowed, entry->d_name, "") != 0 || !holds(path, key)) continue;
        failed = unlink(path) != 0 && errno != ENOENT;
        if (failed) snprintf(err, err_len, "cannot delete \"%.300s\": %s", path, strerror(errno));
        removed += !failed;
    }
    closedir(dir);
    return failed ? -1 : removed;
}
