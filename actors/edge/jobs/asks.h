/* Questions to the jobs actors: each is said until it is answered or nobody can (PROTOCOL.md, section 11.2). Keys have numbers, so that questions spread over the actors;
 * each try goes to another number, since an actor that has just died, or has not the recording that is asked for, says nothing.
 *
 *      es_asks_ask --> JOB_ASK, again every 500 ms --> es_asks_told --> the asker's function, once
 *                          '--> 5 s without an answer: 503 jobs_unavailable
 *
 * No sockets, no clock. One thread. The asker's function may ask again; it must not destroy the asks. */
#ifndef ES_ASKS_H
#define ES_ASKS_H

#include "envelope.h"

#define ES_ASKS_MAX 1024u /* under way */
#define ES_ASKS_AGAIN_US UINT64_C(500000)
#define ES_ASKS_PATIENCE_US UINT64_C(5000000)

typedef struct es_asks es_asks_t;

/* What was answered, or why nothing was. Spans valid during the call. */
typedef struct {
    unsigned status; /* as of HTTP */
    es_span_t type;  /* content type of the body, "application/json" where the answer names none */
    es_span_t body;  /* {"error":..,"message":..} where status is no 2xx */
    bool more;       /* there is more: ask again with this cursor */
    uint64_t next;
    uint64_t end;    /* verb audio: bytes of the file */
    unsigned number; /* of the key on which it was answered, for es_asks_ask_again */
} es_told_t;

typedef void (*es_told_fn)(void *ctx, const es_told_t *told, uint64_t now_us);

typedef struct {
    void *ctx;
    /* To a broker, for a jobs actor; may be lost. */
    void (*send)(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
} es_asks_ops_t;

/* own_key: where answers arrive (es_sender_link_key); outlives it. */
es_asks_t *es_asks_new(const char *own_key, const es_asks_ops_t *ops);
/* Nobody is answered any more. */
void es_asks_destroy(es_asks_t **self_p);

/* Asks `verb` (static) with this JSON object, copied. Returns a number for es_asks_forget. `told` is called once, later. 0: ES_ASKS_MAX are under way; it is
 * never called then (counted). */
uint64_t es_asks_ask(es_asks_t *self, const char *verb, es_span_t json, es_told_fn told, void *ctx, uint64_t now_us);
/* The same, on the key of an answer before: the actor that gave it is the one that is asked. */
uint64_t es_asks_ask_again(es_asks_t *self, unsigned number, const char *verb, es_span_t json, es_told_fn told,
                           void *ctx, uint64_t now_us);
/* The answer is not wanted any more. 0 and numbers that are answered do nothing. */
void es_asks_forget(es_asks_t *self, uint64_t ask);
/* JOB_TOLD on our own key. */
void es_asks_told(es_asks_t *self, const es_msg_t *msg, const void *body, size_t len, uint64_t now_us);
/* Asks again, gives up. Returns the time of the next call. */
uint64_t es_asks_tick(es_asks_t *self, uint64_t now_us);
size_t es_asks_under_way(const es_asks_t *self);

#endif
