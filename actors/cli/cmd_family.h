/* Commands with one first word: those of `earshot`, those of `earshot jobs`. */
#ifndef ES_CMD_FAMILY_H
#define ES_CMD_FAMILY_H

#include "cmd.h"

typedef struct {
    const char *program;      /* "earshot jobs" */
    const char *about;        /* a sentence for --help */
    const es_cmd_t *commands; /* ends with a NULL name */
} es_cmd_family_t;

/* Runs the command that argv[1] names, with its name as argv[0], and returns what it returns; tells what there is (--help, `help`, `help COMMAND`, --help-man,
 * --help-words) and returns 0; says what is wrong and returns 2. */
int es_cmd_family_run(const es_cmd_family_t *family, int argc, char **argv);

#endif
