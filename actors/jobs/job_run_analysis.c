/* A run's analysis: the transcript goes out as a document in pieces, one final brings what was made of it. Words are what people came for: where nobody analyses them, or the last attempt at
 * it fails, the job is COMPLETED all the same, and says so in its analysis. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "job_run_state.h"

#define READ_AGAIN_US UINT64_C(500000) /* while the store is out of reach */

enum { PIECE = 65536, ANALYSIS_MAX = 65536 };

void es_run_complete_without(es_job_run_t *self, const char *code, const char *why)
{
    char *text = NULL;
    json_t *error = json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", why);
    if (error) text = json_dumps(error, JSON_COMPACT);
    json_decref(error);
    es_run_end(self, es_job_write_new(ES_WRITE_COMPLETED, 0, text));
    free(text);
}

void es_run_begin_analysis(es_job_run_t *self)
{
    char why[160];
    if (!self->config.house->no_analysis) {
        es_run_phase(self, ES_RUN_READING);
        self->reading = true;
        self->ops->read(self->ctx);
        return;
    }
    snprintf(why, sizeof why, "No analysis actor was there for %llu s.",
             (unsigned long long)(self->config.house->analysis_wait_us / 1000000));
    es_run_complete_without(self, "no_analysis_actor", why);
}

void es_run_read_again(es_job_run_t *self)
{
    if (self->read_at == 0 || self->phase != ES_RUN_READING || self->now.us < self->read_at) return;
    self->read_at = 0;
    self->reading = true;
    self->ops->read(self->ctx);
}

static void open_document(es_job_run_t *self)
{
    es_sender_config_t config = es_sender_defaults();
    size_t pieces = self->document_len / PIECE + 2;
    config.service = ES_ANALYZE_SERVICE;
    config.language = self->job.language;
    /* One final covers all: all is kept until it comes. */
    if (config.retain_bytes <= self->document_len) config.retain_bytes = (uint32_t)self->document_len + 1;
    if (config.retain_frames <= pieces) config.retain_frames = (uint32_t)pieces + 1;
    self->pushed = 0;
    es_run_phase(self, ES_RUN_ANALYZING);
    es_run_open_stream(self, &config);
}

void es_job_run_document(es_job_run_t *self, es_jobs_result_t result, char *document, size_t len, es_job_now_t now)
{
    self->now = now;
    self->reading = false;
    if (self->phase != ES_RUN_READING) {
        free(document);
    } else if (result == ES_JOBS_DOWN) {
        es_run_moved_on(self); /* nobody's fault */
        self->read_at = now.us + READ_AGAIN_US;
    } else if (result != ES_JOBS_OK || !document) {
        es_run_complete_without(self, "transcript_too_long", "The transcript is longer than is analysed.");
    } else {
        self->document = document;
        self->document_len = len;
        open_document(self);
    }
    es_run_settle(self);
}

void es_run_feed_analysis(es_job_run_t *self)
{
    if (!self->document || !self->sender) return;
    while (self->pushed < self->document_len) {
        size_t left = self->document_len - self->pushed, n = left < PIECE ? left : PIECE;
        if (es_sender_push(self->sender, 0, self->pushed, self->document + self->pushed, n, 0, self->now.us) == 0)
            return;
        self->pushed += n;
    }
    es_sender_push(self->sender, ES_F_EOS, self->pushed, NULL, 0, 0, self->now.us);
    free(self->document);
    self->document = NULL;
}

static bool is_object(es_span_t text)
{
    json_t *json = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, NULL);
    bool ok = json_is_object(json);
    json_decref(json);
    return ok;
}

void es_run_take_analysis(es_job_run_t *self, const es_msg_t *final, es_span_t body)
{
    char why[ES_JOB_ERROR_MAX];
    if (final->flags & ES_F_FAILED) {
        snprintf(why, sizeof why, "The analysis failed: %.*s", (int) final->reason.len,
                 final->reason.len ? final->reason.ptr : "no reason given");
        es_run_fail_attempt(self, why);
    } else if (body.len > 0 && body.len <= ANALYSIS_MAX && is_object(body)) {
        free(self->analysis);
        self->analysis = es_alloc_copy(body.ptr, body.len);
    } else if (body.len > 0) {
        es_run_fail_attempt(self, "The analysis failed: what came of it is no JSON object, or too long.");
    }
}

void es_run_analysis_done(es_job_run_t *self)
{
    if (self->analysis)
        es_run_end(self, es_job_write_new(ES_WRITE_COMPLETED, 0, self->analysis));
    else
        es_run_fail_attempt(self, "The analysis failed: nothing came of it.");
}
