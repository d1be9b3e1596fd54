/* Files that an edge reads and writes at its start. Failures are logged. */
#ifndef ES_EDGE_FILES_H
#define ES_EDGE_FILES_H

#include "edge_actor.h"
#include "session.h"

/* Writes the address into --addr-file, whole or not at all; NULL or "": nowhere. 0, or -1. */
int es_edge_write_address(const char *file, const char *url);
/* The key of --session-key, or of the data directory, made there where it is not there. 0, or -1. */
int es_edge_load_session_key(const es_edge_config_t *config, es_session_key_t *key);

#endif
