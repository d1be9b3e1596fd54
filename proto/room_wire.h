/* What rooms say, below the envelope: the key of a room, its events, its members. PROTOCOL.md, section 5. Pure. */
#ifndef ES_ROOM_WIRE_H
#define ES_ROOM_WIRE_H

#include "catalogue.h"

#define ES_ROOM_SERVICE "room" /* of a room actor, in its HELLO */
#define ES_ROOM_ID_MAX 64u     /* bytes */
#define ES_ROOM_TEXT_MAX 2048u /* bytes of one message or caption */
#define ES_ROOM_ROWS_MAX 8192u /* events or members in one message */

/* Numbers on the wire; append only. */
typedef enum {
    ES_EVENT_JOINED = 1,
    ES_EVENT_LEFT = 2,
    ES_EVENT_MESSAGE = 3,
    ES_EVENT_CAPTION = 4, /* a final */
    ES_EVENT_PARTIAL = 5  /* a caption's; not stored, rseq 0 */
} es_event_type_t;

/* A row of the log. Spans point into what was decoded. Absent fields are empty. */
typedef struct {
    uint64_t rseq;          /* 1, 2, 3 ... in each log; 0: not in the log */
    uint32_t type;          /* es_event_type_t; others are passed on and not shown */
    uint64_t at_ms;         /* wall clock of the room actor */
    es_span_t member, name; /* its session; its name */
    es_span_t text;         /* MESSAGE, CAPTION, PARTIAL */
    es_span_t msg_id;       /* MESSAGE */
    es_span_t stream;       /* CAPTION, PARTIAL */
    uint64_t start, end;    /* CAPTION, PARTIAL: samples on the stream's clock */
} es_room_event_t;

typedef struct {
    es_span_t client, session, name;
} es_room_member_t;

/* Body of ROOM_NEWS and ROOM_EVENTS: array of [rseq, type, at_ms, member, name, text, msg_id, stream, start, end]. Returns bytes, or 0 where it does not fit
 * or a text is not UTF-8. */
size_t es_room_events_encode(const es_room_event_t *events, size_t n, void *buf, size_t cap);
/* At most `max` rows. Returns the count, or -1 for bytes that are not such an array (rows may be longer) or hold more. No bytes: 0. */
int es_room_events_decode(es_decoder_t *decoder, const void *data, size_t len, es_room_event_t *events, size_t max);
/* Bytes that this event takes at most. */
size_t es_room_event_bound(const es_room_event_t *event);

/* Body of ROOM_MEMBERS, ROOM_DONE, ROOM_PRESENT: array of [client_id, session, name]. Likewise. */
size_t es_room_members_encode(const es_room_member_t *members, size_t n, void *buf, size_t cap);
int es_room_members_decode(es_decoder_t *decoder, const void *data, size_t len, es_room_member_t *members, size_t max);

/* `room/<id>` and a NUL, the key of what is said about a room and its topic. Returns its length; id is valid. */
size_t es_room_key(char key[ES_KEY_MAX], es_span_t id);
/* Is this such a key, of a valid id? *id is a part of it. */
bool es_room_of_key(es_span_t key, es_span_t *id);
/* 1..ES_ROOM_ID_MAX bytes of UTF-8 without control characters. */
bool es_room_id_valid(es_span_t id);
/* No control characters (C0, DEL, C1), well-formed UTF-8. Line feeds and tabs are fine where `lines`. */
bool es_room_text_valid(es_span_t text, bool lines);

/* Does this kind go from an edge to a room actor, or from a room actor to who asked? */
bool es_room_is_request(uint32_t kind);
bool es_room_is_answer(uint32_t kind);

#endif
