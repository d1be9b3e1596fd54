/* The analysis actor: configuration, language model, worker and loop. */
#ifndef ES_ANALYSIS_ACTOR_H
#define ES_ANALYSIS_ACTOR_H

#include <czmq.h>

#include "config.h"
#include "metrics.h"

typedef struct {
    es_common_config_t common;
    uint64_t capacity;     /* transcripts at once */
    uint64_t max_document; /* bytes of one */
    uint64_t drain_timeout_us;
    char *llm_url, *llm_model, *llm_key, *llm_key_file;
    uint64_t llm_timeout_us, llm_tries, llm_max_chars;
    char *llm_address; /* where questions go; NULL: no language model. Settled, owned */
} es_analysis_config_t;

extern const es_option_t *const es_analysis_option_tables[];
extern const es_config_about_t es_analysis_about;

/* Loads, checks, reads the key's file; makes the data directory. Call es_analysis_config_fini after every result. */
es_config_result_t es_analysis_config_load(es_analysis_config_t *config, int argc, char **argv);
/* Frees the strings; the key is overwritten before. */
void es_analysis_config_fini(es_analysis_config_t *config);

/* args: es_analysis_config_t, owned by the caller. Signals the pipe when it serves. On "$TERM" takes no new transcripts, serves until the old ones are
 * answered or --drain-timeout is over, says GOODBYE and returns. */
void es_analysis_actor(zsock_t *pipe, void *args);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_analysis_metrics(void);

#endif
