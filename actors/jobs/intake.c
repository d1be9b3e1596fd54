#include "intake.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "arrival.h"
#include "arrival_head.h"
#include "log.h"
#include "wire.h"

/* After CLOSE. A sender that changes its broker, or gives its place back, says CLOSE too and begins anew at once. */
#define LEFT_US UINT64_C(10000000)
#define NEVER UINT64_MAX

static ES_METRIC_GAUGE(uploads_open, "earshot_jobs_uploads", "Uploads under way.");
ES_METRIC_COUNTER(es_arrival_bytes, "earshot_jobs_upload_bytes_total", "Bytes of recordings taken.");
ES_METRIC_COUNTER(es_arrival_commits, "earshot_jobs_upload_commits_total",
                  "Parts of uploads put on the disk on the way.");
ES_METRIC_COUNTER(es_arrival_accepted, "earshot_jobs_upload_accepted_total", "Uploads that became a job.");
ES_METRIC_COUNTER(es_arrival_again, "earshot_jobs_upload_again_total", "Uploads whose job was there already.");
ES_METRIC_COUNTER(es_arrival_resumed, "earshot_jobs_upload_resumed_total",
                  "Uploads that went on where another owner was.");
ES_METRIC_COUNTER(es_arrival_lost, "earshot_jobs_upload_lost_total",
                  "Uploads that could not: what was committed is not here.");
ES_METRIC_COUNTER(es_arrival_ended, "earshot_jobs_upload_ended_total", "Uploads that ended before they were whole.");
es_metric_t es_arrival_refused[4] = {
    {.name = "earshot_jobs_upload_refused_total{status=\"400\"}", .help = "Uploads refused, by status."},
    {.name = "earshot_jobs_upload_refused_total{status=\"503\"}"},
    {.name = "earshot_jobs_upload_refused_total{status=\"507\"}"},
    {.name = "earshot_jobs_upload_refused_total{status=\"other\"}"}};

es_metric_t *const *es_intake_metrics(void)
{
    static es_metric_t *const list[] = {&uploads_open,
                                        &es_arrival_bytes,
                                        &es_arrival_commits,
                                        &es_arrival_accepted,
                                        &es_arrival_again,
                                        &es_arrival_resumed,
                                        &es_arrival_lost,
                                        &es_arrival_ended,
                                        &es_arrival_refused[0],
                                        &es_arrival_refused[1],
                                        &es_arrival_refused[2],
                                        &es_arrival_refused[3],
                                        NULL};
    return list;
}

struct es_left {
    struct es_left *next;
    uint64_t at_us;
    char name[ES_PART_NAME_LEN + 1];
};

/* ---- moves and endings */

#define TO(state) (1u << ES_ARRIVAL_##state)

void es_arrival_move(es_arrival_t *self, es_arrival_state_t state)
{
    static const unsigned allowed[ES_ARRIVAL_STATES] = {
        [ES_ARRIVAL_HEAD] = TO(TAKING) | TO(RESUMED) | TO(REFUSED),
        [ES_ARRIVAL_TAKING] = TO(FINISHING) | TO(REFUSED),
        [ES_ARRIVAL_RESUMED] = TO(STORING) | TO(REFUSED),
        [ES_ARRIVAL_FINISHING] = TO(STORING) | TO(REFUSED),
        [ES_ARRIVAL_STORING] = TO(DONE) | TO(REFUSED),
        [ES_ARRIVAL_DONE] = 0,
        [ES_ARRIVAL_REFUSED] = TO(REFUSED),
    };
    assert(allowed[self->state] & 1u << state);
    self->state = state;
}

void es_arrival_final(es_arrival_t *self, uint64_t seq, uint64_t flags, const char *text, es_span_t checkpoint)
{
    if (!self->stream || seq <= self->synced_seq) return;
    es_final_t final = {.to_seq = seq,
                        .flags = flags,
                        .text = es_span(text),
                        .checkpoint = checkpoint,
                        .start = self->pos,
                        .end = self->pos};
    self->synced_seq = seq;
    es_stream_final(self->stream, &final);
}

