#include "analysis_streams.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "analyst.h"
#include "analyze.h"
#include "health.h"
#include "log.h"

enum { FIRST_ROOM = 65536 };

static ES_METRIC_COUNTER(analysed, "earshot_analysis_documents_total{result=\"analysed\"}", "Transcripts analysed.");
static ES_METRIC_COUNTER(damaged, "earshot_analysis_documents_total{result=\"damaged\"}", "");
static ES_METRIC_COUNTER(too_large, "earshot_analysis_documents_total{result=\"too_large\"}", "");
static ES_METRIC_COUNTER(shortened, "earshot_analysis_shortened_total",
                         "Analyses that were too long with their summary, and went without.");

es_metric_t *const *es_analysis_streams_metrics(void)
{
    static es_metric_t *const list[] = {&analysed, &damaged, &too_large, &shortened, NULL};
    return list;
}

struct es_analysis_streams {
    es_analyst_t *analyst;
    es_llm_t *llm;
    size_t max_document, max_chars, busy;
};

typedef struct {
    es_analysis_streams_t *all;
    es_stream_t *stream;
    char *document;
    size_t len, room;
    uint64_t bytes; /* that came, kept or not */
    uint64_t eos;
    bool broken;             /* its beginning is missing */
    uint64_t task, question; /* under way; 0: none */
    json_t *analysis;
    bool answered;
} state_t;

static void answer(state_t *self, const es_final_t *final)
{
    es_final_t whole = *final;
    whole.to_seq = self->eos;
    self->answered = true;
    self->all->busy--;
    es_stream_final(self->stream, &whole);
}

static void refuse(state_t *self, es_metric_t *why, const char *reason)
{
    es_metric_add(why, 1);
    es_log_warn("transcript not analysed", ES_S("client", es_stream_key(self->stream)), ES_S("reason", reason));
    answer(self, &(es_final_t){.flags = ES_F_FAILED, .reason = es_span(reason)});
}

/* A model may answer with much that has to be escaped: rather no summary than no analysis. */
static void set_summary(state_t *self, json_t *summary)
{
    json_object_set_new(self->analysis, "summary", summary);
}

static void tell(state_t *self)
{
    size_t len;
    char *text = es_analyze_dump(self->analysis, ES_WORDS_MAX, &len);
    if (!text) {
        es_metric_add(&shortened, 1);
        set_summary(self, json_pack("{s:s,s:s}", "state", "unavailable", "reason",
                                    "The summary of the language model is too long to be kept."));
        text = es_analyze_dump(self->analysis, ES_WORDS_MAX, &len);
    }
    if (text) {
        es_metric_add(&analysed, 1);
        answer(self, &(es_final_t){.words = text, .words_len = len});
    } else
        refuse(self, &too_large, "the analysis has more than 65536 bytes");
    free(text);
}

static void on_summary(void *ctx, json_t *summary)
{
    state_t *self = ctx;
    self->question = 0;
    set_summary(self, summary);
    tell(self);
}

static void ask(state_t *self, const es_report_t *report)
{
    es_llm_question_t question = {.language = report->language,
                                  .transcript = report->transcript,
                                  .sent = strlen(report->transcript),
                                  .all = report->transcript_bytes};
    self->question = es_llm_ask(self->all->llm, &question, on_summary, self);
}

static void on_report(void *ctx, const es_report_t *report)
{
    state_t *self = ctx;
    self->task = 0;
    self->analysis = report->analysis;
    if (!report->analysis)
        refuse(self, &damaged, report->reason);
    else if (!self->all->llm) {
        set_summary(self, json_pack("{s:s}", "state", "off"));
        tell(self);
    } else if (report->transcript_bytes == 0) {
        set_summary(self, json_pack("{s:s,s:s}", "state", "unavailable", "reason", "Nothing was said."));
        tell(self);
    } else
        ask(self, report);
    free(report->transcript);
}

static void *stream_open(void *ctx, es_stream_t *stream, const es_msg_t *start)
{
    state_t *self = es_alloc_zero(sizeof *self);
    *self = (state_t){.all = ctx, .stream = stream, .broken = start->base > 0};
    self->all->busy++;
    return self;
}

static void keep(state_t *self, const void *data, size_t len)
{
    self->bytes += len;
    if (self->bytes > self->all->max_document) {
        free(self->document);
        self->document = NULL;
        self->len = self->room = 0;
        return;
    }
    if (self->len + len > self->room) {
        size_t room = self->room ? self->room : FIRST_ROOM;
        while (room < self->len + len) room *= 2;
        char *bigger = realloc(self->document, room);
        if (!bigger) abort();
        self->document = bigger;
        self->room = room;
    }
    if (len) memcpy(self->document + self->len, data, len);
    self->len += len;
}

static void end(state_t *self)
{
    char reason[160];
    if (self->broken) {
        refuse(self, &damaged, "the beginning of the transcript is missing: send it on a stream of its own");
        return;
    }
    if (self->bytes > self->all->max_document) {
        snprintf(reason, sizeof reason,
                 "the transcript has %" PRIu64 " bytes, at most %zu are analysed (--max-document)", self->bytes,
                 self->all->max_document);
        refuse(self, &too_large, reason);
        return;
    }
    self->task = es_analyst_give(self->all->analyst, self->document, self->len, on_report, self);
    self->document = NULL;
}

static void stream_frame(void *state, es_stream_t *stream, const es_msg_t *frame, const void *data, size_t bytes)
{
    state_t *self = state;
    (void)stream;
    if (!(frame->flags & ES_F_MARK)) keep(self, data, bytes);
    if (!(frame->flags & ES_F_EOS)) return;
    self->eos = frame->seq;
    end(self);
}

static void stream_close(void *state, es_stream_t *stream)
{
    state_t *self = state;
    (void)stream;
    if (self->task) es_analyst_forget(self->all->analyst, self->task);
    if (self->question) es_llm_forget(self->all->llm, self->question);
    if (!self->answered) self->all->busy--;
    json_decref(self->analysis);
    free(self->document);
    free(self);
}

const es_worker_ops_t es_analysis_worker_ops = {.open = stream_open, .frame = stream_frame, .close = stream_close};

es_analysis_streams_t *es_analysis_streams_new(es_loop_t *loop, es_llm_t *llm, size_t max_document, size_t max_chars)
{
    es_analysis_streams_t *self = es_alloc_zero(sizeof *self);
    self->llm = llm;
    self->max_document = max_document;
    self->max_chars = max_chars;
    self->analyst = es_analyst_new(loop, llm ? max_chars : 0);
    return self;
}

void es_analysis_streams_destroy(es_analysis_streams_t **self_p)
{
    if (!*self_p) return;
    es_analyst_destroy(&(*self_p)->analyst);
    free(*self_p);
    *self_p = NULL;
}

size_t es_analysis_streams_busy(const es_analysis_streams_t *self)
{
    return self->busy;
}

void es_analysis_streams_tell(const es_analysis_streams_t *self, uint64_t now_us)
{
    size_t waiting;
    uint64_t oldest_us = es_analyst_oldest(self->analyst, &waiting);
    uint64_t lag_us = oldest_us && oldest_us < now_us ? now_us - oldest_us : 0;
    es_health_lag(ES_HEALTH_WORK, lag_us, "a transcript has waited %.1f s to be counted: %zu wait",
                  (double)lag_us / 1e6, waiting);
}
