/* The catalogue of messages: what kinds exist, which meta fields each must have, how large its body may be, what its seq
 * means. PROTOCOL.md is this table in prose. */
#ifndef ES_CATALOGUE_H
#define ES_CATALOGUE_H

#include "envelope.h"

/* Numbers on the wire. Append only; leave the gaps. */
typedef enum {
    /* sender -> broker -> receiver; key = client_id */
    ES_FRAME = 1, /* audio, MARK or EOS; with START the first of an epoch */
    ES_CLOSE = 2, /* the sender has no further interest; best effort */
    /* every way */
    ES_BUNDLE = 3, /* key ends in `*`; body: small messages of any streams and rooms (bundle.h) */
    /* receiver -> sender; key = client_id */
    ES_ACK = 16,
    ES_REWIND = 17,
    ES_FINAL = 18,   /* body: words, or none */
    ES_PARTIAL = 19, /* best effort */
    /* broker -> sender; key = client_id */
    ES_WORKER_LOST = 24, /* epoch: highest forwarded */
    ES_WAIT = 25,        /* place */
    ES_REFUSED = 26,     /* the stream is not served any more; reason */
    ES_YIELD = 27,       /* a batch stream gives its place back at its next final: a live one waits */
    /* worker <-> broker, ROUTER/DEALER; key = the actor's incarnation in hex */
    ES_HELLO = 32,     /* body: streams, msgpack array of [key, epoch] */
    ES_HEARTBEAT = 33, /* answer to PING, from the work loop */
    ES_GOODBYE = 34,
    ES_PING = 35,        /* broker asks for a heartbeat */
    ES_WHO_ARE_YOU = 36, /* broker does not know this incarnation: say HELLO */
    ES_DROP = 37,        /* broker: another worker has the stream `key`; forget it */
    /* anybody -> broker frontend */
    ES_PROBE = 48,  /* key = the asker's own client_id-shaped id */
    ES_REPORT = 49, /* an edge's figures for `status` */
    ES_DRAIN = 52,  /* the actor `name` (and `inc`) is to end as on SIGTERM; handed on to it */
    /* broker -> everybody */
    ES_PROBED = 50,  /* answer on the asker's key; load = live workers, capacity = free places */
    ES_BEACON = 51,  /* key `sys/<broker incarnation>`; body: state of the house, msgpack map (PROTOCOL.md) */
    ES_DRAINED = 53, /* answer to DRAIN on the asker's key; count = actors told */
    /* edge -> broker -> room actor; key = `room/<id>\0`. Operations of a member, in its order: seq counts them, base is the oldest unanswered */
    ES_ROOM_JOIN = 64,
    ES_ROOM_LEAVE = 65,
    ES_ROOM_SAY = 66,
    ES_ROOM_CAPTION = 67, /* of a final; body: words */
    /* edge -> broker -> room actor; same key, not numbered */
    ES_ROOM_PARTIAL = 68, /* of a caption; best effort */
    ES_ROOM_MEMBERS = 69, /* body: all members that this edge has there; answer: ROOM_STATE */
    ES_ROOM_FETCH = 70,   /* answer: ROOM_EVENTS */
    ES_ROOM_WHO = 71,     /* answer: ROOM_PRESENT */
    ES_ROOM_NEWS = 80,    /* room actor -> everybody; key = `room/<id>\0`; body: events */
    /* room actor -> who asked; key = client_id */
    ES_ROOM_DONE = 81,    /* the operation `seq` is done, once and for all; of JOIN: body: members */
    ES_ROOM_REFUSED = 82, /* it will never be; reason: a word */
    ES_ROOM_EVENTS = 83,  /* body: events */
    ES_ROOM_STATE = 84,   /* log, rseq, floor */
    ES_ROOM_PRESENT = 85, /* body: members */
    ES_JOB_ASK = 96,      /* asker -> broker -> a jobs actor; key `jobs/...`; name: the verb, body: JSON */
    ES_JOB_TOLD = 97,     /* jobs actor -> asker; key = client; count: status as of HTTP; body: what text says */
    ES_JOB_NEWS = 98,     /* jobs actor -> everybody; key `jobs/<job>`; body: JSON; may be lost */
    ES_JOB_STATS = 99     /* jobs actor -> everybody; key `jobs/` and a star; body: JSON */
} es_kind_t;

typedef struct {
    es_kind_t kind;
    const char *name;
    uint64_t required; /* ES_BIT(...) of the meta fields that must be there */
    size_t body_max;   /* bytes; 0: no body allowed */
} es_catalogue_entry_t;

#define ES_BODY_MAX 2097152u  /* 2 MiB: audio of one frame after resampling */
#define ES_BUNDLE_MAX 65536u  /* messages of one bundle */
#define ES_WORDS_MAX 65536u   /* words of one final */
#define ES_HOUSE_MAX 1048576u /* streams in a HELLO, state in a BEACON */
#define ES_ROOM_MAX 1048576u  /* events or members in one message */
#define ES_JOB_MAX 65536u     /* JSON of a question or of news about a job */
#define ES_TOLD_MAX 1048576u  /* an answer about jobs */

typedef enum {
    ES_CHECK_OK = 0,
    ES_CHECK_UNKNOWN_KIND, /* count and drop */
    ES_CHECK_MISSING,      /* a required field is absent */
    ES_CHECK_BODY,         /* body larger than allowed, or one where none is */
    ES_CHECK_REASONS
} es_check_t;

/* The entry of `kind`, or NULL. Static. */
const es_catalogue_entry_t *es_catalogue_find(uint32_t kind);
/* Is this decoded envelope with a body of body_len bytes one that the catalogue knows? */
es_check_t es_catalogue_check(const es_msg_t *msg, size_t body_len);
const char *es_check_reason(es_check_t reason);

/* One word of a final: relative to nothing, on the stream's clock. */
typedef struct {
    es_span_t text;
    uint64_t start, end; /* samples */
    uint32_t confidence; /* thousandths */
} es_word_t;

/* Words as the body of a FINAL: msgpack array of [text, start, end, confidence]. Returns bytes, or 0 where it does not fit. */
size_t es_words_encode(const es_word_t *words, size_t n, void *buf, size_t cap);
/* Decodes at most `max` words; spans point into data. Returns the count, or -1 for bytes that are not such an array. */
int es_words_decode(es_decoder_t *decoder, const void *data, size_t len, es_word_t *words, size_t max);

/* HELLO's list of streams: msgpack array of [key, epoch] or [key, epoch, priority]. */
typedef struct {
    es_span_t key;
    uint64_t epoch;
    uint32_t priority; /* as in its START; 0: live */
} es_stream_ref_t;
size_t es_streams_encode(const es_stream_ref_t *streams, size_t n, void *buf, size_t cap);
int es_streams_decode(es_decoder_t *decoder, const void *data, size_t len, es_stream_ref_t *streams, size_t max);

#endif
