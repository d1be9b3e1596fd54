/* What a run needs of the world: a decoder, the brokers, the store. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "analysis_document.h"
#include "jobs_metrics.h"
#include "log.h"
#include "scheduler_state.h"
#include "wire.h"

es_job_now_t es_scheduler_at(uint64_t now_us)
{
    return (es_job_now_t){.us = now_us, .ms = es_wall_us() / 1000};
}

/* ---- the decoder */

static void decoder_info(es_slot_t *self, const es_decode_msg_t *msg, es_job_now_t now)
{
    es_job_run_info(self->run, msg->limit, es_span_of(msg->text, msg->text_len), now);
}

static void decoder_audio(es_slot_t *self, const es_decode_msg_t *msg, es_job_now_t now)
{
    es_job_run_audio(self->run, msg->pos, msg->samples, msg->n_samples, now);
}

static void decoder_busy(es_slot_t *self, const es_decode_msg_t *msg, es_job_now_t now)
{
    (void)msg;
    es_job_run_skipping(self->run, now);
}

static void decoder_end(es_slot_t *self, const es_decode_msg_t *msg, es_job_now_t now)
{
    self->decoding = NULL;
    es_job_run_decoded(self->run, msg->pos, es_span_of(msg->text, msg->text_len), now);
}

static void decoder_refused(es_slot_t *self, const es_decode_msg_t *msg, es_job_now_t now)
{
    self->decoding = NULL;
    es_metric_add(&es_jobs_undecodable, 1);
    es_job_run_undecodable(self->run, true, es_span_of(msg->text, msg->text_len), now);
}

static void decoder_said(void *ctx, const es_decode_msg_t *msg, uint64_t now_us)
{
    static void (*const kinds[])(es_slot_t *, const es_decode_msg_t *, es_job_now_t) = {
        [ES_DECODE_INFO] = decoder_info, [ES_DECODE_AUDIO] = decoder_audio,     [ES_DECODE_BUSY_AT] = decoder_busy,
        [ES_DECODE_END] = decoder_end,   [ES_DECODE_REFUSED] = decoder_refused,
    };
    es_slot_t *self = ctx;
    self->due_us = 0;
    kinds[msg->kind](self, msg, es_scheduler_at(now_us));
}

static void decoder_failed(void *ctx, const char *why, uint64_t now_us)
{
    es_slot_t *self = ctx;
    self->decoding = NULL;
    self->due_us = 0;
    es_job_run_undecodable(self->run, false, es_span(why), es_scheduler_at(now_us));
}

static void run_decode(void *ctx, uint64_t from, uint64_t limit)
{
    static const es_decoding_ops_t ops = {.said = decoder_said, .failed = decoder_failed};
    es_slot_t *self = ctx;
    es_scheduler_t *scheduler = self->scheduler;
    int file = scheduler->ops->open_file(scheduler->ctx, self->hold.id);
    self->for_good = file < 0 && errno == ENOENT;
    if (file >= 0) self->decoding = es_decode_pool_begin(scheduler->pool, file, from, limit, &ops, self, es_now_us());
    if (self->decoding) return;
    es_log_warn("a recording cannot be decoded", ES_S("job", self->hold.id), ES_S("error", strerror(errno)));
    self->trouble = self->for_good ? "The recording is not there any more."
                    : file < 0     ? "The recording could not be opened."
                                   : "No process could be started to decode the recording.";
}

static void run_listen(void *ctx, bool on)
{
    es_slot_t *self = ctx;
    if (self->decoding) es_decoding_listen(self->decoding, on, es_now_us());
}

static void run_stop_decoding(void *ctx)
{
    es_slot_t *self = ctx;
    self->trouble = NULL;
    es_decoding_stop(&self->decoding);
}

/* ---- the brokers */

static void run_send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    es_slot_t *self = ctx;
    char room[ES_TRACE_LEN];
    es_msg_t traced = *msg;
    es_job_trace_stamp(&self->trace, &traced, room);
    self->scheduler->ops->send(self->scheduler->ctx, self->broker, key, &traced, body, len);
}

/* Zeros after the prefix are the link's own key, and near it is the scheduler's. */
static void run_draw_key(void *ctx, char key[ES_CLIENT_ID_LEN + 1])
{
    es_slot_t *self = ctx;
    char hex[17];
    es_hex16(es_random_u64() | 0x10, hex);
    memcpy(key, self->scheduler->config.prefix, ES_PREFIX_LEN);
    memcpy(key + ES_PREFIX_LEN, hex + ES_PREFIX_LEN, ES_CLIENT_ID_LEN - ES_PREFIX_LEN);
    key[ES_CLIENT_ID_LEN] = '\0';
    self->broker = self->scheduler->ops->broker(self->scheduler->ctx, es_span_of(key, ES_CLIENT_ID_LEN));
}

/* ---- the store */

typedef struct {
    es_slot_t *slot;
    es_job_hold_t hold;
    es_job_write_t *writes[ES_RUN_BATCH];
    size_t n;
    uint64_t now_ms;
    es_job_t fresh;
} write_task_t;

