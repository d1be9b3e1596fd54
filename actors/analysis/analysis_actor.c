#include "analysis_actor.h"

#include <pthread.h>

#include "analysis_streams.h"
#include "job_wire.h"
#include "llm_wire.h"
#include "log.h"
#include "metrics_page.h"
#include "runner.h"
#include "url_shown.h"

#define TELL_US UINT64_C(500000)      /* between two words about our health */
#define DRAIN_LOOK_US UINT64_C(20000) /* between two looks whether all streams are answered */

typedef struct {
    const es_analysis_config_t *config;
    es_loop_t *loop;
    es_llm_t *llm; /* NULL: none */
    es_analysis_streams_t *streams;
    es_worker_t *worker;
    uint64_t drain_us; /* when draining ends at the latest; 0: not asked to end */
    uint64_t tell_us;  /* when health is told next */
} analysis_t;

static es_metric_t *all_metrics[32]; /* the last one stays NULL */

static void gather_metrics(void)
{
    es_metric_t *const *const parts[] = {es_analysis_streams_metrics(), es_llm_metrics(), es_http_client_metrics()};
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        for (es_metric_t *const *m = parts[i]; *m && n + 1 < sizeof all_metrics / sizeof all_metrics[0]; m++)
            all_metrics[n++] = *m;
}

es_metric_t *const *es_analysis_metrics(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, gather_metrics);
    return all_metrics;
}

static void on_term(void *ctx, uint64_t now_us)
{
    analysis_t *self = ctx;
    self->drain_us = now_us + self->config->drain_timeout_us;
    es_log_info("draining", ES_U("streams", es_worker_streams(self->worker)));
    es_worker_drain(self->worker);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    analysis_t *self = ctx;
    if (now_us >= self->tell_us) {
        self->tell_us = now_us + TELL_US;
        es_analysis_streams_tell(self->streams, now_us);
    }
    if (self->drain_us == 0) return UINT64_MAX;
    size_t left = es_worker_streams(self->worker);
    if (left == 0 || now_us >= self->drain_us) {
        if (left > 0) es_log_warn("not drained in time: others take over", ES_U("streams", left));
        es_loop_stop(self->loop);
    }
    return now_us + DRAIN_LOOK_US < self->drain_us ? now_us + DRAIN_LOOK_US : self->drain_us;
}

static void start_llm(analysis_t *self)
{
    const es_analysis_config_t *config = self->config;
    char shown[ES_LLM_URL_MAX];
    if (!config->llm_address) return;
    es_llm_config_t llm = {.url = config->llm_address,
                           .model = config->llm_model,
                           .key = config->llm_key,
                           .timeout_us = config->llm_timeout_us,
                           .tries = config->llm_tries,
                           .connections = (unsigned)config->capacity};
    self->llm = es_llm_new(self->loop, &llm);
    es_url_shown(config->llm_address, shown, sizeof shown);
    es_log_info("summaries are asked for", ES_S("at", shown), ES_S("model", config->llm_model));
}

static int start(analysis_t *self)
{
    const es_analysis_config_t *config = self->config;
    es_worker_config_t worker = {.name = config->common.name,
                                 .service = ES_ANALYZE_SERVICE,
                                 .brokers = config->common.broker,
                                 .capacity = (uint32_t)config->capacity};
    start_llm(self);
    self->streams = es_analysis_streams_new(self->loop, self->llm, config->max_document, config->llm_max_chars);
    self->worker = es_worker_new(&worker, &es_analysis_worker_ops, self->streams);
    if (!self->worker) return -1;
    es_worker_attach(self->worker, self->loop);
    es_loop_add_tick(self->loop, on_tick, self);
    es_log_info("serving", ES_U("capacity", worker.capacity));
    return 0;
}

void es_analysis_actor(zsock_t *pipe, void *args)
{
    analysis_t self = {.config = args, .loop = es_loop_new()};
    es_log_actor(self.config->common.name);
    es_metrics_register(es_analysis_metrics());
    es_metrics_register(es_worker_metrics());
    if (start(&self) == 0) {
        es_worker_on_drain(self.worker, es_runner_drain, es_runner_watch_pipe(self.loop, pipe, on_term, &self));
        zsock_signal(pipe, 0);
        es_loop_run(self.loop);
    } else {
        es_runner_fail(pipe);
    }
    es_worker_destroy(&self.worker);
    es_analysis_streams_destroy(&self.streams);
    es_llm_destroy(&self.llm);
    es_loop_destroy(&self.loop);
}
