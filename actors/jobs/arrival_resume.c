/* Uploads that go on where another owner was: this process before it died, or another one on the same spool. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "arrival.h"
#include "arrival_head.h"
#include "job_id.h"
#include "log.h"

/* "1 SPOOL JOB OFFSET" */
enum { SPOOL_AT = 2, JOB_AT = SPOOL_AT + ES_SPOOL_ID_LEN + 1, OFFSET_AT = JOB_AT + ES_JOB_ID_LEN + 1 };

size_t es_arrival_checkpoint(const es_arrival_t *self, uint64_t pos, char out[ES_ARRIVAL_CHECKPOINT_MAX])
{
    int n = snprintf(out, ES_ARRIVAL_CHECKPOINT_MAX, "1 %s %s %" PRIu64, es_spool_id(self->set->config.spool),
                     self->job.id, pos);
    return (size_t)n;
}

static bool read_offset(es_span_t digits, uint64_t *out)
{
    *out = 0;
    if (digits.len == 0 || digits.len > 18) return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') return false;
        *out = *out * 10 + (uint64_t)(digits.ptr[i] - '0');
    }
    return true;
}

/* It went to the sender and back: everything in it is looked at again. */
static bool read_checkpoint(const es_arrival_t *self, es_span_t text, char job[ES_JOB_ID_LEN + 1], uint64_t *offset)
{
    if (text.len <= OFFSET_AT || text.ptr[0] != '1' || text.ptr[1] != ' ' || text.ptr[JOB_AT - 1] != ' ' ||
        text.ptr[OFFSET_AT - 1] != ' ')
        return false;
    if (memcmp(text.ptr + SPOOL_AT, es_spool_id(self->set->config.spool), ES_SPOOL_ID_LEN) != 0) return false;
    if (!es_job_id_valid(es_span_of(text.ptr + JOB_AT, ES_JOB_ID_LEN))) return false;
    memcpy(job, text.ptr + JOB_AT, ES_JOB_ID_LEN);
    job[ES_JOB_ID_LEN] = 0;
    return read_offset(es_span_of(text.ptr + OFFSET_AT, text.len - OFFSET_AT), offset);
}

/* False: it is not there, as after the row is stored. */
static bool read_head(es_arrival_t *self, const char *job)
{
    char *head = es_alloc(ES_ARRIVAL_HEAD_MAX);
    int len = es_part_read_head(self->set->config.spool, job, self->key, head, ES_ARRIVAL_HEAD_MAX);
    bool read = len > 0 && es_arrival_head_read(es_span_of(head, (size_t)len), &self->job) == NULL &&
                strcmp(self->job.id, job) == 0;
    if (read) {
        self->head = es_alloc_copy(head, (size_t)len);
        self->head_len = (size_t)len;
        self->head_kept = true;
    } else {
        es_job_fini(&self->job);
        self->job.bytes = ES_ARRIVAL_UNKNOWN;
        snprintf(self->job.id, sizeof self->job.id, "%s", job);
    }
    free(head);
    return read;
}

static void lost(es_arrival_t *self)
{
    es_metric_add(&es_arrival_lost, 1);
    es_arrival_refuse(self, 503, 1, "upload_lost", "What had come of this upload is on another server; send it again.");
}

void es_arrival_resume(es_arrival_t *self, const es_msg_t *start)
{
    es_spool_t *spool = self->set->config.spool;
    char job[ES_JOB_ID_LEN + 1];
    uint64_t offset;
    if (!ES_HAS(start, ES_M_CHECKPOINT) || !read_checkpoint(self, start->checkpoint, job, &offset)) {
        lost(self);
        return;
    }
    bool known = read_head(self, job);
    uint64_t announced = self->job.bytes == ES_ARRIVAL_UNKNOWN ? 0 : self->job.bytes;
    self->committed = true;
    self->pos = self->synced_pos = offset;
    es_metric_add(&es_arrival_resumed, 1);
    if (known && es_part_take(spool, job, self->key, offset, announced, &self->part) == 0) {
        es_arrival_move(self, ES_ARRIVAL_TAKING);
        return;
    }
    self->gone = !known || es_spool_file_size(spool, job) < (int64_t)offset;
    es_arrival_move(self, ES_ARRIVAL_RESUMED);
}
