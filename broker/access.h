/* Who speaks, and may they say that? The broker's side of CURVE: the list of allowed keys, kept up to date with KEYS/allowed; the ZAP handler that lets nobody else in; and
 * what the hub asks about each message of a peer that came over tcp.
 *
 * Not there where tcp is not served with keys: then nothing is asked, and nothing is paid for it. One thread.
 */
#ifndef ES_ACCESS_H
#define ES_ACCESS_H

#include "allowed.h"
#include "loop.h"
#include "rights.h"

typedef struct es_access es_access_t;

typedef struct {
    /* The peer of this identity may not come any more. */
    void (*revoked)(void *ctx, const char *who, uint64_t now_us);
    /* After all that one look at the directory has revoked: what is connected now must prove itself anew. */
    void (*prove)(void *ctx, uint64_t now_us);
} es_access_ops_t;

/* Reads KEYS/allowed (made where it is not there), binds the ZAP handler. NULL with a message logged. */
es_access_t *es_access_new(const char *keys, const es_access_ops_t *ops, void *ctx);
void es_access_destroy(es_access_t **self_p);
void es_access_attach(es_access_t *self, es_loop_t *loop);

typedef struct {
    const char *who; /* "role/name"; NULL: a peer of this machine, which is trusted */
    es_role_t role;  /* ES_ROLE_NONE: it was let in once, and may not come any more */
} es_speaker_t;

/* Whose connection brought this part of a message (a zmq_msg_t); valid as long as the part. Without `self`: of this machine. */
es_speaker_t es_access_speaker_of(es_access_t *self, void *part);
/* May it say a message of this kind? What may not is counted, and logged at a bounded rate. */
bool es_access_may(const es_speaker_t *speaker, es_socket_t socket, uint32_t kind);
/* The same for HELLO, which must be for a service of its role. */
bool es_access_may_serve(const es_speaker_t *speaker, es_span_t service);
/* The same for an incarnation. owner: who said HELLO as it, "" for a peer of this machine; NULL: nobody yet. */
bool es_access_may_be(const es_speaker_t *speaker, es_socket_t socket, const char *owner);
/* The same for who sends streams and asks. owner: whose the sender is in whose name it is said, NULL: nobody else's. */
bool es_access_may_send(const es_speaker_t *speaker, uint32_t kind, const char *owner);
/* The same for a stream. holder: who serves it, as above. */
bool es_access_may_answer(const es_speaker_t *speaker, const char *holder);

#endif
