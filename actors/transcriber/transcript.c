#include "transcript.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "said.h"
#include "segmenter.h"

enum {
    SILENCE_EVERY = ES_SEG_RATE,     /* silence is committed at whole seconds of the stream's clock */
    BUFFER_SLACK = 4 * ES_SEG_RATE,  /* samples kept for nothing before the buffer is moved together */
    BUFFER_SPARE = 20 * ES_SEG_RATE, /* room above this is given back */
    FRAMES_FIRST = 64
};

/* A place where frames end; more than one frame may end there. */
typedef struct {
    uint64_t seq, end;
} frame_t;

/* What was decided, in the order of the stream. */
typedef struct decision {
    struct decision *next;
    uint64_t id; /* of the segment; 0: silence */
    uint64_t to_seq, start, end, samples;
    bool done;
    es_said_t said; /* where done */
    uint8_t checkpoint[ES_SEG_CHECKPOINT];
} decision_t;

struct es_transcript {
    const es_transcript_ops_t *ops;
    void *ctx;
    es_segmenter_t segmenter;
    int16_t *buffer; /* samples from buffer_pos on; its end is where the next frame begins */
    uint64_t buffer_pos;
    size_t len, cap;
    frame_t *frames; /* not covered by a decision: frames[first..count) */
    size_t first, count, room;
    uint64_t seq, covered;     /* last frame taken, last one decided */
    uint64_t last_id, waiting; /* samples without words */
    decision_t *head, *tail;
    uint64_t committed; /* last seq in a final */
    es_said_t held;     /* words whose frame is not complete */
    bool eos, done;
};

es_transcript_t *es_transcript_new(const es_transcript_ops_t *ops, void *ctx, uint64_t base, uint64_t pos,
                                   es_span_t checkpoint, bool *lost)
{
    es_transcript_t *self = es_alloc_zero(sizeof *self);
    self->ops = ops;
    self->ctx = ctx;
    self->seq = self->covered = self->committed = base;
    self->buffer_pos = pos;
    bool bad = checkpoint.len > 0 && es_segmenter_decode(&self->segmenter, checkpoint.ptr, checkpoint.len, pos) != 0;
    if (bad || checkpoint.len == 0) es_segmenter_init(&self->segmenter, pos);
    if (lost) *lost = bad;
    return self;
}

static void decision_destroy(decision_t *decision)
{
    es_said_fini(&decision->said);
    free(decision);
}

void es_transcript_destroy(es_transcript_t **self_p)
{
    es_transcript_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (decision_t *next, *d = self->head; d; d = next) {
        next = d->next;
        decision_destroy(d);
    }
    es_said_fini(&self->held);
    free(self->buffer);
    free(self->frames);
    free(self);
}

/* --- finals --- */

static void emit(es_transcript_t *self, const decision_t *decision)
{
    es_final_t final = {.to_seq = decision->to_seq, .checkpoint = es_span_of(decision->checkpoint, ES_SEG_CHECKPOINT)};
    es_said_final(&self->held, &final, decision->end);
    self->committed = decision->to_seq;
    self->ops->final(self->ctx, &final);
    es_said_fini(&self->held);
}

/* In order, as far as all is known. */
static void release(es_transcript_t *self)
{
    while (self->head && self->head->done) {
        decision_t *decision = self->head;
        self->head = decision->next;
        if (!self->head) self->tail = NULL;
        es_said_join(&self->held, &decision->said);
        if (decision->to_seq > self->committed) emit(self, decision);
        decision_destroy(decision);
    }
    if (self->eos && !self->head) self->done = true;
}

void es_transcript_result(es_transcript_t *self, uint64_t id, const es_engine_result_t *result)
{
    decision_t *decision = self->head;
    while (decision && (decision->id != id || decision->done)) decision = decision->next;
    if (!decision || id == 0) return;
    es_said_set(&decision->said, result, decision->start, decision->end);
    decision->done = true;
    self->waiting -= decision->samples;
    release(self);
}

