/* Configuration from one table: flag over environment EARSHOT_<NAME> over .env file over default.
 *
 *     static const es_option_t options[] = {
 *         ES_OPT_UINT(my_config_t, port, "port", "PORT", 8000, 0, 65535, "TCP port; 0 draws a free one"),
 *         ES_OPT_END };
 *
 * The same table gives --help, the environment names and every error. Name `port` is the flag --port, EARSHOT_PORT in the environment (and, where
 * the table says so, one more environment name such as APP_PORT). The file is ./.env or what --env-file names: lines of NAME=value with
 * the environment's names, quotes and # comments understood.
 */
#ifndef ES_CONFIG_H
#define ES_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum { ES_OPT_T_UINT, ES_OPT_T_STR, ES_OPT_T_FLAG, ES_OPT_T_CHOICE, ES_OPT_T_DURATION } es_option_type_t;

typedef struct {
    const char *name;  /* flag without dashes; dashes inside become underscores in the environment's name */
    const char *alias; /* a further environment name, whole ("APP_PORT"), or NULL */
    es_option_type_t type;
    size_t offset;       /* of uint64_t, char * (owned), bool, or uint64_t index of the choice */
    const char *initial; /* default as text, NULL: none */
    uint64_t min, max;   /* UINT: range; DURATION: range in microseconds; STR: max is the longest length */
    const char *choices; /* CHOICE: "mock|pocketsphinx" */
    const char *help;    /* one line */
    bool secret;         /* its value is never shown */
    const char *
        environment; /* name in the environment after EARSHOT_, where the flag's own stands for something else there; or NULL */
} es_option_t;

#define ES_OPT_UINT(T, field, name_, alias_, def, lo, hi, help_)                                             \
    {                                                                                                        \
        .name = name_, .alias = alias_, .type = ES_OPT_T_UINT, .offset = offsetof(T, field), .initial = def, \
        .min = lo, .max = hi, .help = help_                                                                  \
    }
#define ES_OPT_STR(T, field, name_, alias_, def, maxlen, help_)                                             \
    {                                                                                                       \
        .name = name_, .alias = alias_, .type = ES_OPT_T_STR, .offset = offsetof(T, field), .initial = def, \
        .max = maxlen, .help = help_                                                                        \
    }
/* Under another name in the environment. */
#define ES_OPT_STR_AS(T, field, name_, environment_, maxlen, help_)                                      \
    {                                                                                                    \
        .name = name_, .type = ES_OPT_T_STR, .offset = offsetof(T, field), .max = maxlen, .help = help_, \
        .environment = environment_                                                                      \
    }
#define ES_OPT_FLAG_AS(T, field, name_, environment_, help_)                                                           \
    {                                                                                                                  \
        .name = name_, .type = ES_OPT_T_FLAG, .offset = offsetof(T, field), .help = help_, .environment = environment_ \
    }
/* A text that is not shown where it is refused. */
#define ES_OPT_SECRET(T, field, name_, maxlen, help_)                                                    \
    {                                                                                                    \
        .name = name_, .type = ES_OPT_T_STR, .offset = offsetof(T, field), .max = maxlen, .help = help_, \
        .secret = true                                                                                   \
    }
#define ES_OPT_FLAG(T, field, name_, help_)                                               \
    {                                                                                     \
        .name = name_, .type = ES_OPT_T_FLAG, .offset = offsetof(T, field), .help = help_ \
    }
#define ES_OPT_CHOICE(T, field, name_, def, choices_, help_)                                                       \
    {                                                                                                              \
        .name = name_, .type = ES_OPT_T_CHOICE, .offset = offsetof(T, field), .initial = def, .choices = choices_, \
        .help = help_                                                                                              \
    }
