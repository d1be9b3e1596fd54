/* Questions and commands about jobs: JOB_ASK in, JOB_TOLD out. PROTOCOL.md, section 11.2.
 *
 *      JOB_ASK --> check --> a task of the store: reads with the one, commands with the other --> JOB_TOLD
 *                                                                            '-- commands --> `done`: news, files
 *
 * Whoever hears nothing asks again: what is under way already is not begun twice, what is too much is dropped. A question that only another actor can answer, since the
 * recording is in its spool, is dropped too: it will be asked again under another key. */
#ifndef ES_INQUIRIES_H
#define ES_INQUIRIES_H

#include "spool.h"
#include "store_thread.h"

typedef struct es_inquiries es_inquiries_t;

typedef enum { ES_DONE_CANCEL, ES_DONE_RETRY, ES_DONE_REMOVE } es_job_done_t;

typedef struct {
    es_spool_t *spool;
    es_store_thread_t *store, *reads;
    void (*publish)(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
    /* A command is done and stored; job is as it is then. Before it is answered. */
    void (*done)(void *ctx, es_job_done_t what, const es_job_t *job, uint64_t now_us);
    void *ctx;
} es_inquiries_config_t;

es_inquiries_t *es_inquiries_new(const es_inquiries_config_t *config);
/* After the stores' threads are destroyed. */
void es_inquiries_destroy(es_inquiries_t **self_p);
/* msg is a JOB_ASK. */
void es_inquiries_take(es_inquiries_t *self, const es_msg_t *msg, es_span_t body, uint64_t now_us);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_inquiries_metrics(void);

#endif