/* Its parts hold nothing that JSON would have to escape: codes are ours, messages name no text of the client. */
static void say_refusal(es_arrival_t *self)
{
    char text[512], wait[40] = "";
    const es_refusal_t *refusal = &self->refusal;
    if (refusal->retry_after) snprintf(wait, sizeof wait, "\"retry_after\":%u,", refusal->retry_after);
    snprintf(text, sizeof text, "{\"status\":%u,%s\"code\":\"%s\",\"message\":\"%s\"}", refusal->status, wait,
             refusal->code, refusal->message);
    es_arrival_final(self, self->seq, ES_F_FAILED, text, (es_span_t){0});
}

static es_metric_t *refused_metric(unsigned status)
{
    static const unsigned known[] = {400, 503, 507};
    for (size_t i = 0; i < 3; i++)
        if (known[i] == status) return &es_arrival_refused[i];
    return &es_arrival_refused[3];
}

static void drop(es_arrival_t *self)
{
    es_part_drop(self->set->config.spool, &self->part);
    if (self->head_kept) es_part_drop_head(self->set->config.spool, self->job.id, self->key);
    self->head_kept = false;
}

void es_arrival_refuse(es_arrival_t *self, unsigned status, unsigned retry_after, const char *code, const char *format,
                       ...)
{
    va_list args;
    es_arrival_move(self, ES_ARRIVAL_REFUSED);
    self->refusal = (es_refusal_t){.status = status, .retry_after = retry_after, .code = code};
    va_start(args, format);
    vsnprintf(self->refusal.message, sizeof self->refusal.message, format, args);
    va_end(args);
    es_metric_add(refused_metric(status), 1);
    es_log_info("upload refused", ES_S("job", self->job.id), ES_U("status", status), ES_S("code", code),
                ES_S("message", self->refusal.message));
    if (!self->busy) drop(self);
    say_refusal(self);
}

void es_arrival_refuse_disk(es_arrival_t *self, int error)
{
    if (error == ENOSPC || error == EDQUOT)
        es_arrival_refuse(self, 507, 60, "spool_full", "The disk of recordings is full; try again later.");
    else if (error == ENOENT)
        es_arrival_refuse(self, 503, 1, "upload_moved", "Another server goes on with this upload; send it again.");
    else
        es_arrival_refuse(self, 503, 30, "spool_error", "The recording could not be written to the disk (%s).",
                          strerror(error));
}

bool es_arrival_room(es_arrival_t *self, uint64_t bytes)
{
    switch (es_spool_room(self->set->config.spool, bytes)) {
    case ES_ROOM_QUOTA:
        es_arrival_refuse(self, 507, 60, "spool_full",
                          "The space set aside for recordings is full; try again later, or delete jobs.");
        return false;
    case ES_ROOM_FLOOR:
        es_arrival_refuse(self, 507, 60, "spool_full", "The disk of recordings is nearly full; try again later.");
        return false;
    case ES_ROOM_ENOUGH:
        break;
    }
    return true;
}

/* ---- frames */

static bool store_there(es_arrival_t *self)
{
    char why[256];
    if (!es_store_thread_trouble(self->set->config.store, why, sizeof why)) return true;
    es_arrival_refuse(self, 503, 5, "store_unavailable", "The store of jobs is out of reach; try again in a moment.");
    return false;
}

static void take_head(es_arrival_t *self, es_span_t body)
{
    es_spool_t *spool = self->set->config.spool;
    es_job_t *job = &self->job;
    const char *wrong = es_arrival_head_read(body, job);
    if (wrong) {
        es_arrival_refuse(self, 400, 0, "bad_head", "%s", wrong);
        return;
    }
    uint64_t announced = job->bytes == ES_ARRIVAL_UNKNOWN ? 0 : job->bytes;
    if (!store_there(self) || !es_arrival_room(self, announced)) return;
    if (es_part_make(spool, job->id, self->key, announced, &self->part) != 0) {
        es_arrival_refuse_disk(self, errno);
        return;
    }
    self->head = es_alloc_copy(body.ptr, body.len);
    self->head_len = body.len;
    es_arrival_move(self, ES_ARRIVAL_TAKING);
}

