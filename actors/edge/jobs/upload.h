/* One upload: what it needs of the others, and what they need of it. For uploads.c and upload.c. */
#ifndef ES_UPLOAD_H
#define ES_UPLOAD_H

#include "access/seats.h"
#include "upload_body.h"
#include "upload_stream.h"
#include "upload_sync.h"
#include "uploads.h"

typedef struct es_upload es_upload_t;

struct es_uploads {
    es_uploads_config_t config;
    es_uploads_ops_t ops;
    es_client_env_t *env;
    es_asks_t *asks;
    const char *prefix;
    struct es_keymap *by_key;
    es_seats_t *seats; /* of addresses and subjects */
    es_timers_t timers;
    size_t waiting; /* for transcripts */
    bool draining;
};

struct es_upload {
    es_timer_t timer; /* first: timers are uploads */
    es_uploads_t *all;
    es_http_exchange_t *x;
    es_seat_t *of_address, *of_subject;                     /* NULL: not counted */
    char key[ES_CLIENT_ID_LEN + 1], job[ES_JOB_ID_LEN + 1]; /* job: as drawn, then as stored */
    int64_t announced;                                      /* bytes of the file; -1: unknown */
    es_upload_options_t options;
    es_upload_body_t *body;
    es_upload_stream_t *stream;
    es_upload_sync_t *wait; /* for the transcript */
    bool begun, paused, sync, answered;
    es_upload_answer_t refusal; /* status 0: none */
};

/* Takes this request or refuses it. */
void es_upload_begin(es_uploads_t *all, es_http_exchange_t *x, es_span_t session, bool sync);
void es_upload_receive(es_upload_t *self, int broker, const es_msg_t *msg, const void *body, size_t len);
void es_upload_tick(es_upload_t *self);
void es_upload_rebroker(es_upload_t *self);
/* JOB_NEWS on this key. */
void es_upload_news(es_upload_t *self, es_span_t key);

/* Counts it for its address and for whose it is. 0, or -1 with *why where one of them has as many as it may; es_uploads_leave is to follow either way. */
int es_uploads_sit(es_uploads_t *all, es_upload_t *upload, es_refusal_t *why);
void es_uploads_leave(es_uploads_t *all, es_upload_t *upload);
/* A key that nobody has, and the upload under it. */
void es_uploads_add(es_uploads_t *all, es_upload_t *upload);
void es_uploads_remove(es_uploads_t *all, es_upload_t *upload);
/* Hear what is said of this one's job, or no more. */
void es_uploads_listen(es_uploads_t *all, const es_upload_t *upload, bool on);
/* Bytes that each may retain now. */
size_t es_uploads_allowance(const es_uploads_t *all);

/* ---- upload_metrics.c */

extern es_metric_t es_edge_uploads, es_edge_upload_bytes, es_edge_uploads_accepted, es_edge_uploads_gone,
    es_edge_uploads_paused, es_edge_uploads_late;
void es_upload_count_refusal(const char *code);

#endif
