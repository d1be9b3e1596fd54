#include "transcriber_actor.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "alloc.h"
#include "engines/engines.h"
#include "log.h"
#include "metrics_page.h"
#include "partials.h"
#include "raw_streams.h"
#include "runner.h"
#include "speech_streams.h"
#include "wire.h"
#include "worker.h"

#define TICK_US UINT64_C(1000)        /* under load, gather frames for at most this long */
#define TELL_US UINT64_C(500000)      /* between two words about our health */
#define DRAIN_LOOK_US UINT64_C(20000) /* between two looks whether all streams are gone */

typedef struct {
    const es_transcriber_config_t *config;
    es_loop_t *loop;
    es_worker_t *worker;
    es_raw_streams_t *raw; /* one of the two */
    es_speech_streams_t *speech;
    uint64_t drain_us; /* when draining ends at the latest; 0: not asked to end */
    uint64_t tell_us;  /* when health is told next */
} transcriber_t;

int es_transcriber_prepare(es_transcriber_config_t *config)
{
    const es_engine_t *engine = es_engine_at(config->engine);
    es_engine_config_t engine_config = {.model_dir = config->model_dir};
    char err[512];
    bool refused;
    config->zygote = NULL;
    if (engine->capabilities & ES_ENGINE_RAW_FRAMES) return 0;
    config->zygote = es_zygote_start(engine, &engine_config, &refused, err, sizeof err);
    if (config->zygote) return 0;
    fprintf(stderr, "earshot-transcriber: engine %s: %s\n", engine->name, err);
    return refused ? 2 : 1;
}

void es_transcriber_config_fini(es_transcriber_config_t *config)
{
    es_zygote_destroy(&config->zygote);
    es_config_fini(config, es_transcriber_option_tables);
}

static es_metric_t *all_metrics[64]; /* the last one stays NULL */

static void gather_metrics(void)
{
    es_metric_t *const *const parts[] = {es_raw_streams_metrics(), es_speech_streams_metrics(),
                                         es_decoder_pool_metrics(), es_partials_metrics()};
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        for (es_metric_t *const *m = parts[i]; *m && n + 1 < sizeof all_metrics / sizeof all_metrics[0]; m++)
            all_metrics[n++] = *m;
}

es_metric_t *const *es_transcriber_metrics(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, gather_metrics);
    return all_metrics;
}

static size_t busy(const transcriber_t *self)
{
    return self->raw ? es_raw_streams_busy(self->raw) : es_speech_streams_busy(self->speech);
}

static void on_term(void *ctx, uint64_t now_us)
{
    transcriber_t *self = ctx;
    self->drain_us = now_us + self->config->drain_timeout_us;
    es_log_info("draining", ES_U("streams", busy(self)));
    es_worker_drain(self->worker);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    transcriber_t *self = ctx;
    if (self->speech && now_us >= self->tell_us) {
        self->tell_us = now_us + TELL_US;
        es_speech_streams_tell(self->speech, now_us);
    }
    if (self->drain_us == 0) return UINT64_MAX;
    size_t left = busy(self);
    if (left == 0 || now_us >= self->drain_us) {
        if (left > 0) es_log_warn("not drained in time: others take over", ES_U("streams", left));
        es_loop_stop(self->loop);
    }
    return now_us + DRAIN_LOOK_US < self->drain_us ? now_us + DRAIN_LOOK_US : self->drain_us;
}

/* Nothing can be decoded any more, and a new zygote cannot be forked beside threads: end, and let whoever started us start us again. */
static void on_zygote(void *ctx, short revents, uint64_t now_us)
{
    transcriber_t *self = ctx;
    (void)revents;
    (void)now_us;
    es_log_error("the process that holds the model is gone: ending; streams go on with another transcriber");
    es_loop_stop(self->loop);
}

static void on_broken(void *ctx, uint32_t failures)
{
    transcriber_t *self = ctx;
    es_log_error("no decoder starts: ending; streams go on with another transcriber. Is there memory for the model, "
                 "and may this user have more "
                 "processes (ulimit -u)?",
                 ES_U("failures", failures));
    es_loop_stop(self->loop);
}

static uint32_t or_default(uint64_t configured, long otherwise)
{
    return configured > 0 ? (uint32_t)configured : otherwise > 0 ? (uint32_t)otherwise : 1;
}

/* The streams, and what the worker is to call for them. */
static const es_worker_ops_t *start_streams(transcriber_t *self, void **ctx)
{
    const es_transcriber_config_t *config = self->config;
    if (!config->zygote) {
        *ctx = self->raw = es_raw_streams_new(es_engine_at(config->engine), config->delay_ms * 1000);
        es_loop_add_tick(self->loop, es_raw_streams_tick, self->raw);
        return &es_raw_worker_ops;
    }
    es_speech_config_t speech = {.pool = {.decoders = or_default(config->decoders, sysconf(_SC_NPROCESSORS_ONLN)),
                                          .deadline_us = config->segment_deadline_us,
                                          .start_limit = (uint32_t)config->decoder_starts,
                                          .broken = on_broken,
                                          .broken_ctx = self},
                                 .batch_nice = (int)config->batch_nice,
                                 .partials = (uint32_t)config->partials};
    if (speech.pool.decoders > ES_TRANSCRIBER_DECODERS_MAX) speech.pool.decoders = ES_TRANSCRIBER_DECODERS_MAX;
    *ctx = self->speech = es_speech_streams_new(&speech, config->zygote, self->loop);
    es_loop_add_fd(self->loop, es_zygote_fd(config->zygote), POLLIN, on_zygote, self);
    return &es_speech_worker_ops;
}

static int start(transcriber_t *self)
{
    const es_transcriber_config_t *config = self->config;
    const es_engine_t *engine = es_engine_at(config->engine);
    es_worker_config_t worker = {.name = config->common.name,
                                 .service = "transcribe",
                                 .brokers = config->common.broker,
                                 .capacity = or_default(config->capacity, engine->capacity),
                                 .idle_us = config->idle_us};
    void *ctx;
    const es_worker_ops_t *ops = start_streams(self, &ctx);
    self->worker = es_worker_new(&worker, ops, ctx);
    if (!self->worker) return -1;
    es_worker_attach(self->worker, self->loop);
    es_loop_add_tick(self->loop, on_tick, self);
    es_log_info("serving", ES_S("engine", engine->name), ES_U("capacity", worker.capacity));
    return 0;
}

void es_transcriber_actor(zsock_t *pipe, void *args)
{
    transcriber_t self = {.config = args, .loop = es_loop_new()};
    es_log_actor(self.config->common.name);
    es_metrics_register(es_transcriber_metrics());
    es_metrics_register(es_worker_metrics());
    es_loop_set_tick(self.loop, TICK_US);
    if (start(&self) == 0) {
        es_worker_on_drain(self.worker, es_runner_drain, es_runner_watch_pipe(self.loop, pipe, on_term, &self));
        zsock_signal(pipe, 0);
        es_loop_run(self.loop);
    } else {
        es_runner_fail(pipe);
    }
    es_worker_destroy(&self.worker);
    es_speech_streams_destroy(&self.speech);
    es_raw_streams_destroy(&self.raw);
    es_loop_destroy(&self.loop);
}
