#include "job.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define PROGRESS_DONE 100000u
#define PROGRESS_HEARD 99000u /* all audio is words; the analysis is missing */
#define BACKOFF_MS UINT64_C(5000)
#define BACKOFF_MAX_MS UINT64_C(600000)

static const struct {
    const char *name;
    unsigned next; /* bits of states */
} states[ES_JOB_STATES] = {
    [ES_JOB_QUEUED] = {"QUEUED", 1u << ES_JOB_TRANSCRIBING | 1u << ES_JOB_FAILED | 1u << ES_JOB_CANCELLED},
    [ES_JOB_TRANSCRIBING] = {"TRANSCRIBING", 1u << ES_JOB_QUEUED | 1u << ES_JOB_ANALYZING | 1u << ES_JOB_FAILED |
                                                 1u << ES_JOB_CANCELLED},
    [ES_JOB_ANALYZING] = {"ANALYZING",
                          1u << ES_JOB_QUEUED | 1u << ES_JOB_COMPLETED | 1u << ES_JOB_FAILED | 1u << ES_JOB_CANCELLED},
    [ES_JOB_COMPLETED] = {"COMPLETED", 0},
    [ES_JOB_FAILED] = {"FAILED", 1u << ES_JOB_QUEUED},
    [ES_JOB_CANCELLED] = {"CANCELLED", 1u << ES_JOB_QUEUED},
};

void es_job_fini(es_job_t *self)
{
    char *const owned[] = {self->session, self->key,      self->file_name, self->content_type, self->language,
                           self->webhook, self->spool,    self->format,    self->worker,       self->note,
                           self->error,   self->analysis, self->trace,     self->principal};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    *self = (es_job_t){0};
}

void es_job_set(char **field, const char *value)
{
    char *copy = value ? es_alloc_copy(value, strlen(value)) : NULL;
    free(*field);
    *field = copy;
}

static bool known(es_job_state_t state)
{
    return (unsigned)state < ES_JOB_STATES;
}

const char *es_job_state_name(es_job_state_t state)
{
    return known(state) ? states[state].name : "UNKNOWN";
}

int es_job_state_of(es_span_t name)
{
    for (int i = 0; i < ES_JOB_STATES; i++)
        if (es_span_eq(name, es_span(states[i].name))) return i;
    return -1;
}

bool es_job_may(es_job_state_t from, es_job_state_t to)
{
    return known(from) && known(to) && (states[from].next >> to & 1u) != 0;
}

bool es_job_over(es_job_state_t state)
{
    return state == ES_JOB_COMPLETED || state == ES_JOB_FAILED || state == ES_JOB_CANCELLED;
}

/* A function of `done` over `duration` alone until the job is COMPLETED, so that a job that goes from ANALYZING back to QUEUED does not fall. */
uint32_t es_job_progress(const es_job_t *self)
{
    if (self->state == ES_JOB_COMPLETED) return PROGRESS_DONE;
    if (self->duration == 0) return 0;
    if (self->done >= self->duration) return PROGRESS_HEARD;
    return (uint32_t)((double)self->done / (double)self->duration * PROGRESS_HEARD);
}

uint64_t es_job_backoff_ms(uint32_t attempt, uint64_t chance)
{
    uint64_t wait = BACKOFF_MS;
    for (uint32_t i = 1; i < attempt && wait < BACKOFF_MAX_MS; i++) wait *= 2;
    if (wait > BACKOFF_MAX_MS) wait = BACKOFF_MAX_MS;
    return wait + chance % (wait / 5 + 1);
}
