#include "job_write.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

es_job_write_t *es_job_write_new(es_job_write_kind_t kind, uint64_t value, const char *text)
{
    es_job_write_t *self = es_alloc_zero(sizeof *self);
    self->kind = kind;
    self->value = value;
    if (text) self->text = es_alloc_copy(text, strlen(text));
    return self;
}

es_job_write_t *es_job_write_final(const es_job_segment_t *segment, es_span_t checkpoint)
{
    es_job_write_t *self = es_alloc_zero(sizeof *self + checkpoint.len);
    self->kind = ES_WRITE_FINAL;
    self->segment = *segment;
    self->text = es_alloc_copy(segment->text.ptr, segment->text.len);
    self->words = es_alloc_copy(segment->words.ptr, segment->words.len);
    self->segment.text.ptr = self->text;
    self->segment.words.ptr = self->words;
    self->checkpoint_len = (uint32_t)checkpoint.len;
    if (checkpoint.len > 0) memcpy(self->checkpoint, checkpoint.ptr, checkpoint.len);
    return self;
}

void es_job_write_free(es_job_write_t *self)
{
    if (!self) return;
    free(self->text);
    free(self->words);
    free(self);
}

static es_jobs_result_t renew(es_job_store_t *store, const es_job_hold_t *hold, const es_job_write_t *write,
                              uint64_t now_ms)
{
    return es_job_store_renew(store, hold, now_ms + write->value);
}

static es_jobs_result_t probed(es_job_store_t *store, const es_job_hold_t *hold, const es_job_write_t *write,
                               uint64_t now_ms)
{
    return es_job_store_probed(store, hold, write->value, write->text, now_ms);
}

static es_jobs_result_t note(es_job_store_t *store, const es_job_hold_t *hold, const es_job_write_t *write,
                             uint64_t now_ms)
{
    return es_job_store_note(store, hold, write->text, now_ms);
}

static es_jobs_result_t final(es_job_store_t *store, const es_job_hold_t *hold, const es_job_write_t *write,
                              uint64_t now_ms)
{
    es_span_t checkpoint = es_span_of(write->checkpoint, write->checkpoint_len);
    return es_job_store_final(store, hold, &write->segment, checkpoint, now_ms);
}

static es_jobs_result_t transcribed(es_job_store_t *store, const es_job_hold_t *hold, const es_job_write_t *write,
                                    uint64_t now_ms)
{
    (void)write;
    return es_job_store_transcribed(store, hold, now_ms);
}

static es_jobs_result_t completed(es_job_store_t *store, const es_job_hold_t *hold, const es_job_write_t *write,
                                  uint64_t now_ms)
{
    return es_job_store_completed(store, hold, write->text, now_ms);
}

static es_jobs_result_t failed(es_job_store_t *store, const es_job_hold_t *hold, const es_job_write_t *write,
                               uint64_t now_ms)
{
    return es_job_store_failed(store, hold, write->text, now_ms);
}

static es_jobs_result_t again(es_job_store_t *store, const es_job_hold_t *hold, const es_job_write_t *write,
                              uint64_t now_ms)
{
    return es_job_store_again(store, hold, write->text, write->value, now_ms);
}

static const struct {
    es_jobs_result_t (*run)(es_job_store_t *store, const es_job_hold_t *hold, const es_job_write_t *write,
                            uint64_t now_ms);
    bool ends;
} kinds[ES_WRITE_KINDS] = {
    [ES_WRITE_RENEW] = {renew, false},
    [ES_WRITE_PROBED] = {probed, false},
    [ES_WRITE_NOTE] = {note, false},
    [ES_WRITE_FINAL] = {final, false},
    [ES_WRITE_TRANSCRIBED] = {transcribed, false},
    [ES_WRITE_COMPLETED] = {completed, true},
    [ES_WRITE_FAILED] = {failed, true},
    [ES_WRITE_AGAIN] = {again, true},
};

bool es_job_write_ends(es_job_write_kind_t kind)
{
    return kinds[kind].ends;
}

es_jobs_result_t es_job_write_run(es_job_store_t *store, const es_job_hold_t *hold, es_job_write_t *const *writes,
                                  size_t n, uint64_t now_ms, es_job_t *fresh)
{
    es_jobs_result_t result = ES_JOBS_OK;
    for (size_t i = 0; i < n && result == ES_JOBS_OK; i++)
        result = kinds[writes[i]->kind].run(store, hold, writes[i], now_ms);
    return result == ES_JOBS_OK ? es_job_store_get(store, hold->id, fresh) : result;
}