/* "250ms", "3s", "2m"; stored in microseconds. */
#define ES_OPT_DURATION(T, field, name_, def, lo_us, hi_us, help_)                                            \
    {                                                                                                         \
        .name = name_, .type = ES_OPT_T_DURATION, .offset = offsetof(T, field), .initial = def, .min = lo_us, \
        .max = hi_us, .help = help_                                                                           \
    }
#define ES_OPT_END   \
    {                \
        .name = NULL \
    }

typedef enum {
    ES_CONFIG_OK,
    ES_CONFIG_HELP, /* --help or --version was asked for and printed: exit 0 */
    ES_CONFIG_ERROR /* printed to stderr with name, value and allowed range: exit 2 */
} es_config_result_t;

typedef struct {
    const char *program; /* "earshot-broker" */
    const char *usage;   /* "[OPTIONS]" or "stream [OPTIONS] FILE" */
    const char *about;   /* one or two sentences for --help */
    const char *epilog;  /* after the table (exit codes), may be NULL */
} es_config_about_t;

/* Fills the fields of *config that `tables` name (zeroed first; others stay as they are) from argv and the rest. `tables` is a NULL-terminated list of tables with offsets into the same struct, so that shared
 * options are written once. Rest arguments: *rest_p is the index of the first one in argv (argv is permuted). */
es_config_result_t es_config_load(void *config, const es_option_t *const *tables, const es_config_about_t *about,
                                  int argc, char **argv, int *rest_p);
/* The release of earshot that this is: "0.1.0". Static. */
const char *es_config_release(void);
/* Frees the strings. */
void es_config_fini(void *config, const es_option_t *const *tables);
/* The table as --help prints it, or as Markdown rows for the README. */
void es_config_help(FILE *out, const es_option_t *const *tables, const es_config_about_t *about);
void es_config_markdown(FILE *out, const es_option_t *const *tables);
/* The same as a manual page (man(7)): of section 8 for a program of its own, of section 1 for a command of `earshot`. What stands in the epilog before
 * its first colon is a heading of its own. */
void es_config_man(FILE *out, const es_option_t *const *tables, const es_config_about_t *about);
/* For completion, a line for each flag: "--engine", "WHICH" (or "-" where it takes no value), "mock|pocketsphinx" (or "-"), help; between tabs. */
void es_config_words(FILE *out, const es_option_t *const *tables);

/* What every actor understands; first member of each actor's config struct. Options in es_common_options have offsets into this. */
typedef struct {
    char *name;   /* --name: for logs, status and pid files */
    char *broker; /* --broker, BROKER_URL: one base or several, with commas (endpoints.h); default ipc under --data */
    char *data;   /* --data DIR: sockets and pid files; default $XDG_RUNTIME_DIR/earshot or /tmp/earshot-<uid> */
    uint64_t log_level;  /* --log-level debug|info|warn|error */
    uint64_t log_format; /* --log-format logfmt|json */
    char *env_file;      /* --env-file */
    char *keys;          /* --keys DIR: key files; default keys in --data */
    char *key;           /* --key FILE: our own; default: curve.h */
    char *broker_key;    /* --broker-key FILE[,FILE]; default broker.pub in --keys */
    bool insecure;       /* --insecure */
    char *metrics;       /* --metrics HOST:PORT */
    char *metrics_token_file;
    uint64_t health_lag_us;
    char *user;        /* --user NAME: privileges.h */
    bool core_dumps;   /* --core-dumps */
    char *otlp_url;    /* --otlp-url: an OpenTelemetry collector for spans */
    char *otlp_header; /* --otlp-header-file */
} es_common_config_t;
extern const es_option_t es_common_options[];
/* Those of them that are about keys, for a program that understands few of the others. */
extern const es_option_t es_key_options[];
/* Becomes --user (privileges.h), fills what depends on other values (data, broker, keys) after loading, makes the data directory (0700; as root in
 * the directory of another user, his). 0, or -1 with a message printed. */
int es_common_config_settle(es_common_config_t *common, const char *default_name);

#endif
