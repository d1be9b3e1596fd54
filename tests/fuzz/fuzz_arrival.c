/* What comes with an upload: nothing breaks its readers, and what they take may become a file's name and a row. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "arrival_head.h"
#include "job_id.h"

static void check_taken(const es_job_t *job)
{
    assert(es_job_id_valid(es_span(job->id)));
    assert(es_job_session_valid(es_span(job->session)));
    assert(!job->file_name || strlen(job->file_name) <= ES_JOB_FILE_NAME_MAX);
    assert(!job->webhook || strncmp(job->webhook, "http", 4) == 0);
    assert(job->priority >= -ES_JOB_PRIORITY_MAX && job->priority <= ES_JOB_PRIORITY_MAX);
    assert(job->attempts >= 1 && job->attempts <= ES_JOB_ATTEMPTS_MAX);
}

/* Sentences go into JSON as they are. */
static void check_refused(const char *wrong)
{
    assert(strlen(wrong) > 15 && !strpbrk(wrong, "\"\\\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    es_job_t job;
    es_span_t json = es_span_of((const char *)data, len);
    const char *wrong = es_arrival_head_read(json, &job);
    if (wrong)
        check_refused(wrong);
    else
        check_taken(&job);
    const char *late = es_arrival_late_read(json, &job);
    if (late)
        check_refused(late);
    else if (!wrong)
        check_taken(&job);
    es_job_fini(&job);
    return 0;
}
