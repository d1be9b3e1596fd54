/* The transcriber as an actor: configuration, decoders, worker and loop. */
#ifndef ES_TRANSCRIBER_ACTOR_H
#define ES_TRANSCRIBER_ACTOR_H

#include <czmq.h>

#include "config.h"
#include "metrics.h"

#define ES_TRANSCRIBER_DECODERS_MAX 64u

typedef struct {
    es_common_config_t common;
    uint64_t engine;         /* index, engines.h */
    uint64_t capacity;       /* streams at once; 0: as the engine likes */
    uint64_t decoders;       /* processes that decode; 0: one a core */
    uint64_t decoder_starts; /* that may fail in a row */
    uint64_t batch_nice;     /* of the decoders of file jobs */
    uint64_t partials;       /* streams that get partial words at once */
    uint64_t delay_ms;       /* of the mock's answers */
    uint64_t segment_deadline_us;
    uint64_t drain_timeout_us;
    uint64_t idle_us;
    char *model_dir;
    struct es_zygote *zygote; /* es_transcriber_prepare's; NULL for an engine without one */
} es_transcriber_config_t;

extern const es_option_t *const es_transcriber_option_tables[];
extern const es_config_about_t es_transcriber_about;

/* Loads and checks; makes the data directory. Call es_transcriber_config_fini after every result. */
es_config_result_t es_transcriber_config_load(es_transcriber_config_t *config, int argc, char **argv);
/* Frees the strings; ends the zygote and all decoders, if any. */
void es_transcriber_config_fini(es_transcriber_config_t *config);

/* Forks the process that loads the model, and waits until it has (about a second). In main(), before any thread exists: threads do not survive a fork,
 * what they had locked stays locked. 0, or with a message printed the exit status: 2 where the engine does not take the model, 1 where another try may do
 * (killed, no memory, too slow). Nothing to do, and 0, for engines without a model. Transcribers that are threads of one process are prepared one by one;
 * each has a model of its own. */
int es_transcriber_prepare(es_transcriber_config_t *config);

/* args: es_transcriber_config_t, owned by the caller, prepared. Signals the pipe when it serves. On "$TERM" takes no new streams, serves until the old
 * ones are gone or --drain-timeout is over, says GOODBYE and returns. Returns by itself where the zygote died or no decoder
 * starts: nothing can be decoded then. */
void es_transcriber_actor(zsock_t *pipe, void *args);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_transcriber_metrics(void);

#endif
