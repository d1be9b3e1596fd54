/* The msgpack envelope: one array for every message, `[version, kind, epoch, seq, time_us, trace, meta]`.
 *
 * A message on the wire is two or three ZeroMQ parts: key, envelope, optional raw body. This file knows only the
 * middle part. Meta is a map with small integer keys; every key that exists is a field of es_msg_t, described once in
 * the table of envelope.c. Keys that are not in the table are skipped, so fields can be added without a new version.
 */
#ifndef ES_ENVELOPE_H
#define ES_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ES_VERSION 1u
#define ES_ENVELOPE_MAX 4096u  /* bytes of an encoded envelope */
#define ES_KEY_MAX 128u        /* bytes of the first part: a client_id, `room/<id>\0` or `sys/...` */
#define ES_CLIENT_ID_LEN 16u   /* lowercase hex digits */
#define ES_PREFIX_LEN 6u       /* of them, the edge's own */
#define ES_TRACE_LEN 25u       /* W3C trace context: flags 1, trace id 16, span id 8 (trace.h) */
#define ES_TEXT_MAX 3072u      /* bytes of text in meta */
#define ES_CHECKPOINT_MAX 256u /* bytes */
#define ES_NAME_MAX 64u        /* bytes of a name or service */
#define ES_REASON_MAX 256u     /* bytes */
#define ES_SESSION_MAX 64u     /* bytes of a session or a speaker's stream */
#define ES_MSG_ID_MAX 128u     /* bytes */

/* Bytes owned by someone else; len 0 and ptr NULL when absent. Never NUL-terminated. */
typedef struct {
    const char *ptr;
    size_t len;
} es_span_t;

/* Meta keys as they stand on the wire; also bit numbers of es_msg_t.present. Append only. */
typedef enum {
    ES_M_FLAGS = 1,      /* uint, ES_F_* */
    ES_M_POS = 2,        /* uint, samples at 16 kHz from the stream's start to the frame's first sample */
    ES_M_BASE = 3,       /* uint, START: last committed seq of the sender */
    ES_M_COMMITTED = 4,  /* uint, FRAME: sender's; ACK, FINAL: receiver's */
    ES_M_CHECKPOINT = 5, /* bin, START and FINAL */
    ES_M_INC = 6,        /* uint, incarnation of the actor that speaks */
    ES_M_EXPECTED = 7,   /* uint, ACK, FINAL, REWIND: next seq the receiver expects; absent in REWIND: no state */
    ES_M_FROM = 8,       /* uint, FINAL, PARTIAL: first seq covered */
    ES_M_TO = 9,         /* uint, FINAL, PARTIAL: last seq covered */
    ES_M_TEXT = 10,      /* str, UTF-8 */
    ES_M_START = 11,     /* uint, FINAL, PARTIAL: first sample of speech (16 kHz, stream clock) */
    ES_M_END = 12,       /* uint, FINAL, PARTIAL: one past the last sample of speech */
    ES_M_SERVICE = 13,   /* str, HELLO, START: what the worker does / what the stream wants */
    ES_M_PLACE = 14,     /* uint, WAIT: place in the queue, from 1 */
    ES_M_REASON = 15,    /* str, for people */
    ES_M_CAPACITY = 16,  /* uint, HELLO: streams the worker takes at once */
    ES_M_LOAD = 17,      /* uint, HELLO, HEARTBEAT, REPORT: streams open now */
    ES_M_SIZE = 18,      /* uint, FRAME: bytes of the client's chunk, where resampling made the body differ */
    ES_M_NAME = 19, /* str, HELLO, REPORT, BEACON: the actor's name for people, "transcriber-1"; rooms: a member's */
    ES_M_LANGUAGE = 20,   /* str, START */
    ES_M_PRIORITY = 21,   /* uint, START: 0 live, 1 batch */
    ES_M_LAG_US = 22,     /* uint, HEARTBEAT, REPORT: age of the oldest unacknowledged audio */
    ES_M_COUNT = 23,      /* uint, HEARTBEAT, REPORT: frames handled since the actor's start */
    ES_M_CONFIDENCE = 24, /* uint, FINAL: thousandths */
    ES_M_CLIENT = 25,     /* str, rooms: client_id of whom it is about, or to whom the answer goes */
    ES_M_SESSION = 26,    /* str, rooms: the member, through all its connections */
    ES_M_MSG_ID = 27,     /* str, ROOM_SAY, ROOM_DONE: the member's own name of the message */
    ES_M_ROOM = 28,       /* str, answers of rooms: the room's id */
    ES_M_LOG = 29,        /* uint, rooms: which log the rseqs count in; another one: the old numbers mean nothing */
    ES_M_RSEQ = 30,       /* uint, rooms: number of an event, or of the last one */
    ES_M_FLOOR = 31,      /* uint, rooms: number of the oldest event that is kept; last + 1: none is */
    ES_M_STREAM = 32,     /* str, captions: the speaker's stream, unique within the session */
    ES_M_DEATHS = 33, /* uint, START: workers that died while they had nothing but this stream, since its last commit */
    ES_M_SHARED = 34, /* uint, START: workers that died while they had this stream and others, since its last commit */
    ES_M_END_OF_KEYS
} es_meta_key_t;

