/* The commands of `earshot keys`: a file and a line of cmd_keys.c each. argv[0] is its name. */
#ifndef ES_CMD_KEYS_H
#define ES_CMD_KEYS_H

#include "keyring.h"

int es_cmd_keys_add(int argc, char **argv);
int es_cmd_keys_revoke(int argc, char **argv);
int es_cmd_keys_list(int argc, char **argv);

#endif
