#include "upload_sync.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "frame_buf.h"
#include "job_wire.h"
#include "json_out.h"

enum { FIRST_US = 100000, MOST_US = 1000000 }; /* between two questions, doubled each time */

struct es_upload_sync {
    es_asks_t *asks;
    es_http_exchange_t *x;
    char job[ES_JOB_ID_LEN + 1];
    uint64_t ask;              /* under way; 0: none */
    uint64_t ask_at, pause_us; /* when to look whether there is something to ask; time between two looks */
    uint64_t asked_us;
    uint64_t until_us, cursor;
    bool completed, begun, full, late, over;
};

static void told_job(void *ctx, const es_told_t *told, uint64_t now_us);
static void told_transcript(void *ctx, const es_told_t *told, uint64_t now_us);

es_upload_sync_t *es_upload_sync_new(es_asks_t *asks, es_http_exchange_t *x, const char *job, uint64_t now_us,
                                     uint64_t until_us)
{
    es_upload_sync_t *self = es_alloc_zero(sizeof *self);
    self->asks = asks;
    self->x = x;
    memcpy(self->job, job, ES_JOB_ID_LEN);
    self->pause_us = FIRST_US;
    self->ask_at = now_us + FIRST_US;
    self->until_us = until_us;
    return self;
}

void es_upload_sync_destroy(es_upload_sync_t **self_p)
{
    es_upload_sync_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_asks_forget(self->asks, self->ask);
    free(self);
}

bool es_upload_sync_late(const es_upload_sync_t *self)
{
    return self->late;
}

static void rest(es_upload_sync_t *self, uint64_t now_us)
{
    self->ask_at = now_us + self->pause_us;
    self->pause_us = self->pause_us * 2 < MOST_US ? self->pause_us * 2 : MOST_US;
}

static void ask(es_upload_sync_t *self, uint64_t now_us)
{
    char json[128];
    int len;
    if (self->completed)
        len = snprintf(json, sizeof json, "{\"job\":\"%s\",\"format\":\"json\",\"cursor\":%llu}", self->job,
                       (unsigned long long)self->cursor);
    else
        len = snprintf(json, sizeof json, "{\"job\":\"%s\"}", self->job);
    self->asked_us = now_us;
    self->ask = es_asks_ask(self->asks, self->completed ? "transcript" : "get", es_span_of(json, (size_t)len),
                            self->completed ? told_transcript : told_job, self, now_us);
}

static void tell_failure(es_upload_sync_t *self, const char *code, const char *message)
{
    es_frame_buf_t json = {0};
    es_json_raw(&json, "{\"error\":");
    es_json_string(&json, es_span(code));
    es_json_raw(&json, ",\"message\":");
    es_json_string(&json, es_span(message));
    es_json_raw(&json, ",\"jobId\":");
    es_json_string(&json, es_span(self->job));
    es_json_raw(&json, "}\n");
    self->over = true;
    es_http_reply(self->x, 422, "application/json", NULL, json.data + json.head, es_frame_buf_size(&json));
    es_frame_buf_clear(&json);
}

static void look(es_upload_sync_t *self, const json_t *job, uint64_t now_us)
{
    const char *status = json_string_value(json_object_get(job, "status"));
    const char *error = json_string_value(json_object_get(job, "error"));
    if (!status) status = "";
    if (!strcmp(status, "COMPLETED")) {
        self->completed = true;
        ask(self, now_us);
    } else if (!strcmp(status, "FAILED")) {
        tell_failure(self, "job_failed", error ? error : "The job failed.");
    } else if (!strcmp(status, "CANCELLED")) {
        tell_failure(self, "job_cancelled", "The job was cancelled.");
    }
}

static void told_job(void *ctx, const es_told_t *told, uint64_t now_us)
{
    es_upload_sync_t *self = ctx;
    self->ask = 0;
    if (told->status == 404 || told->status == 410) {
        tell_failure(self, "job_deleted", "The job was deleted before it was done.");
        return;
    }
    json_t *job = told->status == 200 ? json_loadb(told->body.ptr, told->body.len, 0, NULL) : NULL;
    look(self, job, now_us);
    json_decref(job);
}

/* The store is out of reach, or the job was deleted just now. */
static void untold(es_upload_sync_t *self, unsigned status)
{
    if (status == 503) return; /* and is asked again */
    if (self->begun) {
        self->over = true;
        es_http_abort(self->x);
    } else {
        tell_failure(self, "job_deleted", "The job was deleted before its transcript was read.");
    }
}

static void told_transcript(void *ctx, const es_told_t *told, uint64_t now_us)
{
    es_upload_sync_t *self = ctx;
    self->ask = 0;
    if (told->status != 200) {
        untold(self, told->status);
        return;
    }
    char location[8 + ES_JOB_ID_LEN];
    snprintf(location, sizeof location, "/jobs/%s", self->job);
    const char *const headers[] = {"location", location, NULL};
    if (!self->begun)
        es_http_begin(self->x, 200, "application/json", headers, told->more ? -1 : (int64_t)told->body.len);
    self->begun = true;
    self->cursor = told->next;
    self->full = !es_http_write(self->x, told->body.ptr, told->body.len);
    self->over = !told->more;
    if (self->over)
        es_http_finish(self->x);
    else if (!self->full)
        ask(self, now_us);
}

/* Progress is news too, and comes often. */
void es_upload_sync_news(es_upload_sync_t *self, uint64_t now_us)
{
    uint64_t at = self->asked_us + FIRST_US > now_us ? self->asked_us + FIRST_US : now_us;
    if (at < self->ask_at) self->ask_at = at;
}

void es_upload_sync_room(es_upload_sync_t *self, uint64_t now_us)
{
    self->full = false;
    if (self->begun && !self->over && !self->ask) ask(self, now_us);
}

uint64_t es_upload_sync_tick(es_upload_sync_t *self, uint64_t now_us)
{
    if (self->over || self->late) return UINT64_MAX;
    if (!self->begun && now_us >= self->until_us) {
        es_asks_forget(self->asks, self->ask);
        self->ask = 0;
        self->late = true;
        return UINT64_MAX;
    }
    if (now_us >= self->ask_at) {
        if (!self->ask && !self->full) ask(self, now_us);
        rest(self, now_us);
    }
    if (self->begun) return self->ask_at;
    return self->ask_at < self->until_us ? self->ask_at : self->until_us;
}
