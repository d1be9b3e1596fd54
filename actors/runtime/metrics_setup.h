/* --metrics and what belongs to it, from the configuration to a server that runs. */
#ifndef ES_METRICS_SETUP_H
#define ES_METRICS_SETUP_H

#include "config.h"
#include "metrics_server.h"

/* Is what is configured allowed? Beyond this machine it takes a token, or --insecure. 0, or -1 with the sentence printed. */
int es_metrics_setup_check(const es_common_config_t *common);
/* Sets the limit of health, and where --metrics is given starts the server and logs its address. 0 with *out (NULL without --metrics), or -1 logged. */
int es_metrics_setup_start(es_metrics_server_t **out, const es_common_config_t *common);
/* The actor serves: leaves the address in DATA/run/NAME.metrics. Nothing where `server` is NULL. */
void es_metrics_setup_announce(const es_metrics_server_t *server, const es_common_config_t *common);
/* Ends it and removes that file. */
void es_metrics_setup_stop(es_metrics_server_t **self_p, const es_common_config_t *common);
/* DATA/run/NAME.metrics */
void es_metrics_setup_file(char *out, size_t cap, const char *data, const char *name);

#endif
