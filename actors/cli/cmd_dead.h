/* The commands of `earshot dead`: a file and a line of cmd_dead.c each. argv[0] is its name. */
#ifndef ES_CMD_DEAD_H
#define ES_CMD_DEAD_H

#include "config.h"
#include "dead_box.h"

enum { ES_DEAD_OK = 0, ES_DEAD_FAILED = 1, ES_DEAD_USAGE = 2 };
#define ES_DEAD_EXITS                                           \
    "Exit codes:\n"                                             \
    "  0    done\n"                                             \
    "  1    a letter is not there, or cannot be read or sent\n" \
    "  2    wrong options"

/* First member of each command's config. */
typedef struct {
    es_common_config_t common; /* only broker, data, env_file and keys are asked for */
    bool json;
} es_dead_common_t;

extern const es_option_t es_dead_option_table[];

/* Loads, settles --data, calls run with what is left of the command line, frees. Returns the exit status. */
typedef int (*es_dead_run_fn)(void *config, int count, char **args);
int es_dead_command(const es_option_t *const *tables, const es_config_about_t *about, es_dead_run_fn run,
                    es_dead_common_t *config, int argc, char **argv);

int es_cmd_dead_list(int argc, char **argv);
int es_cmd_dead_show(int argc, char **argv);
int es_cmd_dead_inject(int argc, char **argv);
int es_cmd_dead_rm(int argc, char **argv);

#endif
