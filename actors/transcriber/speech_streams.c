#include "speech_streams.h"

#include <stdlib.h>

#include "alloc.h"
#include "health.h"
#include "log.h"
#include "partials.h"
#include "transcript.h"

static ES_METRIC_COUNTER(checkpoints_lost, "earshot_transcriber_checkpoints_lost_total",
                         "Streams begun afresh, because their checkpoint could not be used.");
static ES_METRIC_COUNTER(finals, "earshot_transcriber_finals_total{kind=\"words\"}", "Finals, by what they hold.");
static ES_METRIC_COUNTER(silences, "earshot_transcriber_finals_total{kind=\"silence\"}", "");
static ES_METRIC_COUNTER(failures, "earshot_transcriber_finals_total{kind=\"failed\"}", "");

es_metric_t *const *es_speech_streams_metrics(void)
{
    static es_metric_t *const list[] = {&checkpoints_lost, &finals, &silences, &failures, NULL};
    return list;
}

struct es_speech_streams {
    es_decoder_pool_t *pool, *batch;
    es_partials_t *partials; /* NULL: none */
    size_t busy;
    uint32_t decoders;
};

typedef struct {
    es_speech_streams_t *all;
    es_decoder_pool_t *pool;
    es_stream_t *stream;
    es_transcript_t *transcript;
    bool partials, done;
} speech_t;

static void settle(speech_t *self)
{
    if (self->done || !es_transcript_done(self->transcript)) return;
    self->done = true;
    self->all->busy--;
}

/* --- answers --- */

static void on_words(void *owner, uint64_t id, const es_engine_result_t *result)
{
    speech_t *self = owner;
    if (result->error.len > 0)
        es_log_warn("segment given up", ES_S("client", es_stream_key(self->stream)),
                    ES_B("why", result->error.ptr, result->error.len));
    es_transcript_result(self->transcript, id, result);
    settle(self);
}

static void on_partial(void *owner, es_span_t text, size_t samples)
{
    speech_t *self = owner;
    es_transcript_open_t open;
    if (!es_transcript_open(self->transcript, &open)) return;
    es_stream_partial(self->stream, open.seq, text, open.start, open.start + samples);
}

static void on_segment(void *ctx, uint64_t id, const int16_t *pcm, size_t samples)
{
    speech_t *self = ctx;
    if (self->partials) es_partials_end(self->all->partials, self);
    if (es_decoder_pool_submit(self->pool, self, id, pcm, samples) == 0) return;
    es_engine_result_t result = {.error = es_span("too much audio waits for a decoder")};
    on_words(self, id, &result);
}

static void on_final(void *ctx, const es_final_t *final)
{
    speech_t *self = ctx;
    es_metric_add(final->flags & ES_F_FAILED ? &failures : final->flags & ES_F_SILENCE ? &silences : &finals, 1);
    es_stream_final(self->stream, final);
}

/* --- streams --- */

static void *speech_open(void *ctx, es_stream_t *stream, const es_msg_t *start)
{
    static const es_transcript_ops_t ops = {.segment = on_segment, .final = on_final};
    es_speech_streams_t *all = ctx;
    speech_t *self = es_alloc_zero(sizeof *self);
    es_span_t checkpoint = ES_HAS(start, ES_M_CHECKPOINT) ? start->checkpoint : (es_span_t){0};
    bool lost;
    self->all = all;
    self->stream = stream;
    bool batch = ES_HAS(start, ES_M_PRIORITY) && start->priority > 0;
    self->pool = batch ? all->batch : all->pool;
    self->partials = all->partials && !batch && (start->flags & ES_F_PARTIALS);
    self->transcript = es_transcript_new(&ops, self, start->base, start->pos, checkpoint, &lost);
    all->busy++;
    if (lost) {
        es_metric_add(&checkpoints_lost, 1);
        es_log_warn("checkpoint of no use: the stream begins afresh", ES_S("client", es_stream_key(stream)),
                    ES_U("bytes", checkpoint.len), ES_U("pos", start->pos));
    }
    return self;
}

static void speech_frame(void *state, es_stream_t *stream, const es_msg_t *frame, const void *pcm, size_t bytes)
{
    speech_t *self = state;
    es_transcript_open_t open;
    (void)stream;
    es_transcript_frame(self->transcript, frame->seq, ES_HAS(frame, ES_M_FLAGS) ? frame->flags : 0, pcm, bytes);
    settle(self);
    if (self->partials && es_transcript_open(self->transcript, &open))
        es_partials_hear(self->all->partials, self, open.start, open.pcm, open.samples);
}

static void speech_close(void *state, es_stream_t *stream)
{
    speech_t *self = state;
    (void)stream;
    if (self->partials) es_partials_end(self->all->partials, self);
    es_decoder_pool_forget(self->pool, self);
    es_transcript_destroy(&self->transcript);
    if (!self->done) self->all->busy--;
    free(self);
}

const es_worker_ops_t es_speech_worker_ops = {.open = speech_open, .frame = speech_frame, .close = speech_close};

/* --- all of them --- */

es_speech_streams_t *es_speech_streams_new(const es_speech_config_t *config, es_zygote_t *zygote, es_loop_t *loop)
{
    es_speech_streams_t *self = es_alloc_zero(sizeof *self);
    self->decoders = config->pool.decoders;
    bool partials = config->partials > 0 && (es_zygote_engine(zygote)->capabilities & ES_ENGINE_PARTIALS);
    es_decoder_pool_config_t batch = config->pool;
    batch.batch = true;
    batch.nice = config->batch_nice;
    batch.first_id += batch.decoders;
    self->pool = es_decoder_pool_new(&config->pool, zygote, loop, on_words);
    self->batch = es_decoder_pool_new(&batch, zygote, loop, on_words);
    if (partials) self->partials = es_partials_new(config->partials, zygote, loop, on_partial);
    return self;
}

void es_speech_streams_destroy(es_speech_streams_t **self_p)
{
    es_speech_streams_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_partials_destroy(&self->partials);
    es_decoder_pool_destroy(&self->pool);
    es_decoder_pool_destroy(&self->batch);
    free(self);
}

size_t es_speech_streams_busy(const es_speech_streams_t *self)
{
    return self->busy;
}

void es_speech_streams_tell(const es_speech_streams_t *self, uint64_t now_us)
{
    uint64_t oldest_us = es_decoder_pool_oldest(self->pool);
    uint64_t lag_us = oldest_us && oldest_us < now_us ? now_us - oldest_us : 0;
    es_health_lag(ES_HEALTH_WORK, lag_us, "the oldest audio has waited %.1f s: %zu segments wait for %u decoders",
                  (double)lag_us / 1e6, es_decoder_pool_waiting(self->pool), self->decoders);
}
