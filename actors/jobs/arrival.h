/* One upload. For intake.c and arrival*.c.
 *
 *                       head           EOS              on the disk        row
 *          HEAD ------------> TAKING ------> FINISHING ------------> STORING ------> DONE
 *            |                  |                |                      |
 *            '------------------'----------------'----------------------'-------> REFUSED
 *
 * RESUMED beside TAKING: an owner before us had the file in its place already, so that its bytes are only counted. A stream that closes in FINISHING or STORING leaves
 * an upload that is whole: it goes on without it. */
#ifndef ES_ARRIVAL_H
#define ES_ARRIVAL_H

#include <sys/queue.h>

#include "intake.h"
#include "job.h"
#include "trace.h"

typedef enum {
    ES_ARRIVAL_HEAD,
    ES_ARRIVAL_TAKING,
    ES_ARRIVAL_RESUMED,
    ES_ARRIVAL_FINISHING,
    ES_ARRIVAL_STORING,
    ES_ARRIVAL_DONE,
    ES_ARRIVAL_REFUSED,
    ES_ARRIVAL_STATES
} es_arrival_state_t;

typedef struct es_arrival es_arrival_t;
typedef TAILQ_HEAD(, es_arrival) es_arrival_list_t;

/* Why an upload is refused: what the edge gives to the client as it is. */
typedef struct {
    unsigned status, retry_after; /* seconds; 0: none */
    const char *code;             /* static */
    char message[256];
} es_refusal_t;

struct es_arrival {
    es_sync_task_t sync; /* first: a task is its upload */
    es_intake_t *set;
    TAILQ_ENTRY(es_arrival) in_set;
    es_stream_t *stream; /* NULL: closed */
    char key[ES_CLIENT_ID_LEN + 1];
    es_arrival_state_t state;
    es_job_t job;
    char trace[ES_TRACEPARENT_LEN + 1]; /* of its START; "": none */
    char *head;                         /* as it came */
    size_t head_len;
    bool head_kept; /* in the spool */
    bool busy;      /* a thread has it */
    bool committed; /* something is, so that a successor goes on after it */
    bool ended;     /* the sender said CLOSE */
    bool gone;      /* RESUMED, and the file is not there any more: the job is, or was */
    bool no_audio;  /* of the job that was there before */
    es_part_t part;
    uint64_t pos, seq;                 /* taken: bytes, and the last frame */
    uint64_t synced_pos, synced_seq;   /* committed */
    uint64_t syncing_pos, syncing_seq; /* on their way to the disk */
    uint64_t piece_us;                 /* last piece */
    uint64_t oldest_us;                /* first piece that is not on its way to the disk; 0: none */
    char there[ES_JOB_ID_LEN + 1];
    es_refusal_t refusal;
};

struct es_intake {
    es_intake_config_t config;
    es_arrival_list_t open;
    size_t count;
    uint64_t due_us;
    struct es_left *left; /* parts whose sender said CLOSE, oldest first */
    struct es_left **left_end;
};

/* Moves along the picture above; asserts that it allows this. */
void es_arrival_move(es_arrival_t *self, es_arrival_state_t state);
/* Ends the upload with this refusal, said now or with the next frame, and deletes what there is of it. */
void es_arrival_refuse(es_arrival_t *self, unsigned status, unsigned retry_after, const char *code, const char *format,
                       ...) __attribute__((format(printf, 5, 6)));
/* The same for an errno of the spool. */
void es_arrival_refuse_disk(es_arrival_t *self, int error);
/* 507 where there is no room for so many bytes more. True where there is. */
bool es_arrival_room(es_arrival_t *self, uint64_t bytes);
/* A final that covers all up to `seq`. */
void es_arrival_final(es_arrival_t *self, uint64_t seq, uint64_t flags, const char *text, es_span_t checkpoint);
/* A thread has let go of it: deletes what there is where it was refused meanwhile, frees it where its stream is over. False: it is freed. */
bool es_arrival_released(es_arrival_t *self);

/* arrival_commit.c: the disk and the store. */

/* Sends what has come to the disk where that is due. Returns when to look again. */
uint64_t es_arrival_commit_due(es_arrival_t *self, uint64_t now_us);
/* EOS was taken. */
void es_arrival_finish(es_arrival_t *self);

/* arrival_resume.c: takeovers. */

#define ES_ARRIVAL_CHECKPOINT_MAX 96u
/* Where a successor goes on. Returns bytes. */
size_t es_arrival_checkpoint(const es_arrival_t *self, uint64_t pos, char out[ES_ARRIVAL_CHECKPOINT_MAX]);
/* Goes on after start->base. */
void es_arrival_resume(es_arrival_t *self, const es_msg_t *start);

extern es_metric_t es_arrival_bytes, es_arrival_accepted, es_arrival_again, es_arrival_resumed, es_arrival_lost,
    es_arrival_refused[4], es_arrival_commits, es_arrival_ended;

#endif
