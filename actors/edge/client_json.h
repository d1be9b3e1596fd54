/* What clients say in text, checked strictly. Pure: text in, a struct or a refusal out. */
#ifndef ES_CLIENT_JSON_H
#define ES_CLIENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/identity.h"
#include "job_wire.h"
#include "room_wire.h"
#include "session.h"
#include "trace.h"

#define ES_MARK_ID_MAX 128u
#define ES_LANGUAGE_MAX 35u

#define ES_HISTORY_LIMIT 100u /* events of one room.history */

typedef enum {
    ES_SAYS_START,
    ES_SAYS_STOP,
    ES_SAYS_MARK,
    ES_SAYS_PING,
    ES_SAYS_AUTH,
    ES_SAYS_RESUME,
    ES_SAYS_JOIN,
    ES_SAYS_LEAVE,
    ES_SAYS_SAY,
    ES_SAYS_HISTORY,
    ES_SAYS_WHO,
    ES_SAYS_WATCH_JOB,
    ES_SAYS_UNWATCH_JOB,
    ES_SAYS_WATCH_HOUSE,
    ES_SAYS_UNWATCH_HOUSE
} es_says_t;

typedef struct {
    es_says_t type;
    uint32_t sample_rate;     /* START: one of the supported */
    bool partials, resumable; /* START */
    bool traced;              /* START: it names a trace */
    es_trace_t trace;
    char language[ES_LANGUAGE_MAX + 1]; /* START; "" where not given */
    char id[ES_MARK_ID_MAX + 1];        /* MARK */
    /* RESUME: where its stream goes on, where has_committed. */
    bool has_committed;
    uint64_t committed, position;
    char stream[ES_SESSION_MAX + 1];
    size_t checkpoint_len;
    char checkpoint[ES_CHECKPOINT_MAX];
    /* Rooms. Texts are NUL-terminated and hold no NUL. */
    char room[ES_ROOM_ID_MAX + 1]; /* START: "" where not given */
    char name[ES_NAME_MAX + 1];
    char msg_id[ES_MSG_ID_MAX + 1]; /* "" where not given */
    char text[ES_ROOM_TEXT_MAX + 1];
    bool has_since, has_log;
    uint64_t since, log, before, limit; /* HISTORY: 0 where not given */
    /* WATCH_JOB, UNWATCH_JOB: one of them, or neither: all. */
    char job_id[ES_JOB_ID_LEN + 1];
    char session_id[ES_SESSION_MAX + 1];
    /* RESUME: the session's. AUTH: who the client is. WATCH: the operator's, "" where not given. Last, since most messages have none and it is large. */
    char token[ES_TOKEN_MAX + 1];
} es_client_says_t;

typedef struct {
    const char *code;              /* static: "invalid_json", "unknown_type", ... */
    char message[320];             /* a sentence: what is wrong and what is allowed; UTF-8 */
    char ref[65];                  /* the type that it is about, "" where unknown */
    char room[ES_ROOM_ID_MAX + 1]; /* of the message that it is about, "" where it had none */
    char msg_id[ES_MSG_ID_MAX + 1];
    char job_id[ES_JOB_ID_LEN + 1];
    char session_id[ES_SESSION_MAX + 1];
} es_refusal_t;

/* A message of /ws: {"type","payload","timestamp"}, nested at most max_depth deep. 0 with *out filled, or -1 with *why. */
int es_client_json_envelope(const char *text, size_t len, uint64_t max_depth, es_client_says_t *out, es_refusal_t *why);
/* A message of the flat protocol: `stop`, {"type":"stop"}, {"type":"ping"} or {"type":"auth","token":"..."}. Likewise. */
int es_client_json_flat(const char *text, size_t len, uint64_t max_depth, es_client_says_t *out, es_refusal_t *why);
/* Is this a language tag: letters, digits and dashes, 2..ES_LANGUAGE_MAX? */
bool es_language_valid(const char *text, size_t len);

#endif