enum {
    ES_F_START = 1u,    /* first frame of an epoch */
    ES_F_EOS = 2u,      /* the stream ends with this frame; body may hold a last piece of audio */
    ES_F_MARK = 4u,     /* no audio */
    ES_F_PARTIALS = 8u, /* START: partials are wanted */
    ES_F_SILENCE = 16u, /* FINAL: nothing was said, not for the client's eyes */
    ES_F_FAILED = 32u,  /* FINAL: the engine gave up on this segment; reason says why */
    ES_F_LEAVING = 64u  /* BEACON: this broker ends; use another. REPORT: this edge ends */
};

/* A decoded envelope, or one to encode. Spans point into the buffer that was decoded and live as long as it does. A meta
 * field counts only where its bit is set in `present` (ES_HAS, ES_SET_*). */
typedef struct {
    uint32_t version;
    uint32_t kind; /* es_kind_t; es_decode leaves judging unknown kinds to es_catalogue_check */
    uint64_t epoch, seq, time_us;
    es_span_t trace; /* len 0 or ES_TRACE_LEN */
    uint64_t present;
    uint64_t flags, pos, base, committed, inc, expected, from_seq, to_seq, start, end, place, capacity, load, size,
        priority, lag_us, count, confidence, log, rseq, floor, deaths, shared;
    es_span_t checkpoint, text, service, reason, name, language, client, session, msg_id, room, stream;
} es_msg_t;

#define ES_BIT(key) (UINT64_C(1) << (key))
#define ES_HAS(msg, key) (((msg)->present & ES_BIT(key)) != 0)
/* ES_SET(&msg, ES_M_POS, pos, 42) sets the field and its bit. */
#define ES_SET(msg, key, field, value) ((msg)->field = (value), (msg)->present |= ES_BIT(key))

typedef enum {
    ES_DECODE_OK = 0,
    ES_DECODE_TOO_LONG,  /* more than ES_ENVELOPE_MAX */
    ES_DECODE_TRUNCATED, /* msgpack ends too soon */
    ES_DECODE_TRAILING,  /* bytes after the array */
    ES_DECODE_MALFORMED, /* not msgpack, or nested deeper than allowed */
    ES_DECODE_SHAPE,     /* not an array of at least seven */
    ES_DECODE_TYPE,      /* a field has the wrong type */
    ES_DECODE_RANGE,     /* a field is over its limit (string too long, kind above 2^32, invalid UTF-8) */
    ES_DECODE_VERSION,   /* a version above ES_VERSION, or 0 */
    ES_DECODE_REASONS
} es_decode_t;

typedef struct es_decoder es_decoder_t;

/* A decoder holds msgpack's scratch memory for reuse; one for each thread. Dies on lack of memory. */
es_decoder_t *es_decoder_new(void);
/* Frees *self_p and nulls it; NULL is fine. */
void es_decoder_destroy(es_decoder_t **self_p);

/* Decodes `len` bytes into *out, whose spans point into `data`. Returns ES_DECODE_OK or the reason; *out is then unspecified
 * but for `version`, which is set for ES_DECODE_VERSION. Never asserts on bytes. */
es_decode_t es_decode(es_decoder_t *self, const void *data, size_t len, es_msg_t *out);
/* The reason in words, never NULL, static. */
const char *es_decode_reason(es_decode_t reason);

/* Encodes *msg into buf (capacity cap; ES_ENVELOPE_MAX is always enough for a valid one). version 0 means ES_VERSION. Returns
 * the number of bytes, or 0 where it does not fit or a field is over its limit. */
size_t es_encode(const es_msg_t *msg, void *buf, size_t cap);

/* Span helpers. es_span of NULL is the empty span. */
es_span_t es_span(const char *text);
es_span_t es_span_of(const void *ptr, size_t len);
bool es_span_eq(es_span_t a, es_span_t b);
/* True where the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool es_utf8_valid(const void *data, size_t len);
/* Copies text into out, each byte that belongs to no character as U+FFFD, and stops before the character that does not fit into cap. Returns the bytes
 * written, which are well-formed. */
size_t es_utf8_repair(es_span_t text, char *out, size_t cap);

#endif
