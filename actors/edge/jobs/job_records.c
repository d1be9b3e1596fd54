#include "job_records.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void es_job_records_init(es_job_records_t *self)
{
    self->by_job = es_keymap_new();
    TAILQ_INIT(&self->live);
    TAILQ_INIT(&self->over);
}

static void take_out(es_job_records_t *self, es_job_record_t *record)
{
    if (record->over)
        TAILQ_REMOVE(&self->over, record, in_turn);
    else
        TAILQ_REMOVE(&self->live, record, in_turn);
}

static void put_last(es_job_records_t *self, es_job_record_t *record)
{
    if (record->over)
        TAILQ_INSERT_TAIL(&self->over, record, in_turn);
    else
        TAILQ_INSERT_TAIL(&self->live, record, in_turn);
}

void es_job_records_drop(es_job_records_t *self, es_job_record_t *record)
{
    take_out(self, record);
    es_keymap_remove(self->by_job, es_span(record->job));
    free(record);
}

static es_job_record_t *least(const es_job_records_t *self)
{
    return TAILQ_EMPTY(&self->over) ? TAILQ_FIRST(&self->live) : TAILQ_FIRST(&self->over);
}

/* All from this one on, in its queue, that were heard of before. */
static void drop_from(es_job_records_t *self, es_job_record_t *record, uint64_t before_us)
{
    for (es_job_record_t *next; record && record->seen_us < before_us; record = next) {
        next = TAILQ_NEXT(record, in_turn);
        es_job_records_drop(self, record);
    }
}

void es_job_records_fini(es_job_records_t *self)
{
    drop_from(self, TAILQ_FIRST(&self->live), UINT64_MAX);
    drop_from(self, TAILQ_FIRST(&self->over), UINT64_MAX);
    es_keymap_destroy(&self->by_job);
}

es_job_record_t *es_job_records_get(const es_job_records_t *self, const char *job)
{
    return es_keymap_get(self->by_job, es_span(job));
}

es_job_record_t *es_job_records_need(es_job_records_t *self, const char *job, uint64_t now_us)
{
    es_job_record_t *record = es_job_records_get(self, job);
    if (record) return record;
    if (es_keymap_count(self->by_job) >= ES_JOB_RECORDS_MAX) es_job_records_drop(self, least(self));
    record = es_alloc_zero(sizeof *record);
    memcpy(record->job, job, strlen(job));
    record->seen_us = now_us;
    es_keymap_put(self->by_job, es_span(record->job), record);
    put_last(self, record);
    return record;
}

void es_job_records_seen(es_job_records_t *self, es_job_record_t *record, bool over, uint64_t now_us)
{
    take_out(self, record);
    record->over = over;
    record->seen_us = now_us;
    put_last(self, record);
}

void es_job_record_whose(es_job_record_t *record, const es_job_event_t *event)
{
    memcpy(record->session, event->session, sizeof record->session);
    memcpy(record->principal, event->principal, sizeof record->principal);
}

void es_job_records_trim(es_job_records_t *self, uint64_t now_us)
{
    if (now_us >= ES_JOB_RECORD_KEPT_US) drop_from(self, TAILQ_FIRST(&self->over), now_us - ES_JOB_RECORD_KEPT_US + 1);
}
