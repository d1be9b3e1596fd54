/* An actor of your own in C: says for every second of audio how loud it was.
 *
 *     earshot-example-level --broker tcp://10.0.0.1:5570
 *
 * worker.h does the protocol; this file is what an engine has to do: take frames, and cover them with finals. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "curve.h"
#include "log.h"
#include "metrics_page.h"
#include "runner.h"
#include "worker.h"

typedef struct {
    es_common_config_t common;
    uint64_t capacity;
} config_t;

static const es_option_t options[] = {
    ES_OPT_UINT(config_t, capacity, "capacity", NULL, "32", 1, 100000, "streams at once"), ES_OPT_END};
static const es_option_t *const tables[] = {es_common_options, options, NULL};
static const es_config_about_t about = {.program = "earshot-example-level",
                                        .usage = "[OPTIONS]",
                                        .about = "An example actor: answers each second of audio with its level."};

/* What one stream needs: the second that is being measured. */
typedef struct {
    uint64_t start, end; /* samples, on the stream's clock */
    double sum;          /* of squares */
} meter_t;

static void *level_open(void *ctx, es_stream_t *stream, const es_msg_t *start)
{
    (void)ctx;
    (void)stream;
    meter_t *meter = calloc(1, sizeof *meter);
    if (!meter) abort();
    meter->start = meter->end = start->pos;
    return meter;
}

static void level_close(void *state, es_stream_t *stream)
{
    (void)stream;
    free(state);
}

/* Covers everything up to this frame; nothing that a successor would need is left, so there is no checkpoint. */
static void say(meter_t *meter, es_stream_t *stream, uint64_t to_seq)
{
    char text[64] = "";
    uint64_t samples = meter->end - meter->start;
    double rms = samples ? sqrt(meter->sum / (double)samples) / 32768.0 : 0;
    if (samples) snprintf(text, sizeof text, "%.0f dBFS", rms > 0 ? 20 * log10(rms) : -96.0);
    es_final_t final = {.to_seq = to_seq,
                        .flags = samples ? 0 : ES_F_SILENCE,
                        .text = es_span(text),
                        .start = meter->start,
                        .end = meter->end,
                        .confidence = 1000};
    es_stream_final(stream, &final);
    meter->start = meter->end;
    meter->sum = 0;
}

static void level_frame(void *state, es_stream_t *stream, const es_msg_t *frame, const void *pcm, size_t bytes)
{
    meter_t *meter = state;
    const char *at = pcm;
    for (size_t i = 0; i + 1 < bytes; i += 2) {
        int16_t sample;
        memcpy(&sample, at + i, sizeof sample);
        meter->sum += (double)sample * sample;
    }
    meter->end = frame->pos + bytes / 2;
    if (meter->end - meter->start >= 16000 || (frame->flags & (ES_F_EOS | ES_F_MARK))) say(meter, stream, frame->seq);
}

static void level_actor(zsock_t *pipe, void *args)
{
    static const es_worker_ops_t ops = {.open = level_open, .frame = level_frame, .close = level_close};
    const config_t *config = args;
    es_worker_config_t worker_config = {.name = config->common.name,
                                        .service = "transcribe",
                                        .brokers = config->common.broker,
                                        .capacity = (uint32_t)config->capacity};
    es_worker_t *worker = es_worker_new(&worker_config, &ops, NULL);
    if (!worker) {
        es_runner_fail(pipe);
        return;
    }
    es_metrics_register(es_worker_metrics()); /* for --metrics; one's own lists go the same way */
    es_loop_t *loop = es_loop_new();
    es_worker_attach(worker, loop);
    es_worker_on_drain(worker, es_runner_drain, es_runner_watch_pipe(loop, pipe, NULL, NULL));
    zsock_signal(pipe, 0);
    es_loop_run(loop);
    es_worker_destroy(&worker);
    es_loop_destroy(&loop);
}

int main(int argc, char **argv)
{
    config_t config;
    es_runner_prepare();
    es_config_result_t result = es_config_load(&config, tables, &about, argc, argv, NULL);
    if (result == ES_CONFIG_OK && es_common_config_settle(&config.common, "level") != 0) result = ES_CONFIG_ERROR;
    if (result == ES_CONFIG_OK && es_curve_init(&config.common, ES_ROLE_TRANSCRIBER, NULL) != 0)
        result = ES_CONFIG_ERROR;
    int status = result == ES_CONFIG_HELP ? 0 : 2;
    if (result == ES_CONFIG_OK) status = es_runner_main(level_actor, &config, &config.common);
    es_config_fini(&config, tables);
    return status;
}