static es_jobs_result_t write_in_store(void *arg, es_job_store_t *store)
{
    write_task_t *task = arg;
    es_job_fini(&task->fresh);
    return es_job_write_run(store, &task->hold, task->writes, task->n, task->now_ms, &task->fresh);
}

static void count_ends(const write_task_t *task)
{
    static es_metric_t *const ends[ES_WRITE_KINDS] = {[ES_WRITE_COMPLETED] = &es_jobs_completed,
                                                      [ES_WRITE_FAILED] = &es_jobs_failed,
                                                      [ES_WRITE_AGAIN] = &es_jobs_again};
    for (size_t i = 0; i < task->n; i++)
        if (ends[task->writes[i]->kind]) es_metric_add(ends[task->writes[i]->kind], 1);
}

static void written(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    write_task_t *task = arg;
    es_slot_t *self = task->slot;
    if (result == ES_JOBS_OK) count_ends(task);
    if (result == ES_JOBS_LOST) es_metric_add(&es_jobs_lost, 1);
    self->due_us = 0;
    es_job_run_written(self->run, result, &task->fresh, es_scheduler_at(now_us));
    es_job_fini(&task->fresh);
    free(task);
}

static void run_write(void *ctx, es_job_write_t *const *writes, size_t n)
{
    es_slot_t *self = ctx;
    write_task_t *task = es_alloc_zero(sizeof *task);
    task->slot = self;
    task->hold = self->hold;
    task->n = n;
    task->now_ms = es_wall_us() / 1000;
    for (size_t i = 0; i < n; i++) task->writes[i] = writes[i];
    es_store_thread_submit(self->scheduler->config.store, write_in_store, written, task);
}

typedef struct {
    es_slot_t *slot;
    char id[ES_JOB_ID_LEN + 1];
    char *document;
    size_t len;
} read_task_t;

static es_jobs_result_t read_in_store(void *arg, es_job_store_t *store)
{
    read_task_t *task = arg;
    free(task->document);
    return es_analysis_document(store, task->id, &task->document, &task->len);
}

static void read_done(void *arg, es_jobs_result_t result, uint64_t now_us)
{
    read_task_t *task = arg;
    char *document = result == ES_JOBS_OK ? task->document : NULL;
    if (!document) free(task->document);
    task->slot->due_us = 0;
    es_job_run_document(task->slot->run, result, document, task->len, es_scheduler_at(now_us));
    free(task);
}

static void run_read(void *ctx)
{
    es_slot_t *self = ctx;
    read_task_t *task = es_alloc_zero(sizeof *task);
    task->slot = self;
    memcpy(task->id, self->hold.id, sizeof task->id);
    es_store_thread_submit(self->scheduler->config.store, read_in_store, read_done, task);
}

/* ---- others */

static void run_news(void *ctx, const es_job_t *job, const char *type, es_span_t text)
{
    es_slot_t *self = ctx;
    self->scheduler->ops->tell(self->scheduler->ctx, job, type, text, es_now_us());
}

static uint64_t run_chance(void *ctx)
{
    (void)ctx;
    return es_random_u64();
}

static void run_over(void *ctx, const char *why)
{
    es_slot_t *self = ctx;
    self->over = true;
    self->due_us = 0;
    es_log_info("job given up or done", ES_S("job", self->hold.id), ES_S("state", why));
    es_job_trace_end(&self->trace, es_job_run_job(self->run), why);
}

static const es_job_run_ops_t run_ops = {.decode = run_decode,
                                         .listen = run_listen,
                                         .stop_decoding = run_stop_decoding,
                                         .send = run_send,
                                         .draw_key = run_draw_key,
                                         .write = run_write,
                                         .read = run_read,
                                         .news = run_news,
                                         .chance = run_chance,
                                         .over = run_over};

/* ---- the place */

es_slot_t *es_slot_new(es_scheduler_t *scheduler, es_job_t *job, uint64_t now_us)
{
    es_slot_t *self = es_alloc_zero(sizeof *self);
    *self = (es_slot_t){.scheduler = scheduler, .hold.token = job->token};
    memcpy(self->hold.id, job->id, sizeof self->hold.id);
    es_log_info("job taken up", ES_S("job", job->id), ES_U("attempt", job->attempt), ES_U("from_ms", job->done / 16));
    es_job_trace_begin(&self->trace, job);
    self->run = es_job_run_new(&scheduler->run_config, &run_ops, self, job, es_scheduler_at(now_us));
    return self;
}

void es_slot_free(es_slot_t *self)
{
    es_decoding_stop(&self->decoding);
    es_job_run_destroy(&self->run);
    free(self);
}

void es_slot_tick(es_slot_t *self, uint64_t now_us)
{
    const char *trouble = self->trouble;
    self->trouble = NULL;
    if (trouble) es_job_run_undecodable(self->run, self->for_good, es_span(trouble), es_scheduler_at(now_us));
    if (trouble || now_us >= self->due_us) self->due_us = es_job_run_tick(self->run, es_scheduler_at(now_us));
    if (self->trouble) self->due_us = now_us;
}
