/* The inside of a run, shared by job_run*.c. Nobody else includes it. */
#ifndef ES_JOB_RUN_STATE_H
#define ES_JOB_RUN_STATE_H

#include "job_run.h"
#include "ring.h"
#include "stream_sender.h"

#define ES_RUN_FRAME 1600u /* samples: 100 ms */
#define ES_RUN_FORMAT_MAX 256u

typedef enum {
    ES_RUN_TRANSCRIBING,
    ES_RUN_STORING, /* all is heard; that it is so is being stored */
    ES_RUN_READING,
    ES_RUN_ANALYZING,
    ES_RUN_ENDING, /* how it ends is being stored */
    ES_RUN_OVER,
    ES_RUN_PHASES
} es_run_phase_t;

struct es_job_run {
    es_job_run_config_t config;
    const es_job_run_ops_t *ops;
    void *ctx;
    es_job_t job;
    es_job_hold_t hold;
    es_run_phase_t phase;
    es_job_now_t now; /* of the event that is handled */

    /* the present stream */
    char key[ES_CLIENT_ID_LEN + 1];
    es_sender_t *sender;
    bool stream_over;  /* it is to be dropped once the sender has returned */
    uint64_t next_pos; /* of the frame that is awaited from the decoder */
    uint64_t heard;    /* position up to which finals were queued to be stored */
    bool decoding, listening;
    char format[ES_RUN_FORMAT_MAX]; /* of the file, as the decoder says */
    char probed[ES_RUN_FORMAT_MAX]; /* as it is stored, or will be */
    uint64_t duration;              /* likewise */
    uint64_t probe_at;              /* when it is to be stored at the latest */

    /* the analysis */
    char *document, *analysis; /* analysis: what its final said */
    size_t document_len, pushed;
    bool reading;     /* an answer will come */
    uint64_t read_at; /* where it was that the store is out of reach: when to ask again; else 0 */

    /* the store */
    es_ring_t writes;
    size_t in_flight; /* of them, the oldest */
    bool down, renewing;
    uint64_t retry_at, renew_at;

    uint64_t moved_at;            /* when something moved last */
    uint64_t place;               /* in the queue for a worker */
    uint64_t note_at;             /* when the note is to be looked at; UINT64_MAX: it says how it is */
    uint64_t received, committed; /* of the sender, as last seen */
    es_job_run_stats_t past;      /* of streams that are over */
    const char *why;              /* it is over */
    bool told_over;
};

/* Moves to a later phase; asserts that it is one that may follow. */
void es_run_phase(es_job_run_t *self, es_run_phase_t phase);
void es_run_write(es_job_run_t *self, es_job_write_t *write);
/* Whatever is at work for it stops. */
void es_run_leave_work(es_job_run_t *self);
/* It ends with this write. */
void es_run_end(es_job_run_t *self, es_job_write_t *write);
/* This attempt failed; another may do better. */
void es_run_fail_attempt(es_job_run_t *self, const char *why);
/* No attempt will do better. */
void es_run_fail(es_job_run_t *self, const char *why);
/* Something moved: it has not stalled. */
void es_run_moved_on(es_job_run_t *self);
/* Begins a stream of that service after what is done. */
void es_run_open_stream(es_job_run_t *self, const es_sender_config_t *config);
/* Not from inside a call of the sender: stream_over leaves it to es_run_settle. */
void es_run_close_stream(es_job_run_t *self);
/* After each event: does what it led to. */
void es_run_settle(es_job_run_t *self);

/* job_run_audio.c */
void es_run_begin_audio(es_job_run_t *self);
void es_run_take_words(es_job_run_t *self, const es_msg_t *final, es_span_t words);
/* job_run_analysis.c: everything is heard and stored. */
void es_run_begin_analysis(es_job_run_t *self);
/* Asks the store again where it is time. */
void es_run_read_again(es_job_run_t *self);
void es_run_take_analysis(es_job_run_t *self, const es_msg_t *final, es_span_t body);
void es_run_analysis_done(es_job_run_t *self);
void es_run_feed_analysis(es_job_run_t *self);
/* COMPLETED without analysis, for this reason. */
void es_run_complete_without(es_job_run_t *self, const char *code, const char *why);

#endif
