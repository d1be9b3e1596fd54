/* The owner's side: a job is claimed, worked on and given away under its token. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_store_backend.h"
#include "store_text.h"

#define HISTORY_MAX 200u /* lines of a job: a job may be released any number of times */
#define INSERT_TRIES 3   /* of a job whose twin is removed just then */
#define HELD_MAX 1024u   /* jobs that one actor may hold and give back in one call */

static bool running(es_job_state_t state)
{
    return state == ES_JOB_TRANSCRIBING || state == ES_JOB_ANALYZING;
}

/* ---- history */

es_jobs_result_t es_job_store_ended(es_job_store_t *self, int64_t number, const char *outcome, const char *error,
                                    uint64_t now_ms)
{
    return es_job_store_change(self, ES_JOB_SQL_ENDED, NULL, number, outcome, error, now_ms);
}

static es_jobs_result_t begun(es_job_store_t *self, int64_t number, const es_job_t *job, uint64_t now_ms)
{
    es_jobs_result_t result =
        es_job_store_change(self, ES_JOB_SQL_BEGUN, NULL, number, (uint64_t)job->attempt, job->worker, now_ms);
    /* No line without a change of the job. */
    if (result != ES_JOBS_OK || job->version <= HISTORY_MAX) return result;
    return es_job_store_change(self, ES_JOB_SQL_FORGET, NULL, number, (uint64_t)HISTORY_MAX);
}

/* ---- a new job */

static es_jobs_result_t insert(es_job_store_t *self, const es_job_t *job, uint64_t *made)
{
    const char *session = job->session ? job->session : "";
    char find[ES_JOB_ID_LEN + ES_SESSION_MAX + ES_JOB_FILE_NAME_MAX + 3];
    snprintf(find, sizeof find, "%s\n%s\n%s", job->id, session, job->file_name ? job->file_name : "");
    char *folded = es_job_text_folded(find);
    es_jobs_result_t result = es_job_store_change(
        self, ES_JOB_SQL_INSERT, made, job->id, session, job->key, job->file_name, job->content_type, job->language,
        job->webhook, job->spool ? job->spool : "", job->format, (int64_t)job->priority, job->bytes, job->duration,
        job->created_ms, job->run_at_ms > 0 ? job->run_at_ms : job->created_ms,
        (uint64_t)(job->attempts > 0 ? job->attempts : ES_JOB_ATTEMPTS_DEFAULT), (uint64_t)job->delete_after,
        es_span(folded), job->trace, job->principal ? job->principal : "");
    free(folded);
    return result;
}

typedef struct {
    char id[ES_JOB_ID_LEN + 1];
} there_t;

static bool row_there(void *arg, const es_job_value_t *row)
{
    there_t *there = arg;
    snprintf(there->id, sizeof there->id, "%.*s", (int)row[0].bytes.len, row[0].bytes.ptr);
    return true;
}

es_jobs_result_t es_job_store_insert(es_job_store_t *self, const es_job_t *job, char *there)
{
    if (es_job_store_write(self) != ES_JOBS_OK) return ES_JOBS_DOWN;
    for (int tries = 0; tries < INSERT_TRIES; tries++) {
        uint64_t made = 0;
        there_t other = {.id = ""};
        if (insert(self, job, &made) != ES_JOBS_OK) return ES_JOBS_DOWN;
        if (made > 0) {
            self->news = true;
            return ES_JOBS_OK;
        }
        if (es_job_store_run(self, ES_JOB_SQL_THERE, row_there, &other, NULL, job->id, job->session ? job->session : "",
                             job->key, job->principal ? job->principal : "") != ES_JOBS_OK)
            return ES_JOBS_DOWN;
        if (!other.id[0]) continue; /* removed in between */
        if (there) memcpy(there, other.id, sizeof other.id);
        return ES_JOBS_EXISTS;
    }
    self->failed = true;
    return ES_JOBS_DOWN;
}

/* ---- whose a job is */

typedef struct {
    int64_t number;
    es_job_state_t state;
} next_t;

static bool row_next(void *arg, const es_job_value_t *row)
{
    *(next_t *)arg = (next_t){.number = row[0].number, .state = (es_job_state_t)row[1].number};
    return true;
}

