#include "transcript_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "alloc.h"
#include "cues.h"
#include "job_json.h"

enum { WORDS_MAX = 2048 }; /* of a segment: 64 KiB of them are fewer */

typedef struct {
    const char *name, *type;
    void (*begin)(es_transcript_format_t *self, const es_job_t *job);
    void (*add)(es_transcript_format_t *self, const es_job_segment_t *segment);
    void (*end)(es_transcript_format_t *self);
} format_t;

struct es_transcript_format {
    const format_t *format;
    es_text_buf_t out;
    uint64_t cursor, last_to; /* of the last segment that was written */
    bool writing;             /* this segment is beyond the cursor */
    bool full, complete;
    uint64_t duration; /* samples */
    uint64_t last_end; /* of the last words; 0: none yet */
    uint64_t cues;
    size_t segments;    /* all that were fed */
    es_text_buf_t text; /* of all, for JSON */
    bool text_too_long;
    es_decoder_t *decoder;
    es_word_t words[WORDS_MAX];
};

static uint64_t ms_of(uint64_t samples)
{
    return samples / 16;
}

static size_t words_of(es_transcript_format_t *self, const es_job_segment_t *segment)
{
    int n = es_words_decode(self->decoder, segment->words.ptr, segment->words.len, self->words, WORDS_MAX);
    return n > 0 ? (size_t)n : 0;
}

/* ---- JSON */

static void add_json(es_text_buf_t *out, json_t *json)
{
    size_t len;
    char *text = es_job_json_text(json, &len);
    es_text_buf_add(out, text ? text : "null", text ? len : 4);
    free(text);
}

static json_t *text_json(es_span_t text)
{
    json_t *json = json_stringn(text.ptr ? text.ptr : "", text.len);
    return json ? json : json_string("");
}

static json_t *words_json(es_transcript_format_t *self, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const es_word_t *word = &self->words[i];
        json_t *json = json_object();
        json_object_set_new(json, "text", text_json(word->text));
        json_object_set_new(json, "startMs", json_integer((json_int_t)ms_of(word->start)));
        json_object_set_new(json, "endMs", json_integer((json_int_t)ms_of(word->end)));
        json_object_set_new(json, "confidence", json_real(word->confidence / 1000.0));
        json_array_append_new(list, json);
    }
    return list;
}

static void json_begin(es_transcript_format_t *self, const es_job_t *job)
{
    es_text_buf_str(&self->out, "{\"jobId\":");
    add_json(&self->out, es_job_text_json(job->id));
    es_text_buf_str(&self->out, ",\"sessionId\":");
    add_json(&self->out, es_job_text_json(job->session));
    es_text_buf_str(&self->out, ",\"language\":");
    add_json(&self->out, es_job_text_json(job->language));
    es_text_buf_str(&self->out, ",\"segments\":[");
}

static void note_text(es_transcript_format_t *self, const es_job_segment_t *segment)
{
    if (segment->failed || segment->text.len == 0) return;
    if (self->text.len + segment->text.len + 1 > ES_TRANSCRIPT_TEXT) {
        self->text_too_long = true;
        return;
    }
    if (self->text.len) es_text_buf_str(&self->text, " ");
    es_text_buf_add(&self->text, segment->text.ptr, segment->text.len);
}

static void json_add(es_transcript_format_t *self, const es_job_segment_t *segment)
{
    note_text(self, segment);
    if (!self->writing) return;
    json_t *json = json_object();
    json_object_set_new(json, "startMs", json_integer((json_int_t)ms_of(segment->start)));
    json_object_set_new(json, "endMs", json_integer((json_int_t)ms_of(segment->end)));
    json_object_set_new(json, "text", segment->failed ? json_string("") : text_json(segment->text));
    json_object_set_new(json, "confidence", json_real(segment->confidence / 1000.0));
    json_object_set_new(json, "words", words_json(self, segment->failed ? 0 : words_of(self, segment)));
    if (segment->failed) json_object_set_new(json, "failed", text_json(segment->text));
    if (self->segments > 1) es_text_buf_str(&self->out, ",");
    add_json(&self->out, json);
}

static void json_end(es_transcript_format_t *self)
{
    es_text_buf_str(&self->out, "],\"text\":");
    add_json(&self->out, self->text_too_long ? json_null() : text_json(es_span_of(self->text.ptr, self->text.len)));
    es_text_buf_print(&self->out, ",\"durationMs\":%" PRIu64 ",\"complete\":%s}", ms_of(self->duration),
                      self->complete ? "true" : "false");
}

/* ---- text */

static void none_begin(es_transcript_format_t *self, const es_job_t *job)
{
    (void)self;
    (void)job;
}

static void none_end(es_transcript_format_t *self)
{
    (void)self;
}

static void plain_add(es_transcript_format_t *self, const es_job_segment_t *segment)
{
    bool pause = ms_of(segment->start) > ms_of(self->last_end) + ES_PARAGRAPH_MS;
    if (segment->failed || segment->text.len == 0) return;
    if (self->writing) {
        if (self->last_end) es_text_buf_str(&self->out, pause ? "\n\n" : " ");
        es_text_buf_add(&self->out, segment->text.ptr, segment->text.len);
    }
    self->last_end = segment->end ? segment->end : 1;
}

