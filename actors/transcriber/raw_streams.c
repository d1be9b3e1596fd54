#include "raw_streams.h"

#include <stdlib.h>

#include "alloc.h"
#include "wire.h"

/* Answers that one stream may have waiting; more than a sender retains, so only a strange one gets there. The oldest then comes early. */
enum { WAITING_MAX = 32768 };

static ES_METRIC_COUNTER(answers, "earshot_transcriber_raw_answers_total", "Frames answered one by one.");
static ES_METRIC_COUNTER(early, "earshot_transcriber_raw_early_total",
                         "Delayed answers given early, because too many of one stream were waiting.");

es_metric_t *const *es_raw_streams_metrics(void)
{
    static es_metric_t *const list[] = {&answers, &early, NULL};
    return list;
}

/* The delay is the same for all, so one list in order of arrival is in order of time. A stream's own list serves to forget it. */
typedef struct answer {
    struct answer *prev, *next; /* of all */
    struct answer *later;       /* of the stream */
    struct raw_stream *of;
    uint64_t due_us, seq, bytes, flags, pos, samples;
} answer_t;

typedef struct raw_stream {
    es_raw_streams_t *all;
    es_stream_t *stream;
    answer_t *first, *last;
    size_t waiting;
    bool done; /* EOS is answered */
} raw_stream_t;

struct es_raw_streams {
    const es_engine_t *engine;
    void *decoder;
    uint64_t delay_us;
    answer_t *first, *last;
    size_t busy;
};

es_raw_streams_t *es_raw_streams_new(const es_engine_t *engine, uint64_t delay_us)
{
    es_raw_streams_t *self = es_alloc_zero(sizeof *self);
    self->engine = engine;
    self->decoder = engine->attach(NULL);
    self->delay_us = delay_us;
    return self;
}

void es_raw_streams_destroy(es_raw_streams_t **self_p)
{
    es_raw_streams_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    self->engine->free(self->decoder);
    free(self);
}

static void give(raw_stream_t *of, const answer_t *a)
{
    es_raw_streams_t *self = of->all;
    es_final_t final = {.to_seq = a->seq, .flags = ES_F_SILENCE, .start = a->pos, .end = a->pos};
    es_metric_add(&answers, 1);
    if (!(a->flags & (ES_F_EOS | ES_F_MARK))) {
        es_engine_result_t result;
        es_segment_t segment = {.client_id = es_stream_key(of->stream), .seq = a->seq, .bytes = a->bytes};
        self->engine->begin(self->decoder, &segment);
        self->engine->end(self->decoder, &result);
        final.flags = 0;
        final.text = result.text;
        final.confidence = result.confidence;
        final.end = a->pos + a->samples;
    }
    if ((a->flags & ES_F_EOS) && !of->done) {
        of->done = true;
        self->busy--;
    }
    es_stream_final(of->stream, &final);
}

static void append(raw_stream_t *of, const answer_t *a)
{
    es_raw_streams_t *self = of->all;
    answer_t *copy = es_alloc(sizeof *copy);
    *copy = *a;
    copy->prev = self->last;
    copy->next = copy->later = NULL;
    *(self->last ? &self->last->next : &self->first) = copy;
    self->last = copy;
    *(of->last ? &of->last->later : &of->first) = copy;
    of->last = copy;
    of->waiting++;
}

static void drop_first(raw_stream_t *of)
{
    es_raw_streams_t *self = of->all;
    answer_t *a = of->first;
    *(a->prev ? &a->prev->next : &self->first) = a->next;
    *(a->next ? &a->next->prev : &self->last) = a->prev;
    of->first = a->later;
    if (!of->first) of->last = NULL;
    of->waiting--;
    free(a);
}

static void give_first(raw_stream_t *of)
{
    give(of, of->first);
    drop_first(of);
}

uint64_t es_raw_streams_tick(void *ctx, uint64_t now_us)
{
    es_raw_streams_t *self = ctx;
    while (self->first && self->first->due_us <= now_us) give_first(self->first->of);
    return self->first ? self->first->due_us : UINT64_MAX;
}

static void *raw_open(void *ctx, es_stream_t *stream, const es_msg_t *start)
{
    raw_stream_t *of = es_alloc_zero(sizeof *of);
    (void)start;
    of->all = ctx;
    of->stream = stream;
    of->all->busy++;
    return of;
}

static void raw_frame(void *state, es_stream_t *stream, const es_msg_t *frame, const void *pcm, size_t bytes)
{
    raw_stream_t *of = state;
    (void)stream;
    (void)pcm;
    answer_t a = {.of = of,
                  .seq = frame->seq,
                  .bytes = ES_HAS(frame, ES_M_SIZE) ? frame->size : bytes,
                  .flags = ES_HAS(frame, ES_M_FLAGS) ? frame->flags : 0,
                  .pos = ES_HAS(frame, ES_M_POS) ? frame->pos : 0,
                  .samples = bytes / 2};
    if (of->all->delay_us == 0) {
        give(of, &a);
        return;
    }
    a.due_us = es_now_us() + of->all->delay_us;
    if (of->waiting >= WAITING_MAX) {
        es_metric_add(&early, 1);
        give_first(of);
    }
    append(of, &a);
}

static void raw_close(void *state, es_stream_t *stream)
{
    raw_stream_t *of = state;
    (void)stream;
    while (of->first) drop_first(of);
    if (!of->done) of->all->busy--;
    free(of);
}

const es_worker_ops_t es_raw_worker_ops = {.open = raw_open, .frame = raw_frame, .close = raw_close};

size_t es_raw_streams_busy(const es_raw_streams_t *self)
{
    return self->busy;
}
