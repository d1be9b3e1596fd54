#include "job_trace.h"

#include "log.h"
#include "wire.h"

void es_job_trace_begin(es_job_trace_t *self, const es_job_t *job)
{
    es_trace_t upload;
    char trace[2 * ES_TRACE_ID + 1];
    bool brought = job->trace && es_trace_parse(&upload, es_span(job->trace)) == 0;
    self->open = brought || es_spans_wanted();
    if (!self->open) return;
    self->from = job->done;
    es_spans_begin(&self->span, "job", brought ? &upload : NULL, es_wall_us());
    es_spans_number(&self->span, "earshot.attempt", job->attempt);
    es_trace_id_hex(&self->span.trace, trace);
    es_log_info("job begins", ES_S("job", job->id), ES_U("attempt", job->attempt), ES_S("trace", trace));
}

void es_job_trace_stamp(const es_job_trace_t *self, es_msg_t *msg, char room[ES_TRACE_LEN])
{
    if (!self->open || !(msg->flags & ES_F_START)) return;
    es_trace_pack(&self->span.trace, room);
    msg->trace = es_span_of(room, ES_TRACE_LEN);
}

void es_job_trace_end(es_job_trace_t *self, const es_job_t *job, const char *state)
{
    char trace[2 * ES_TRACE_ID + 1];
    if (!self->open) return;
    self->open = false;
    es_trace_id_hex(&self->span.trace, trace);
    es_log_info("job ends", ES_S("job", job->id), ES_S("state", state), ES_S("trace", trace));
    es_spans_number(&self->span, "earshot.samples", job->done - self->from);
    es_spans_text(&self->span, "earshot.state", es_span(state));
    self->span.failed = job->error != NULL; /* of this attempt: a claim forgets the one before */
    es_spans_end(&self->span, es_wall_us());
}
