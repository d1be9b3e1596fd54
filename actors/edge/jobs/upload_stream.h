/* A file on its way to a jobs actor: a stream of service `upload` (PROTOCOL.md, section 11.1).
 *
 *      head, write, write, ... end  -->  frames of 64 KiB --> sender --> ... --> FINAL of EOS, or one with FAILED  -->  answer
 *
 * Whatever happens, there is an answer in the end: where nobody takes the file for `wait`, or somebody did and nothing moves for `stall`, it is 503. No sockets
 * and no exchange; one thread. */
#ifndef ES_UPLOAD_STREAM_H
#define ES_UPLOAD_STREAM_H

#include "client.h"
#include "job_wire.h"

typedef struct es_upload_stream es_upload_stream_t;

typedef struct {
    unsigned status;                          /* of HTTP; 202: the job is in the store */
    uint64_t retry_after;                     /* seconds; 0: none */
    char job[ES_JOB_ID_LEN + 1];              /* 202: which may be an older one, of the same Idempotency-Key */
    char code[ES_NAME_MAX + 1], message[512]; /* else */
} es_upload_answer_t;

/* key: ours, free, copied. Nothing is said before the head is. */
es_upload_stream_t *es_upload_stream_new(es_client_env_t *env, const char *key, uint64_t wait_us, uint64_t stall_us);
/* Says CLOSE where it had begun: a file that is not whole is deleted there. */
void es_upload_stream_destroy(es_upload_stream_t **self_p);

/* It belongs to this trace; before the head. */
void es_upload_stream_join(es_upload_stream_t *self, const es_trace_t *trace);
/* Frame 1, once, first. */
void es_upload_stream_head(es_upload_stream_t *self, const void *json, size_t len);
/* Bytes of the file, copied. Always taken; about twice ES_UPLOAD_PIECE beyond what es_upload_stream_settle allows is as much as there should be. */
void es_upload_stream_write(es_upload_stream_t *self, const void *data, size_t len);
/* The file is whole. late: JSON of late options, copied; len 0: none. */
void es_upload_stream_end(es_upload_stream_t *self, const void *late, size_t len);

/* On its key, through this broker. */
void es_upload_stream_receive(es_upload_stream_t *self, int broker, const es_msg_t *msg, const void *body, size_t len);
void es_upload_stream_tick(es_upload_stream_t *self);
/* The live brokers have changed. */
void es_upload_stream_rebroker(es_upload_stream_t *self);
/* After any of the above: sends what can be sent. True: `allowance` bytes or more are retained, write no more for now. */
bool es_upload_stream_settle(es_upload_stream_t *self, size_t allowance);
/* When es_upload_stream_tick is due, as of the last settle. */
uint64_t es_upload_stream_deadline(const es_upload_stream_t *self);
/* NULL: not yet. */
const es_upload_answer_t *es_upload_stream_answer(const es_upload_stream_t *self);

#endif
