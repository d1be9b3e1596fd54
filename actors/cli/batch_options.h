/* What all commands of `earshot jobs` understand. */
#ifndef ES_BATCH_OPTIONS_H
#define ES_BATCH_OPTIONS_H

#include "addresses.h"
#include "bearer.h"
#include "config.h"
#include "house_http.h"

enum { ES_BATCH_OK = 0, ES_BATCH_FAILED = 1, ES_BATCH_USAGE = 2, ES_BATCH_NOBODY = 3, ES_BATCH_INTERRUPTED = 130 };

/* First member of each command's config. */
typedef struct {
    es_common_config_t common; /* only data and env_file are asked for */
    char *url;
    bool elsewhere; /* settled: the address was named, and not found in the data directory */
    es_trust_t trust;
    es_bearer_t bearer;
    bool json;
    uint64_t connect_us, silence_us, patience_us;
    es_addresses_t addresses; /* settled */
} es_batch_options_t;

extern const es_option_t es_batch_option_table[];

/* After loading: takes the addresses apart, which then point into url. 0, or -1 with a message printed. */
int es_batch_options_settle(es_batch_options_t *options);
void es_batch_options_fini(es_batch_options_t *options, const es_option_t *const *tables);

/* Command line of a command: loads it, settles, calls run with what is left of it, frees. Returns the exit status. least and most: how many arguments it takes, each a `what` ("JOB"). */
typedef int (*es_batch_run_fn)(void *config, int count, char **args);
typedef struct {
    const es_option_t *const *tables;
    const es_config_about_t *about;
    es_batch_run_fn run;
    int least, most;
    const char *what;
} es_batch_command_t;
int es_batch_command(const es_batch_command_t *command, es_batch_options_t *config, int argc, char **argv);

/* The token that was named, or else, for the house of the data directory and no other, the operator's that lies there; copied into out (ES_OPERATOR_TOKEN_MAX + 1 bytes). 0, or -1 with a
 * sentence in err. */
int es_batch_token(es_batch_options_t *options, char *out, char *err, size_t err_len);
/* How the house is to be asked; options and token (NULL: the one that was named, if any) must outlive it. */
es_house_http_config_t es_batch_http(const es_batch_options_t *options, const char *token);

/* SIGINT and SIGTERM are counted from now on. */
void es_batch_catch_signals(void);
bool es_batch_interrupted(void);

/* Is this an id as jobs have it (section 11.1 of the protocol)? It goes into addresses. */
bool es_batch_is_job(const char *text);

#endif
