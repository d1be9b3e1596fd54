/* The commands of `earshot`: one file and one line of cmd_table.c each. A command gets its name as argv[0] and returns the exit status. */
#ifndef ES_CMD_H
#define ES_CMD_H

typedef struct {
    const char *name;
    const char *about; /* one line */
    int (*run)(int argc, char **argv);
} es_cmd_t;

/* Ends with a NULL name. */
extern const es_cmd_t es_cmd_table[];

int es_cmd_up(int argc, char **argv);
int es_cmd_stream(int argc, char **argv);
int es_cmd_chat(int argc, char **argv);
int es_cmd_jobs(int argc, char **argv);
int es_cmd_status(int argc, char **argv);
int es_cmd_doctor(int argc, char **argv);
int es_cmd_drain(int argc, char **argv);
int es_cmd_dead(int argc, char **argv);
int es_cmd_token(int argc, char **argv);
int es_cmd_keygen(int argc, char **argv);
int es_cmd_keys(int argc, char **argv);

#endif
