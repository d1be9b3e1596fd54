#include "transcriber_actor.h"

#include "alloc.h"
#include "engines/engines.h"
#include "log.h"
#include "raw_streams.h"
#include "runner.h"
#include "wire.h"
#include "worker.h"

#define TICK_US UINT64_C(1000) /* under load, gather frames for at most this long */

typedef struct {
    const es_transcriber_config_t *config;
    es_loop_t *loop;
    es_worker_t *worker;
    es_raw_streams_t *raw;
    uint64_t drain_us; /* when draining ends at the latest; 0: not asked to end */
} transcriber_t;

void es_transcriber_config_fini(es_transcriber_config_t *config)
{
    es_config_fini(config, es_transcriber_option_tables);
}

int es_transcriber_prepare(es_transcriber_config_t *config)
{
    config->zygote = NULL;
    return 0;
}

es_metric_t *const *es_transcriber_metrics(void)
{
    return es_raw_streams_metrics();
}

static void on_term(void *ctx, uint64_t now_us)
{
    transcriber_t *self = ctx;
    self->drain_us = now_us + self->config->drain_timeout_us;
    es_log_info("draining", ES_U("streams", es_worker_streams(self->worker)));
    es_worker_drain(self->worker);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    transcriber_t *self = ctx;
    if (self->drain_us == 0) return UINT64_MAX;
    size_t left = es_worker_streams(self->worker);
    if (left == 0 || now_us >= self->drain_us) {
        if (left > 0) es_log_warn("not drained in time: others take over", ES_U("streams", left));
        es_loop_stop(self->loop);
    }
    return self->drain_us;
}

static int start(transcriber_t *self)
{
    const es_transcriber_config_t *config = self->config;
    const es_engine_t *engine = es_engine_at(config->engine);
    es_worker_config_t worker = {.name = config->common.name,
                                 .service = "transcribe",
                                 .brokers = config->common.broker,
                                 .capacity = config->capacity ? (uint32_t)config->capacity : engine->capacity,
                                 .idle_us = config->idle_us};
    self->raw = es_raw_streams_new(engine, config->delay_ms * 1000);
    self->worker = es_worker_new(&worker, &es_raw_worker_ops, self->raw);
    if (!self->worker) return -1;
    es_loop_add_tick(self->loop, es_raw_streams_tick, self->raw);
    es_worker_attach(self->worker, self->loop);
    es_loop_add_tick(self->loop, on_tick, self);
    es_log_info("serving", ES_S("engine", engine->name), ES_U("capacity", worker.capacity));
    return 0;
}

void es_transcriber_actor(zsock_t *pipe, void *args)
{
    transcriber_t self = {.config = args, .loop = es_loop_new()};
    es_log_actor(self.config->common.name);
    es_loop_set_tick(self.loop, TICK_US);
    if (start(&self) == 0) {
        es_runner_watch_pipe(self.loop, pipe, on_term, &self);
        zsock_signal(pipe, 0);
        es_loop_run(self.loop);
    } else {
        es_runner_fail(pipe);
    }
    es_worker_destroy(&self.worker);
    es_raw_streams_destroy(&self.raw);
    es_loop_destroy(&self.loop);
}