/* --- decisions --- */

static uint64_t heard(const es_transcript_t *self)
{
    return self->buffer_pos + self->len;
}

static uint64_t cover(es_transcript_t *self, uint64_t cut)
{
    while (self->first < self->count && self->frames[self->first].end <= cut)
        self->covered = self->frames[self->first++].seq;
    if (self->first == self->count) self->first = self->count = 0;
    return self->covered;
}

static decision_t *decide(es_transcript_t *self, uint64_t start, uint64_t cut)
{
    decision_t *decision = es_alloc_zero(sizeof *decision);
    decision->to_seq = cover(self, cut);
    decision->start = start;
    decision->end = cut;
    es_segmenter_encode(&self->segmenter, decision->checkpoint);
    *(self->tail ? &self->tail->next : &self->head) = decision;
    self->tail = decision;
    return decision;
}

/* Frames that end before `cut` hold nothing that will be heard. */
static void decide_silence(es_transcript_t *self, uint64_t cut)
{
    if (self->first == self->count || self->frames[self->first].end > cut) return;
    decide(self, cut, cut)->done = true;
    release(self);
}

static void fail(es_transcript_t *self, uint64_t id, const char *why)
{
    es_engine_result_t result = {.error = es_span(why)};
    es_transcript_result(self, id, &result);
}

static void decide_segment(es_transcript_t *self, const es_segment_cut_t *cut)
{
    static const es_engine_result_t nothing = {0};
    /* A checkpoint that lies may have the segment begin or end where there is no audio. */
    uint64_t from = cut->start > self->buffer_pos ? cut->start : self->buffer_pos;
    uint64_t to = cut->heard < heard(self) ? cut->heard : heard(self);
    decision_t *decision = decide(self, from, cut->end);
    uint64_t id = decision->id = ++self->last_id;
    decision->samples = to > from ? to - from : 0;
    self->waiting += decision->samples;
    if (cut->heard <= cut->start) /* the cap has cut in this pause already: all that was said lies before */
        es_transcript_result(self, id, &nothing);
    else if (decision->samples == 0)
        fail(self, id, "no audio");
    else if (self->waiting > ES_TRANSCRIPT_WAITING_MAX)
        fail(self, id, "too much audio of this stream waits for a decoder");
    else
        self->ops->segment(self->ctx, id, self->buffer + (from - self->buffer_pos), (size_t)decision->samples);
}

/* --- audio --- */

/* Drops what no segment can reach any more. */
static void trim(es_transcript_t *self)
{
    uint64_t needs = es_segmenter_needs(&self->segmenter);
    size_t unused = needs > self->buffer_pos ? (size_t)(needs - self->buffer_pos) : 0;
    if (unused > self->len) unused = self->len;
    if (unused < BUFFER_SLACK && unused < self->len) return;
    self->len -= unused;
    self->buffer_pos += unused;
    if (self->cap > BUFFER_SPARE && self->len < BUFFER_SPARE / 2) {
        size_t cap = BUFFER_SPARE / 2;
        int16_t *smaller = es_alloc(cap * sizeof *smaller);
        memcpy(smaller, self->buffer + unused, self->len * sizeof *smaller);
        free(self->buffer);
        self->buffer = smaller;
        self->cap = cap;
    } else if (self->len > 0) {
        memmove(self->buffer, self->buffer + unused, self->len * sizeof *self->buffer);
    }
}

static void append(es_transcript_t *self, const void *pcm, size_t samples)
{
    if (self->len + samples > self->cap) {
        size_t cap = self->cap ? 2 * self->cap : ES_SEG_RATE;
        while (cap < self->len + samples) cap *= 2;
        int16_t *bigger = es_alloc(cap * sizeof *bigger);
        if (self->len > 0) memcpy(bigger, self->buffer, self->len * sizeof *bigger);
        free(self->buffer);
        self->buffer = bigger;
        self->cap = cap;
    }
    if (samples > 0) memcpy(self->buffer + self->len, pcm, samples * sizeof *self->buffer);
    self->len += samples;
}