/* NULL, or why this cannot be the next piece. */
static const char *piece_wrong(const es_arrival_t *self, const es_msg_t *frame, size_t len)
{
    if (len > ES_UPLOAD_PIECE) return "A piece of the file has more than 65536 bytes.";
    if (frame->pos != self->pos) return "A piece of the file is not where the one before it ended.";
    if (self->job.bytes != ES_ARRIVAL_UNKNOWN && len > self->job.bytes - self->pos)
        return "The file has more bytes than were announced.";
    return NULL;
}

static void take_piece(es_arrival_t *self, const es_msg_t *frame, es_span_t body)
{
    const char *wrong = piece_wrong(self, frame, body.len);
    if (wrong) {
        es_arrival_refuse(self, 400, 0, "bad_piece", "%s", wrong);
        return;
    }
    if (self->state == ES_ARRIVAL_TAKING) {
        if (self->job.bytes == ES_ARRIVAL_UNKNOWN && !es_arrival_room(self, body.len)) return;
        if (es_part_write(self->set->config.spool, &self->part, self->pos, body.ptr, body.len) != 0) {
            es_arrival_refuse_disk(self, errno);
            return;
        }
    }
    self->pos += body.len;
    es_metric_add(&es_arrival_bytes, body.len);
}

static void take_end(es_arrival_t *self, es_span_t body)
{
    const char *wrong = es_arrival_late_read(body, &self->job);
    if (!wrong && self->job.bytes != ES_ARRIVAL_UNKNOWN && self->job.bytes != self->pos)
        wrong = "The file has fewer bytes than were announced.";
    if (!wrong && self->pos == 0) wrong = "The file is empty.";
    if (wrong) {
        es_arrival_refuse(self, 400, 0, "bad_end", "%s", wrong);
        return;
    }
    self->job.bytes = self->pos;
    es_arrival_finish(self);
}

static void take_frame(es_arrival_t *self, const es_msg_t *frame, es_span_t body)
{
    if (frame->flags & ES_F_EOS && self->state == ES_ARRIVAL_HEAD)
        es_arrival_refuse(self, 400, 0, "bad_head", "The upload ended before it began.");
    else if (frame->flags & ES_F_EOS)
        take_end(self, body);
    else if (self->state == ES_ARRIVAL_HEAD)
        take_head(self, body);
    else if (!(frame->flags & ES_F_MARK))
        take_piece(self, frame, body);
}

static void on_frame(void *state, es_stream_t *stream, const es_msg_t *frame, const void *data, size_t len)
{
    es_arrival_t *self = state;
    uint64_t now = es_now_us();
    (void)stream;
    self->seq = frame->seq;
    self->piece_us = now;
    if (!self->oldest_us) self->oldest_us = now;
    if (self->state == ES_ARRIVAL_REFUSED) {
        say_refusal(self);
        return;
    }
    take_frame(self, frame, es_span_of(data, len));
    uint64_t due = es_arrival_commit_due(self, now);
    if (due < self->set->due_us) self->set->due_us = due;
}

/* ---- streams come and go */

static void *on_open(void *ctx, es_stream_t *stream, const es_msg_t *start)
{
    es_intake_t *set = ctx;
    es_arrival_t *self = es_alloc_zero(sizeof *self);
    es_trace_t trace;
    self->set = set;
    self->stream = stream;
    self->part.fd = -1;
    self->seq = self->synced_seq = start->base;
    snprintf(self->key, sizeof self->key, "%s", es_stream_key(stream));
    if (es_trace_unpack(&trace, start->trace)) es_trace_print(&trace, self->trace);
    TAILQ_INSERT_TAIL(&set->open, self, in_set);
    es_metric_set(&uploads_open, ++set->count);
    if (start->base > 0) es_arrival_resume(self, start);
    return self;
}

