#include "inquiries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "inquiry.h"
#include "job_id.h"
#include "wire.h"

enum { UNDER_WAY_MAX = 1024, REMOVED_MAX = 256 };

static ES_METRIC_COUNTER(again, "earshot_jobs_asked_again_total",
                         "Questions and commands that were under way already.");
static ES_METRIC_COUNTER(dropped_busy, "earshot_jobs_asked_dropped_total{why=\"busy\"}", "Those not answered.");
static ES_METRIC_COUNTER(dropped_elsewhere, "earshot_jobs_asked_dropped_total{why=\"elsewhere\"}", "");
static ES_METRIC_COUNTER(dropped_malformed, "earshot_jobs_asked_dropped_total{why=\"malformed\"}", "");

es_metric_t *const *es_inquiries_metrics(void)
{
    static es_metric_t *const list[] = {&again, &dropped_busy, &dropped_elsewhere, &dropped_malformed, NULL};
    return list;
}

struct es_inquiries {
    es_inquiries_config_t config;
    TAILQ_HEAD(, es_inquiry) under_way;
    size_t count;
    char removed[REMOVED_MAX][ES_JOB_ID_LEN + 1]; /* who did not hear it asks again */
    size_t next_removed;
};

/* ---- answers */

void es_inquiry_bytes(es_inquiry_t *self, const char *type, const void *data, size_t len)
{
    free(self->body);
    self->body = es_alloc_copy(data ? data : "", len);
    self->len = len;
    self->status = 200;
    snprintf(self->type, sizeof self->type, "%s", type);
}

void es_inquiry_json(es_inquiry_t *self, unsigned status, json_t *json)
{
    free(self->body);
    self->body = es_job_json_text(json, &self->len);
    self->status = status;
    snprintf(self->type, sizeof self->type, "application/json");
    if (self->len > ES_TOLD_MAX)
        es_inquiry_error(self, 400, "too_long", "The answer would be longer than 1 MiB; ask for fewer jobs a page.");
}

void es_inquiry_error(es_inquiry_t *self, unsigned status, const char *code, const char *message)
{
    json_t *json = json_object();
    json_object_set_new(json, "error", json_string(code));
    json_object_set_new(json, "message", json_string(message));
    es_inquiry_json(self, status, json);
}

es_jobs_result_t es_inquiry_found(es_inquiry_t *self, es_jobs_result_t result)
{
    if (result == ES_JOBS_NONE) es_inquiry_error(self, 404, "no_such_job", "There is no job with this id.");
    return result;
}

static void tell(es_inquiry_t *self)
{
    es_msg_t msg = {.kind = ES_JOB_TOLD, .seq = self->seq};
    ES_SET(&msg, ES_M_COUNT, count, self->status);
    ES_SET(&msg, ES_M_TEXT, text, es_span(self->type));
    if (self->next) ES_SET(&msg, ES_M_TO, to_seq, self->next);
    if (self->size != UINT64_MAX) ES_SET(&msg, ES_M_END, end, self->size);
    self->set->config.publish(self->set->config.ctx, es_span(self->client), &msg, self->body, self->len);
}

static void free_inquiry(es_inquiry_t *self)
{
    TAILQ_REMOVE(&self->set->under_way, self, in_set);
    self->set->count--;
    es_job_fini(&self->changed);
    free(self->body);
    free(self);
}

/* ---- removed, and asked again */

static void note_removed(es_inquiries_t *self, const char *job)
{
    memcpy(self->removed[self->next_removed++ % REMOVED_MAX], job, ES_JOB_ID_LEN + 1);
}

static bool was_removed(const es_inquiries_t *self, const char *job)
{
    if (!job[0]) return false;
    for (size_t i = 0; i < REMOVED_MAX; i++)
        if (strcmp(self->removed[i], job) == 0) return true;
    return false;
}

static void settle_command(es_inquiry_t *self, uint64_t now_us)
{
    es_inquiries_t *set = self->set;
    bool removes = self->verb == &es_inquiry_remove;
    if (self->done) set->config.done(set->config.ctx, self->verb->what, &self->changed, now_us);
    if (removes && self->done) note_removed(set, self->job);
    if (!removes || self->status != 404 || !was_removed(set, self->job)) return;
    json_t *json = json_object();
    json_object_set_new(json, "jobId", json_string(self->job));
    es_inquiry_json(self, 200, json);
}

static void on_done(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    es_inquiry_t *self = arg;
    if (result == ES_JOBS_DOWN) {
        self->done = false;
        es_inquiry_error(self, 503, "store_unavailable", "The store of jobs is out of reach; try again in a moment.");
    }
    if (self->verb->changes) settle_command(self, now_us);
    if (self->status)
        tell(self);
    else
        es_metric_add(&dropped_elsewhere, 1);
    free_inquiry(self);
}

/* ---- questions */

static bool is_under_way(const es_inquiries_t *self, const es_msg_t *msg)
{
    const es_inquiry_t *inquiry;
    TAILQ_FOREACH(inquiry, &self->under_way, in_set)
    if (inquiry->seq == msg->seq && es_span_eq(es_span(inquiry->client), msg->client)) return true;
    return false;
}

static es_inquiry_t *new_inquiry(es_inquiries_t *self, const es_msg_t *msg)
{
    es_inquiry_t *inquiry = es_alloc_zero(sizeof *inquiry);
    inquiry->set = self;
    inquiry->spool = self->config.spool;
    inquiry->seq = msg->seq;
    inquiry->now_ms = es_wall_us() / 1000;
    inquiry->state = -1;
    inquiry->size = UINT64_MAX;
    memcpy(inquiry->client, msg->client.ptr, ES_CLIENT_ID_LEN);
    TAILQ_INSERT_TAIL(&self->under_way, inquiry, in_set);
    self->count++;
    return inquiry;
}

static void refuse(es_inquiry_t *self, const char *wrong)
{
    es_inquiry_error(self, 400, "bad_request", wrong);
    tell(self);
    free_inquiry(self);
}

static void start(es_inquiry_t *self, const es_msg_t *msg, es_span_t body)
{
    self->verb = es_verb_find(msg->name);
    json_t *json = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
    const char *wrong = !self->verb             ? "There is no such verb."
                        : !json_is_object(json) ? "The question is not a JSON object."
                                                : es_inquiry_read_principal(self, json);
    if (!wrong) wrong = self->verb->read(self, json);
    json_decref(json);
    if (wrong)
        refuse(self, wrong);
    else
        es_store_thread_submit(self->verb->changes ? self->set->config.store : self->set->config.reads, self->verb->run,
                               on_done, self);
}

void es_inquiries_take(es_inquiries_t *self, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    (void)now_us;
    if (!es_job_hex_valid(msg->client, ES_CLIENT_ID_LEN))
        es_metric_add(&dropped_malformed, 1);
    else if (is_under_way(self, msg))
        es_metric_add(&again, 1);
    else if (self->count >= UNDER_WAY_MAX)
        es_metric_add(&dropped_busy, 1);
    else
        start(new_inquiry(self, msg), msg, body);
}

/* ---- life */

es_inquiries_t *es_inquiries_new(const es_inquiries_config_t *config)
{
    es_inquiries_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    TAILQ_INIT(&self->under_way);
    return self;
}

void es_inquiries_destroy(es_inquiries_t **self_p)
{
    es_inquiries_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    for (es_inquiry_t *inquiry = TAILQ_FIRST(&self->under_way), *next; inquiry; inquiry = next) {
        next = TAILQ_NEXT(inquiry, in_set);
        free_inquiry(inquiry);
    }
    free(self);
}
