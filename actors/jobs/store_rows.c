/* Rows as what callers know. */
#include <string.h>

#include "alloc.h"
#include "job_store_backend.h"

char *es_job_text(const es_job_value_t *value)
{
    return value->type ? es_alloc_copy(value->bytes.ptr, value->bytes.len) : NULL;
}

static void copy_id(char *out, const es_job_value_t *value)
{
    size_t len = value->bytes.len < ES_JOB_ID_LEN ? value->bytes.len : ES_JOB_ID_LEN;
    if (len > 0) memcpy(out, value->bytes.ptr, len);
    out[len] = '\0';
}

static void copy_checkpoint(es_job_t *out, const es_job_value_t *value)
{
    out->checkpoint_len = value->bytes.len < sizeof out->checkpoint ? value->bytes.len : sizeof out->checkpoint;
    if (out->checkpoint_len > 0) memcpy(out->checkpoint, value->bytes.ptr, out->checkpoint_len);
}

/* In the order of COLUMNS in store_sql.c, behind the number. */
static const struct {
    size_t offset;
    enum { ID, TEXT, STATE, INT, U64, U32, FLAG, CHECKPOINT } type;
} fields[] = {
#define FIELD(name, type)              \
    {                                  \
        offsetof(es_job_t, name), type \
    }
    FIELD(id, ID),
    FIELD(session, TEXT),
    FIELD(key, TEXT),
    FIELD(file_name, TEXT),
    FIELD(content_type, TEXT),
    FIELD(language, TEXT),
    FIELD(webhook, TEXT),
    FIELD(spool, TEXT),
    FIELD(format, TEXT),
    FIELD(worker, TEXT),
    FIELD(note, TEXT),
    FIELD(error, TEXT),
    FIELD(analysis, TEXT),
    FIELD(state, STATE),
    FIELD(priority, INT),
    FIELD(bytes, U64),
    FIELD(duration, U64),
    FIELD(done, U64),
    FIELD(checkpoint, CHECKPOINT),
    FIELD(created_ms, U64),
    FIELD(updated_ms, U64),
    FIELD(run_at_ms, U64),
    FIELD(started_ms, U64),
    FIELD(finished_ms, U64),
    FIELD(attempts, U32),
    FIELD(attempt, U32),
    FIELD(deaths, U32),
    FIELD(warnings, U32),
    FIELD(delete_after, FLAG),
    FIELD(has_audio, FLAG),
    FIELD(version, U64),
    FIELD(token, U64),
    FIELD(lease_until_ms, U64),
    FIELD(trace, TEXT),
    FIELD(principal, TEXT),
#undef FIELD
};

void es_job_of_row(es_job_t *out, const es_job_value_t *row)
{
    *out = (es_job_t){0};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const es_job_value_t *value = &row[i + 1];
        void *to = (char *)out + fields[i].offset;
        switch (fields[i].type) {
        case ID:
            copy_id(to, value);
            break;
        case TEXT:
            *(char **)to = es_job_text(value);
            break;
        case STATE:
            *(es_job_state_t *)to = (es_job_state_t)es_job_uint(value);
            break;
        case INT:
            *(int *)to = (int)value->number;
            break;
        case U64:
            *(uint64_t *)to = es_job_uint(value);
            break;
        case U32:
            *(uint32_t *)to = (uint32_t)es_job_uint(value);
            break;
        case FLAG:
            *(bool *)to = value->number != 0;
            break;
        case CHECKPOINT:
            copy_checkpoint(out, value);
            break;
        }
    }
}

bool es_job_row_number(void *arg, const es_job_value_t *row)
{
    *(int64_t *)arg = row[0].number;
    return true;
}

bool es_job_row_job(void *arg, const es_job_value_t *row)
{
    es_job_row_t *to = arg;
    es_job_fini(&to->job);
    to->number = row[0].number;
    es_job_of_row(&to->job, row);
    return true;
}
