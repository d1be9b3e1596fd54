/* What http_conn.c (the socket's side), http_exchange.c (the handler's side) and http_answer.c share. */
#ifndef ES_HTTP_CONN_STATE_H
#define ES_HTTP_CONN_STATE_H

#include "byte_queue.h"
#include "http_body.h"
#include "http_conn.h"

struct es_http_exchange {
    const es_http_env_t *env;
    void *io;
    enum { ES_AT_HEAD, ES_AT_DOOR, ES_AT_EXCHANGE, ES_AT_LINGER, ES_AT_END } at;
    uint64_t now_us, since_us; /* this run; of the present wait for bytes of the client */
    uint64_t came;             /* bytes of a body since then */
    uint64_t sent_us;          /* when the client last took bytes, or the first of those that wait came */
    es_byte_queue_t in, out;
    bool wants_read, wants_write, marked;
    bool sending, resumed; /* bytes wait since sent_us; the handler reads on since the last run */
    bool eof, broken, cut; /* no more comes; the socket is of no use; an answer was broken off */
    bool fresh;            /* no request has come so far */
    bool admitted;         /* that which is at the door */

    /* The exchange. */
    es_http_head_t head;
    char *head_bytes;
    char *principal; /* see es_http_ask_as; NULL: "" */
    bool whoever;
    es_http_body_t body;
    const es_http_handler_ops_t *ops; /* NULL: nobody has taken it */
    void *handler;
    uint64_t max_body, body_bytes;
    bool body_done, paused, full; /* the handler knows the end; full: `room` is owed */
    bool begun, finished, close;  /* close: no request may follow */
    bool bare, chunked;           /* no body is sent (HEAD, 204, 304); in chunks */
    bool dismissed;               /* the connection answered by itself: the handler is heard no more */
    int64_t left;                 /* of the length that was announced */
};

/* Composes the head of an answer. length: -1 unknown. */
void es_http_answer_begin(es_http_exchange_t *self, unsigned status, const char *type, const char *const *headers,
                          int64_t length);
/* Answers with the reason's sentence, unless an answer has begun: then that is broken off. No request follows. */
void es_http_answer_refusal(es_http_exchange_t *self, es_http_why_t why);
/* Runs soon: something was said outside of a run. */
void es_http_conn_mark(es_http_exchange_t *self);

#endif
