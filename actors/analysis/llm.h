/* Summaries from a language model: one question, a few tries, and an answer in any case, if only that there is none and why. In the loop's thread; nothing waits. */
#ifndef ES_LLM_H
#define ES_LLM_H

#include "http_client.h"
#include "llm_wire.h"

typedef struct es_llm es_llm_t;

typedef struct {
    const char *url; /* es_llm_address */
    const char *model;
    const char *key;     /* NULL: none. Never logged, never said back */
    uint64_t timeout_us; /* of each try */
    uint64_t tries;
    unsigned connections; /* questions under way at once, more wait */
} es_llm_config_t;

/* summary is {"state":"ok","text","model","transcriptBytes","transcriptCut"} or {"state":"unavailable","reason","tries"}; owned by who is told. Once for each question that was
 * not given up, never inside es_llm_ask. */
typedef void (*es_llm_done_fn)(void *ctx, json_t *summary);

/* Strings are copied. The loop must not run on after es_llm_destroy. */
es_llm_t *es_llm_new(es_loop_t *loop, const es_llm_config_t *config);
void es_llm_destroy(es_llm_t **self_p);
/* question->model is the config's. Everything is copied. The number is for es_llm_forget, never 0. */
uint64_t es_llm_ask(es_llm_t *self, const es_llm_question_t *question, es_llm_done_fn done, void *ctx);
/* Gives a question up; a number that is not under way is nothing. */
void es_llm_forget(es_llm_t *self, uint64_t number);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_llm_metrics(void);

#endif