static es_jobs_result_t nothing_to_claim(es_job_store_t *self, const char *spool, uint64_t now_ms, uint64_t *next_ms)
{
    int64_t at = 0;
    if (es_job_store_run(self, ES_JOB_SQL_NEXT_AT, es_job_row_number, &at, NULL, spool) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    *next_ms = at <= 0 ? 0 : (uint64_t)at <= now_ms ? now_ms + ES_JOB_LOCKED_MS : (uint64_t)at;
    return ES_JOBS_NONE;
}

es_jobs_result_t es_job_store_claim(es_job_store_t *self, const char *spool, const char *worker, uint64_t now_ms,
                                    uint64_t lease_ms, es_job_t *out, uint64_t *next_ms)
{
    next_t next = {0};
    es_job_row_t row = {0};
    *out = (es_job_t){0};
    *next_ms = 0;
    if (es_job_store_write(self) != ES_JOBS_OK ||
        es_job_store_run(self, ES_JOB_SQL_NEXT, row_next, &next, NULL, spool, now_ms) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    if (next.number == 0) return nothing_to_claim(self, spool, now_ms, next_ms);
    bool died = running(next.state);
    if ((died && es_job_store_ended(self, next.number, "died", NULL, now_ms) != ES_JOBS_OK) ||
        es_job_store_run(self, ES_JOB_SQL_TAKE, es_job_row_job, &row, NULL, next.number, worker, now_ms,
                         now_ms + lease_ms) != ES_JOBS_OK ||
        begun(self, next.number, &row.job, now_ms) != ES_JOBS_OK) {
        es_job_fini(&row.job);
        return ES_JOBS_DOWN;
    }
    *out = row.job;
    return ES_JOBS_OK;
}

typedef struct {
    int64_t numbers[HELD_MAX];
    size_t count;
} held_t;

static bool row_held(void *arg, const es_job_value_t *row)
{
    held_t *held = arg;
    held->numbers[held->count++] = row[0].number;
    return held->count < HELD_MAX;
}

es_jobs_result_t es_job_store_reclaim(es_job_store_t *self, const char *spool, const char *worker, uint64_t now_ms,
                                      size_t *count)
{
    held_t held = {.count = 0};
    if (count) *count = 0;
    if (es_job_store_write(self) != ES_JOBS_OK ||
        es_job_store_run(self, ES_JOB_SQL_HELD_BY, row_held, &held, NULL, spool, worker) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    for (size_t i = 0; i < held.count; i++)
        if (es_job_store_change(self, ES_JOB_SQL_GIVE_BACK, NULL, held.numbers[i], now_ms) != ES_JOBS_OK ||
            es_job_store_ended(self, held.numbers[i], "died", NULL, now_ms) != ES_JOBS_OK)
            return ES_JOBS_DOWN;
    self->news = self->news || held.count > 0;
    if (count) *count = held.count;
    return ES_JOBS_OK;
}

/* ---- under a hold */

typedef struct {
    bool found;
    es_job_state_t state;
    uint64_t token, done;
} standing_t;

static bool row_standing(void *arg, const es_job_value_t *row)
{
    *(standing_t *)arg = (standing_t){.found = true,
                                      .state = (es_job_state_t)row[0].number,
                                      .token = es_job_uint(&row[1]),
                                      .done = es_job_uint(&row[2])};
    return true;
}

#define IN(state) (1u << (state))
/* Where the hold has ended by its own last change. */
#define ENDED_BY_ITSELF (IN(ES_JOB_QUEUED) | IN(ES_JOB_COMPLETED) | IN(ES_JOB_FAILED))

/* Why a change under a hold changed nothing. `made`: states in which it was made already: a turn whose answer got lost is said again, whole, and that is fine. */
static es_jobs_result_t refused(es_job_store_t *self, const es_job_hold_t *hold, unsigned made, standing_t *standing)
{
    *standing = (standing_t){.found = false};
    if (es_job_store_run(self, ES_JOB_SQL_STANDING, row_standing, standing, NULL, hold->id) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    if (!standing->found || standing->token != hold->token) return ES_JOBS_LOST;
    if (made & IN(standing->state)) return ES_JOBS_OK;
    return running(standing->state) ? ES_JOBS_CONFLICT : ES_JOBS_LOST;
}

static es_jobs_result_t settled(es_job_store_t *self, const es_job_hold_t *hold, unsigned made, es_jobs_result_t ran,
                                bool changed)
{
    standing_t standing;
    if (ran != ES_JOBS_OK) return ES_JOBS_DOWN;
    return changed ? ES_JOBS_OK : refused(self, hold, made, &standing);
}

es_jobs_result_t es_job_store_renew(es_job_store_t *self, const es_job_hold_t *hold, uint64_t until_ms)
{
    uint64_t changed = 0;
    es_jobs_result_t ran = es_job_store_change(self, ES_JOB_SQL_RENEW, &changed, hold->id, hold->token, until_ms);
    return settled(self, hold, ENDED_BY_ITSELF, ran, changed > 0);
}

es_jobs_result_t es_job_store_probed(es_job_store_t *self, const es_job_hold_t *hold, uint64_t duration,
                                     const char *format, uint64_t now_ms)
{
    uint64_t changed = 0;
    es_jobs_result_t ran =
        es_job_store_change(self, ES_JOB_SQL_PROBED, &changed, hold->id, hold->token, duration, format, now_ms);
    return settled(self, hold, ENDED_BY_ITSELF, ran, changed > 0);
}

es_jobs_result_t es_job_store_note(es_job_store_t *self, const es_job_hold_t *hold, const char *note, uint64_t now_ms)
{
    uint64_t changed = 0;
    es_jobs_result_t ran = es_job_store_change(self, ES_JOB_SQL_NOTE, &changed, hold->id, hold->token, note, now_ms);
    return settled(self, hold, ENDED_BY_ITSELF, ran, changed > 0);
}

static es_jobs_result_t store_segment(es_job_store_t *self, int64_t number, const es_job_segment_t *s)
{
    return es_job_store_change(self, ES_JOB_SQL_SEGMENT, NULL, number, s->from, s->to, s->start, s->end,
                               (uint64_t)s->confidence, (uint64_t)s->failed, s->text, s->words);
}

es_jobs_result_t es_job_store_final(es_job_store_t *self, const es_job_hold_t *hold, const es_job_segment_t *segment,
                                    es_span_t checkpoint, uint64_t now_ms)
{
    int64_t number = 0;
    standing_t standing;
    if (es_job_store_write(self) != ES_JOBS_OK ||
        es_job_store_run(self, ES_JOB_SQL_FINAL, es_job_row_number, &number, NULL, hold->id, hold->token, segment->to,
                         checkpoint, (uint64_t)segment->failed, now_ms) != ES_JOBS_OK)
        return ES_JOBS_DOWN;
    if (number > 0) return segment->text.len > 0 ? store_segment(self, number, segment) : ES_JOBS_OK;
    es_jobs_result_t result = refused(self, hold, 0, &standing);
    bool ours = result != ES_JOBS_DOWN && standing.found && standing.token == hold->token;
    return ours && segment->to <= standing.done ? ES_JOBS_OK : result;
}

es_jobs_result_t es_job_store_transcribed(es_job_store_t *self, const es_job_hold_t *hold, uint64_t now_ms)
{
    uint64_t changed = 0;
    es_jobs_result_t ran = es_job_store_change(self, ES_JOB_SQL_TRANSCRIBED, &changed, hold->id, hold->token, now_ms);
    return settled(self, hold, IN(ES_JOB_ANALYZING) | IN(ES_JOB_COMPLETED), ran, changed > 0);
}

/* ---- the end */

typedef struct {
    int64_t number; /* 0: nothing was changed */
    bool webhook;
} end_t;

static bool row_end(void *arg, const es_job_value_t *row)
{
    *(end_t *)arg = (end_t){.number = row[0].number, .webhook = row[1].number != 0};
    return true;
}

static es_jobs_result_t over(es_job_store_t *self, const end_t *end, const char *outcome, const char *error,
                             uint64_t now_ms)
{
    es_jobs_result_t result = es_job_store_ended(self, end->number, outcome, error, now_ms);
    return result == ES_JOBS_OK && end->webhook ? es_job_store_deliver(self, end->number, now_ms) : result;
}

es_jobs_result_t es_job_store_completed(es_job_store_t *self, const es_job_hold_t *hold, const char *analysis,
                                        uint64_t now_ms)
{
    end_t end = {.number = 0};
    es_job_store_write(self);
    es_jobs_result_t ran =
        es_job_store_run(self, ES_JOB_SQL_COMPLETED, row_end, &end, NULL, hold->id, hold->token, analysis, now_ms);
    if (end.number > 0) return over(self, &end, "completed", NULL, now_ms);
    return settled(self, hold, IN(ES_JOB_COMPLETED), ran, false);
}

es_jobs_result_t es_job_store_failed(es_job_store_t *self, const es_job_hold_t *hold, const char *error,
                                     uint64_t now_ms)
{
    end_t end = {.number = 0};
    char *folded = es_job_text_folded(error);
    es_job_store_write(self);
    es_jobs_result_t ran = es_job_store_run(self, ES_JOB_SQL_FAILED, row_end, &end, NULL, hold->id, hold->token, error,
                                            es_span(folded), now_ms);
    free(folded);
    if (end.number > 0) return over(self, &end, "failed", error, now_ms);
    return settled(self, hold, IN(ES_JOB_FAILED), ran, false);
}

es_jobs_result_t es_job_store_again(es_job_store_t *self, const es_job_hold_t *hold, const char *error,
                                    uint64_t run_at_ms, uint64_t now_ms)
{
    int64_t number = 0;
    char *folded = es_job_text_folded(error);
    es_job_store_write(self);
    es_jobs_result_t ran =
        es_job_store_run(self, ES_JOB_SQL_AGAIN, es_job_row_number, &number, NULL, hold->id, hold->token,
                         (uint64_t)(error != NULL), error, es_span(folded), run_at_ms, now_ms);
    free(folded);
    if (number == 0) return settled(self, hold, IN(ES_JOB_QUEUED), ran, false);
    self->news = true;
    return es_job_store_ended(self, number, error ? "failed" : "released", error, now_ms);
}
