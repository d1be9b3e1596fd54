#include "job_stats.h"

#include <stdlib.h>

#include "alloc.h"
#include "health.h"
#include "job_json.h"

#define SECOND UINT64_C(1000000)
#define NEVER UINT64_MAX
#define HEALTH_US UINT64_C(500000)

#define STATE(name) "earshot_jobs_state{state=\"" name "\"}"
static ES_METRIC_GAUGE(queued, STATE("queued"), "Jobs in the store, by state.");
static ES_METRIC_GAUGE(transcribing, STATE("transcribing"), "");
static ES_METRIC_GAUGE(analyzing, STATE("analyzing"), "");
static ES_METRIC_GAUGE(completed, STATE("completed"), "");
static ES_METRIC_GAUGE(failed, STATE("failed"), "");
static ES_METRIC_GAUGE(cancelled, STATE("cancelled"), "");
static ES_METRIC_GAUGE(concurrency, "earshot_jobs_concurrency", "Jobs that may be at work at once.");
static ES_METRIC_GAUGE(spool_bytes, "earshot_jobs_spool_bytes", "Bytes of recordings kept.");
static ES_METRIC_GAUGE(disk_free, "earshot_jobs_disk_free_bytes", "Bytes free where recordings are kept.");

static es_metric_t *const states[ES_JOB_STATES + 1] = {
    [ES_JOB_QUEUED] = &queued,       [ES_JOB_TRANSCRIBING] = &transcribing,
    [ES_JOB_ANALYZING] = &analyzing, [ES_JOB_COMPLETED] = &completed,
    [ES_JOB_FAILED] = &failed,       [ES_JOB_CANCELLED] = &cancelled};

es_metric_t *const *es_job_stats_metrics(void)
{
    static es_metric_t *const list[] = {&queued,    &transcribing, &analyzing,   &completed, &failed,
                                        &cancelled, &concurrency,  &spool_bytes, &disk_free, NULL};
    return list;
}

struct es_job_stats {
    es_job_stats_config_t config;
    es_job_counts_t counts;
    bool known; /* the store has told its counts once */
    uint64_t ended[ES_JOB_STATES];
    uint64_t next_us;   /* NEVER: the store is asked */
    uint64_t well_us;   /* when the store answered last, or the first tick */
    uint64_t health_us; /* when health is told next */
};

static void set(json_t *json, const char *name, json_t *value)
{
    json_object_set_new(json, name, value);
}

static void set_uint(json_t *json, const char *name, uint64_t value)
{
    set(json, name, json_integer((json_int_t)value));
}

static void set_jobs(const es_job_stats_t *self, json_t *json)
{
    json_t *ended = json_object();
    size_t running = 0, uploads = 0;
    self->config.figures(self->config.ctx, &running, &uploads);
    set_uint(json, "running", running);
    set_uint(json, "uploads", uploads);
    set_uint(json, "concurrency", self->config.concurrency);
    set(json, "counts", self->known ? es_job_counts_json(&self->counts) : json_null());
    for (int i = 0; i < ES_JOB_STATES; i++)
        if (es_job_over((es_job_state_t)i)) set_uint(ended, es_job_state_name((es_job_state_t)i), self->ended[i]);
    set(json, "ended", ended);
    uint64_t oldest = self->counts.oldest_queued_ms;
    set(json, "oldest_queued_ms", oldest ? json_integer((json_int_t)oldest) : json_null());
}

static void set_places(const es_job_stats_t *self, json_t *json)
{
    char trouble[1024];
    es_spool_usage_t usage;
    es_spool_usage(self->config.spool, &usage);
    bool troubled = es_store_thread_trouble(self->config.reads, trouble, sizeof trouble);
    set(json, "store", json_string(es_store_thread_kind(self->config.reads)));
    set(json, "store_error", es_job_text_json(troubled ? trouble : NULL));
    set_uint(json, "spool_bytes", usage.bytes);
    set_uint(json, "spool_quota", usage.quota);
    set_uint(json, "disk_free", usage.disk_free);
    es_metric_set(&spool_bytes, usage.bytes);
    es_metric_set(&disk_free, usage.disk_free);
}

static void count_states(const es_job_stats_t *self)
{
    es_metric_set(&concurrency, self->config.concurrency);
    for (int i = 0; i < ES_JOB_STATES; i++) es_metric_set(states[i], self->counts.states[i]);
}

static void say(es_job_stats_t *self)
{
    size_t len;
    json_t *json = json_object();
    es_msg_t msg = {.kind = ES_JOB_STATS};
    set_jobs(self, json);
    set_places(self, json);
    char *body = es_job_json_text(json, &len);
    ES_SET(&msg, ES_M_NAME, name, es_span(self->config.name));
    self->config.publish(self->config.ctx, es_span(ES_JOBS_STATS_KEY), &msg, body, len);
    free(body);
}

static es_jobs_result_t run_counts(void *arg, es_job_store_t *store)
{
    es_job_stats_t *self = arg;
    return es_job_store_counts(store, &self->counts);
}

static void counts_done(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    es_job_stats_t *self = arg;
    self->known |= result == ES_JOBS_OK;
    if (result == ES_JOBS_OK) {
        self->well_us = now_us;
        count_states(self);
    }
    self->next_us = now_us + SECOND;
    say(self);
}

es_job_stats_t *es_job_stats_new(const es_job_stats_config_t *config)
{
    es_job_stats_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    return self;
}

void es_job_stats_destroy(es_job_stats_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void es_job_stats_ended(es_job_stats_t *self, es_job_state_t state)
{
    self->ended[state]++;
}

/* It is asked each second. */
static void tell_health(es_job_stats_t *self, uint64_t now_us)
{
    char trouble[ES_HEALTH_TEXT];
    self->health_us = now_us + HEALTH_US;
    if (!self->well_us) self->well_us = now_us;
    uint64_t lag_us = now_us < self->well_us + 2 * SECOND ? 0 : now_us - self->well_us;
    bool known = es_store_thread_trouble(self->config.reads, trouble, sizeof trouble);
    es_health_lag(ES_HEALTH_STORE, lag_us, "the store of jobs has not answered for %.1f s%s%.100s",
                  (double)lag_us / 1e6, known ? ": " : "", known ? trouble : "");
}

uint64_t es_job_stats_tick(es_job_stats_t *self, uint64_t now_us)
{
    if (now_us >= self->health_us) tell_health(self, now_us);
    if (now_us < self->next_us) return self->next_us;
    self->next_us = NEVER;
    es_store_thread_submit(self->config.reads, run_counts, counts_done, self);
    return NEVER;
}