static void analyse(es_transcript_t *self)
{
    es_segmenter_t *s = &self->segmenter;
    while (s->at < heard(self)) {
        es_segmenter_event_t event;
        es_segment_cut_t cut;
        es_segmenter_feed(s, self->buffer + (s->at - self->buffer_pos), (size_t)(heard(self) - s->at), &event, &cut);
        if (event == ES_SEG_CUT) decide_segment(self, &cut);
        if (!s->open && s->at % SILENCE_EVERY == 0) decide_silence(self, es_segmenter_needs(s));
    }
}

/* --- frames --- */

static void note_frame(es_transcript_t *self, uint64_t seq)
{
    self->seq = seq;
    uint64_t end = heard(self);
    if (self->count > self->first && self->frames[self->count - 1].end == end) {
        self->frames[self->count - 1].seq = seq;
        return;
    }
    if (self->count == self->room && self->first > self->room / 2) {
        self->count -= self->first;
        memmove(self->frames, self->frames + self->first, self->count * sizeof *self->frames);
        self->first = 0;
    } else if (self->count == self->room) {
        self->room = self->room ? 2 * self->room : FRAMES_FIRST;
        frame_t *bigger = es_alloc(self->room * sizeof *bigger);
        if (self->count > 0) memcpy(bigger, self->frames, self->count * sizeof *bigger);
        free(self->frames);
        self->frames = bigger;
    }
    self->frames[self->count++] = (frame_t){.seq = seq, .end = end};
}

/* A mark asks for what is known; it never cuts speech. Marks that a predecessor has been through already lie before `at`. */
static void flush(es_transcript_t *self)
{
    if (self->segmenter.at == heard(self) && es_segmenter_flush(&self->segmenter))
        decide_silence(self, self->segmenter.at);
}

static void crowded(es_transcript_t *self)
{
    es_segment_cut_t cut;
    if (self->seq - self->covered < ES_TRANSCRIPT_FRAMES_MAX || self->segmenter.at != heard(self)) return;
    if (es_segmenter_close(&self->segmenter, true, &cut)) {
        decide_segment(self, &cut);
        return;
    }
    decide_silence(self, es_segmenter_needs(&self->segmenter));
    if (self->seq - self->covered >= ES_TRANSCRIPT_FRAMES_MAX) flush(self);
}

static void finish(es_transcript_t *self)
{
    es_segment_cut_t cut;
    self->eos = true;
    if (es_segmenter_close(&self->segmenter, false, &cut)) {
        decide_segment(self, &cut);
    } else {
        self->segmenter.said = self->segmenter.at;
        decide_silence(self, self->segmenter.at);
    }
    release(self);
}

void es_transcript_frame(es_transcript_t *self, uint64_t seq, uint64_t flags, const void *pcm, size_t bytes)
{
    assert(!self->eos && seq == self->seq + 1);
    append(self, pcm, bytes / 2);
    note_frame(self, seq);
    analyse(self);
    if (flags & ES_F_EOS)
        finish(self);
    else if (flags & ES_F_MARK)
        flush(self);
    if (!self->eos) crowded(self);
    trim(self);
}

bool es_transcript_open(const es_transcript_t *self, es_transcript_open_t *out)
{
    const es_segmenter_t *s = &self->segmenter;
    if (!s->open || self->head || s->start < self->buffer_pos || s->start >= heard(self)) return false;
    size_t from = (size_t)(s->start - self->buffer_pos);
    *out = (es_transcript_open_t){
        .start = s->start, .seq = self->seq, .pcm = self->buffer + from, .samples = self->len - from};
    return true;
}

bool es_transcript_done(const es_transcript_t *self)
{
    return self->done;
}
