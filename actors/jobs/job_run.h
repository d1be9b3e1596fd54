/* One job at work: its file becomes frames, frames become words, words are stored, and what was stored is analysed.
 *
 *      decoder --audio--> [es_sender] --frames--> transcriber --finals--> writes --> store --> news
 *                  ^--- listen(false) while the sender is full, or finals wait to be stored
 *
 *      TRANSCRIBING --EOS final--> STORING --stored--> READING --document--> ANALYZING --its final--> ENDING --stored--> OVER
 *           '------------'-------- an error, a release: what is said of it is stored --------------------^        ^
 *           '---------------------- lost, cancelled: nothing more is said ----------------------------------------'
 *
 * Nothing is told to anybody before it is stored. Pure: time comes in as arguments, all else goes through the ops. One thread.
 */
#ifndef ES_JOB_RUN_H
#define ES_JOB_RUN_H

#include "job_write.h"

typedef struct es_job_run es_job_run_t;

typedef struct {
    uint64_t us; /* monotonic */
    uint64_t ms; /* since 1970 */
} es_job_now_t;

/* What all runs of an actor see of the house. */
typedef struct {
    bool reachable;   /* a broker answers */
    bool no_analysis; /* no analysis actor has been there for as long as jobs wait for one */
    uint64_t analysis_wait_us;
} es_job_house_t;

typedef struct {
    uint64_t stall_us;    /* nothing moves for so long: the attempt failed */
    uint64_t lease_us;    /* renewed each third */
    uint64_t max_samples; /* of a recording */
    const es_job_house_t *house;
} es_job_run_config_t;

/* Called with the ctx of es_job_run_new; none may call back into the run at once. */
typedef struct {
    /* Decode the job's file, and bring what begins at this sample. Answers: es_job_run_info, _audio, _decoded, _undecodable. */
    void (*decode)(void *ctx, uint64_t from, uint64_t limit);
    /* Take what the decoder has (the state at its begin), or leave it there. */
    void (*listen)(void *ctx, bool on);
    void (*stop_decoding)(void *ctx);
    /* To the brokers; loss is allowed. */
    void (*send)(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
    /* A key that no stream has had, ours to hear. */
    void (*draw_key)(void *ctx, char key[ES_CLIENT_ID_LEN + 1]);
    /* All in one transaction; they stay as they are until es_job_run_written, which must follow. */
    void (*write)(void *ctx, es_job_write_t *const *writes, size_t n);
    /* The transcript as a document for the analysis; es_job_run_document must follow. */
    void (*read)(void *ctx);
    /* Something was stored. type: "job.progress" ...; text: what was just found. */
    void (*news)(void *ctx, const es_job_t *job, const char *type, es_span_t text);
    uint64_t (*chance)(void *ctx);
    /* The run is over; no answer is on its way any more. Called once, last; destroy it later. why: for the log. */
    void (*over)(void *ctx, const char *why);
} es_job_run_ops_t;

#define ES_RUN_BATCH 64u /* writes of one transaction */

/* Begins. Takes what the job owns. */
es_job_run_t *es_job_run_new(const es_job_run_config_t *config, const es_job_run_ops_t *ops, void *ctx, es_job_t *job,
                             es_job_now_t now);
/* After `over`, or where nobody will answer any more. */
void es_job_run_destroy(es_job_run_t **self_p);
/* As it was last stored. */
const es_job_t *es_job_run_job(const es_job_run_t *self);
/* The key of its present stream, "" where it has none. */
const char *es_job_run_key(const es_job_run_t *self);
uint64_t es_job_run_epoch(const es_job_run_t *self);
/* Its words are stored: it waits for its analysis. */
bool es_job_run_heard_out(const es_job_run_t *self);

/* ---- from the decoder */

/* duration: samples that the file says it has; 0: it does not say. */
void es_job_run_info(es_job_run_t *self, uint64_t duration, es_span_t format, es_job_now_t now);
void es_job_run_audio(es_job_run_t *self, uint64_t pos, const int16_t *samples, size_t n, es_job_now_t now);
/* On the way to the first sample that is wanted. */
void es_job_run_skipping(es_job_run_t *self, es_job_now_t now);
/* That was all: so many samples. damage: what is missing, or empty. */
void es_job_run_decoded(es_job_run_t *self, uint64_t total, es_span_t damage, es_job_now_t now);
/* for_good: another try would end alike. */
void es_job_run_undecodable(es_job_run_t *self, bool for_good, es_span_t why, es_job_now_t now);

/* ---- from the brokers */

/* On its key. own: through the broker that `send` reaches. */
void es_job_run_receive(es_job_run_t *self, bool own, const es_msg_t *msg, const void *body, size_t len,
                        es_job_now_t now);
/* Another broker has its key now; `send` reaches it already. */
void es_job_run_moved(es_job_run_t *self, es_job_now_t now);

/* ---- from the store */

/* OK: takes what fresh owns. */
void es_job_run_written(es_job_run_t *self, es_jobs_result_t result, es_job_t *fresh, es_job_now_t now);
/* OK: takes document (from malloc), or NULL where it is longer than is analysed. */
void es_job_run_document(es_job_run_t *self, es_jobs_result_t result, char *document, size_t len, es_job_now_t now);

/* ---- from above */

/* Give the job back where it stands, without using an attempt. */
void es_job_run_release(es_job_run_t *self, es_job_now_t now);
/* It is not ours any more: stop, and say nothing. */
void es_job_run_drop(es_job_run_t *self, es_job_now_t now);
/* Returns when it wants to be called next. */
uint64_t es_job_run_tick(es_job_run_t *self, es_job_now_t now);

typedef struct {
    uint64_t frames, bytes, retransmits, yields; /* of all its streams */
    uint64_t oldest_us;                          /* push time of the oldest frame that nobody has taken; 0: none */
    bool too_long;                               /* it failed because it has more than max_samples */
} es_job_run_stats_t;
void es_job_run_stats(const es_job_run_t *self, es_job_run_stats_t *out);

#endif