static void plain_end(es_transcript_format_t *self)
{
    if (self->last_end) es_text_buf_str(&self->out, "\n");
}

/* ---- captions */

static void add_time(es_text_buf_t *out, uint64_t ms, char point)
{
    es_text_buf_print(out, "%02" PRIu64 ":%02u:%02u%c%03u", ms / 3600000, (unsigned)(ms / 60000 % 60),
                      (unsigned)(ms / 1000 % 60), point, (unsigned)(ms % 1000));
}

static void add_times(es_text_buf_t *out, const es_cue_t *cue, char point)
{
    add_time(out, cue->start_ms, point);
    es_text_buf_str(out, " --> ");
    add_time(out, cue->end_ms > cue->start_ms ? cue->end_ms : cue->start_ms + 1, point);
    es_text_buf_str(out, "\n");
}

static void srt_cue(void *arg, const es_cue_t *cue)
{
    es_transcript_format_t *self = arg;
    self->cues++;
    if (!self->writing) return;
    es_text_buf_print(&self->out, "%" PRIu64 "\n", self->cues);
    add_times(&self->out, cue, ',');
    es_text_buf_add(&self->out, cue->text.ptr, cue->text.len);
    es_text_buf_str(&self->out, "\n\n");
}

static void vtt_cue(void *arg, const es_cue_t *cue)
{
    es_transcript_format_t *self = arg;
    if (!self->writing) return;
    add_times(&self->out, cue, '.');
    for (size_t i = 0; i < cue->text.len; i++) {
        char c = cue->text.ptr[i];
        const char *escape = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : NULL;
        if (escape)
            es_text_buf_str(&self->out, escape);
        else
            es_text_buf_add(&self->out, &c, 1);
    }
    es_text_buf_str(&self->out, "\n\n");
}

static void add_cues(es_transcript_format_t *self, const es_job_segment_t *segment,
                     void (*fn)(void *, const es_cue_t *))
{
    if (segment->failed || segment->text.len == 0) return;
    size_t n = words_of(self, segment);
    if (n == 0) n = es_cues_spread(segment->text, segment->start, segment->end, self->words, WORDS_MAX);
    es_cues_make(self->words, n, fn, self);
}

static void srt_add(es_transcript_format_t *self, const es_job_segment_t *segment)
{
    add_cues(self, segment, srt_cue);
}

static void vtt_begin(es_transcript_format_t *self, const es_job_t *job)
{
    (void)job;
    es_text_buf_str(&self->out, "WEBVTT\n\n");
}

static void vtt_add(es_transcript_format_t *self, const es_job_segment_t *segment)
{
    add_cues(self, segment, vtt_cue);
}

/* ---- all of them */

static const format_t formats[ES_TRANSCRIPT_KINDS] = {
    [ES_TRANSCRIPT_JSON] = {"json", "application/json", json_begin, json_add, json_end},
    [ES_TRANSCRIPT_PLAIN] = {"text", "text/plain; charset=utf-8", none_begin, plain_add, plain_end},
    [ES_TRANSCRIPT_SRT] = {"srt", "application/x-subrip; charset=utf-8", none_begin, srt_add, none_end},
    [ES_TRANSCRIPT_VTT] = {"vtt", "text/vtt; charset=utf-8", vtt_begin, vtt_add, none_end},
};

int es_transcript_kind_of(es_span_t name)
{
    for (int i = 0; i < ES_TRANSCRIPT_KINDS; i++)
        if (es_span_eq(name, es_span(formats[i].name))) return i;
    return -1;
}

const char *es_transcript_type(es_transcript_kind_t format)
{
    return formats[format].type;
}

es_transcript_format_t *es_transcript_format_new(es_transcript_kind_t format, const es_job_t *job, uint64_t cursor)
{
    es_transcript_format_t *self = es_alloc_zero(sizeof *self);
    self->format = &formats[format];
    self->cursor = self->last_to = cursor;
    self->duration = job->duration;
    self->complete = job->state == ES_JOB_COMPLETED;
    self->decoder = es_decoder_new();
    if (cursor == 0) self->format->begin(self, job);
    return self;
}

void es_transcript_format_destroy(es_transcript_format_t **self_p)
{
    es_transcript_format_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_decoder_destroy(&self->decoder);
    es_text_buf_fini(&self->out);
    es_text_buf_fini(&self->text);
    free(self);
}

bool es_transcript_format_add(es_transcript_format_t *self, const es_job_segment_t *segment)
{
    self->writing = segment->to > self->cursor;
    if (self->writing && self->out.len >= ES_TRANSCRIPT_PIECE) {
        self->full = true;
        return false;
    }
    self->segments++;
    self->format->add(self, segment);
    if (self->writing) self->last_to = segment->to;
    return true;
}

uint64_t es_transcript_format_end(es_transcript_format_t *self, es_span_t *body)
{
    if (!self->full) self->format->end(self);
    *body = es_span_of(self->out.ptr, self->out.len);
    return self->full ? self->last_to : 0;
}
