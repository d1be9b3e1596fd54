/* The keys of a house, as the commands find them: the directory KEYS, and in it KEYS/allowed, the broker's list of who may come over tcp. */
#ifndef ES_KEYRING_H
#define ES_KEYRING_H

#include "config.h"
#include "keys.h"

enum { ES_KEYRING_OK = 0, ES_KEYRING_FAILED = 1, ES_KEYRING_USAGE = 2 };

#define ES_KEYRING_EXITS \
    "Exit codes:\n"      \
    "  0    done\n"      \
    "  1    not done\n"  \
    "  2    wrong options"

/* First member of each command's config. */
typedef struct {
    es_common_config_t common; /* only keys, data and env_file are asked for */
    const char *keys;          /* settled: the directory */
    char allowed[ES_KEY_PATH_MAX];
} es_keyring_t;

extern const es_option_t es_keyring_option_table[];

/* A command: run gets its config and what is left of the command line, and returns the exit status. least and most: how many arguments it takes, each a `what`. */
typedef struct {
    const es_option_t *const *tables;
    const es_config_about_t *about;
    int (*run)(void *config, int count, char **args);
    int least, most;
    const char *what;
} es_keyring_command_t;

/* Loads the options, finds the directory, runs, frees. Returns the exit status. */
int es_keyring_command(const es_keyring_command_t *command, es_keyring_t *config, int argc, char **argv);
/* Makes KEYS and KEYS/allowed (0700) where they are not there. 0, or -1 with a sentence in err. */
int es_keyring_make(const es_keyring_t *self, char *err, size_t err_len);
/* Who is allowed. Files that are no keys are told on standard error. 0, or -1 with a sentence in err. */
int es_keyring_read(const es_keyring_t *self, es_keys_t *out, char *err, size_t err_len);
/* Deletes all files of this key from KEYS/allowed. Returns how many there were, or -1 with a sentence in err. */
int es_keyring_remove(const es_keyring_t *self, const es_key_t *key, char *err, size_t err_len);

#endif