static void leave(es_intake_t *set, const char *name)
{
    struct es_left *left = es_alloc_zero(sizeof *left);
    left->at_us = es_now_us() + LEFT_US;
    snprintf(left->name, sizeof left->name, "%s", name);
    *set->left_end = left;
    set->left_end = &left->next;
    if (left->at_us < set->due_us) set->due_us = left->at_us;
}

/* Nothing committed: a successor begins at the first frame, and wants nothing of this. */
static void settle_part(es_arrival_t *self)
{
    es_spool_t *spool = self->set->config.spool;
    if (self->part.fd < 0) return;
    es_metric_add(&es_arrival_ended, 1);
    if (!self->committed) {
        es_part_drop(spool, &self->part);
        return;
    }
    if (self->ended) leave(self->set, self->part.name);
    es_part_leave(spool, &self->part);
}

static void free_upload(es_arrival_t *self)
{
    es_intake_t *set = self->set;
    settle_part(self);
    TAILQ_REMOVE(&set->open, self, in_set);
    es_metric_set(&uploads_open, --set->count);
    es_job_fini(&self->job);
    free(self->head);
    free(self);
}

bool es_arrival_released(es_arrival_t *self)
{
    self->busy = false;
    if (self->state == ES_ARRIVAL_REFUSED) drop(self);
    if (self->stream) return true;
    if (self->state == ES_ARRIVAL_FINISHING || self->state == ES_ARRIVAL_STORING) return true; /* whole: it goes on */
    free_upload(self);
    return false;
}

static void on_close(void *state, es_stream_t *stream)
{
    es_arrival_t *self = state;
    self->stream = NULL;
    self->ended = es_stream_ended(stream);
    if (!self->busy) free_upload(self); /* else whoever has it lets go of it */
}

const es_worker_ops_t es_intake_ops = {.open = on_open, .frame = on_frame, .close = on_close};

/* ---- the set */

es_intake_t *es_intake_new(const es_intake_config_t *config)
{
    es_intake_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    self->due_us = NEVER;
    self->left_end = &self->left;
    TAILQ_INIT(&self->open);
    return self;
}

void es_intake_destroy(es_intake_t **self_p)
{
    es_intake_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    assert(TAILQ_EMPTY(&self->open));
    for (struct es_left *left; (left = self->left);) { /* whoever comes next clears them up */
        self->left = left->next;
        free(left);
    }
    free(self);
}

/* The part, `job.key.owner`, and what was kept beside it. */
static void clear_part(es_spool_t *spool, const char *name)
{
    char job[ES_JOB_ID_LEN + 1], key[ES_CLIENT_ID_LEN + 1];
    if (!es_part_clear(spool, name)) return;
    snprintf(job, sizeof job, "%.*s", (int)ES_JOB_ID_LEN, name);
    snprintf(key, sizeof key, "%.*s", (int)ES_CLIENT_ID_LEN, name + ES_JOB_ID_LEN + 1);
    es_part_drop_head(spool, job, key);
}

static uint64_t clear_left(es_intake_t *self, uint64_t now_us)
{
    struct es_left *left;
    while ((left = self->left) && left->at_us <= now_us) {
        clear_part(self->config.spool, left->name);
        self->left = left->next;
        if (!self->left) self->left_end = &self->left;
        free(left);
    }
    return left ? left->at_us : NEVER;
}

uint64_t es_intake_tick(es_intake_t *self, uint64_t now_us)
{
    es_arrival_t *upload, *next;
    if (now_us < self->due_us) return self->due_us;
    self->due_us = clear_left(self, now_us);
    for (upload = TAILQ_FIRST(&self->open); upload; upload = next) {
        next = TAILQ_NEXT(upload, in_set);
        uint64_t due = es_arrival_commit_due(upload, now_us);
        if (due < self->due_us) self->due_us = due;
    }
    return self->due_us;
}

size_t es_intake_count(const es_intake_t *self)
{
    return self->count;
}
