/* What the files of the configuration share; not for actors. */
#ifndef ES_CONFIG_PARTS_H
#define ES_CONFIG_PARTS_H

#include "config.h"

#define ES_ENV_NAME_MAX 80

/* EARSHOT_LOG_LEVEL of the option log-level. */
void es_option_env_name(const es_option_t *option, char out[ES_ENV_NAME_MAX]);
/* What is allowed, in words: "a whole number from 0 to 65535". */
void es_option_describe(const es_option_t *option, char *out, size_t cap);
/* "--port N": the flag and a word for its value. */
void es_option_flag_text(const es_option_t *option, char *out, size_t cap);
/* The word alone, or NULL where the option takes no value. */
const char *es_option_placeholder(const es_option_t *option);
/* Writes the value into config. 0, or -1 with the complaint in err ("is out of range"). */
int es_option_store(const es_option_t *option, void *config, const char *text, char *err, size_t err_len);
/* Edits (insert, delete, replace, swap of neighbours) between two names; more than 64 bytes count as far apart. */
unsigned es_config_distance(const char *a, const char *b);
/* Is this a name that some actor of the house understands (EARSHOT_...)? One .env may serve them all. */
bool es_config_house_name(const char *name);

/* One assignment of a .env file. */
typedef struct {
    char *name, *value;
    unsigned line;
} es_env_entry_t;
typedef struct {
    es_env_entry_t *entries;
    size_t count;
} es_env_file_t;
/* Reads a file of NAME=value lines. 0, or -1 with a sentence in err. One that was not named but looked for may be absent, and then is empty; where it is there it must be ours or root's, and
 * nobody else's to change. */
int es_env_file_read(es_env_file_t *out, const char *path, bool named, char *err, size_t err_len);
/* The last value of `name`, or NULL. */
const char *es_env_file_get(const es_env_file_t *self, const char *name);
void es_env_file_fini(es_env_file_t *self);

#endif
