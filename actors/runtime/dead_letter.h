/* A dead letter: what was given up, with the reason. A file that a person can read the head of, and `earshot dead` sends again. Pure.
 *
 *     earshot dead letter 1
 *     time_us: 1764126000000000
 *     actor: edge
 *     kind: audio                         or message
 *     from: 7f3a90c1d2e4b5a6              audio: the client; message: the socket it came to
 *     peer: transcriber/gpu-1             message over tcp: who said it
 *     whole: yes                          no: more came with it than is kept here, or it came in a bundle
 *     reason: 10 workers died of this stream
 *     parts: 96000                        bytes of each
 *
 *     (the parts, one after the other)
 *
 * Of audio there is one part: 16 kHz mono s16le, from the first sample without words on. Of a message there are its ZeroMQ parts. */
#ifndef ES_DEAD_LETTER_H
#define ES_DEAD_LETTER_H

#include "envelope.h"

enum {
    ES_DEAD_PARTS = 4,       /* of a message; more are not kept */
    ES_DEAD_TEXT = 256,      /* bytes of a field with its NUL; longer ones are cut */
    ES_DEAD_HEAD_MAX = 2048, /* bytes of a head */
    ES_DEAD_MAX = 16777216   /* bytes of all parts */
};

typedef enum { ES_DEAD_MESSAGE, ES_DEAD_AUDIO, ES_DEAD_KINDS } es_dead_kind_t;
const char *es_dead_kind_name(es_dead_kind_t kind);

typedef struct {
    uint64_t time_us; /* wall clock */
    es_dead_kind_t kind;
    char actor[ES_DEAD_TEXT], from[ES_DEAD_TEXT], peer[ES_DEAD_TEXT], reason[ES_DEAD_TEXT]; /* printable */
    bool fragment;                                                                          /* not whole */
    size_t count;
    es_span_t parts[ES_DEAD_PARTS];
} es_dead_letter_t;

/* Copies what is printable of a field. */
void es_dead_letter_text(char out[ES_DEAD_TEXT], es_span_t text);
/* May it be said again from this machine, where nothing is asked? Only what a peer of this machine said to the frontend, and as it came: the broker asked what a peer with
 * a key may say of whole messages alone. NULL, or why not: a sentence. */
const char *es_dead_letter_stays(const es_dead_letter_t *self);
/* Writes the head. Returns its bytes. */
size_t es_dead_letter_head(const es_dead_letter_t *self, char out[ES_DEAD_HEAD_MAX]);
/* Reads a whole file; parts point into it. 0, or -1 where it is no dead letter. */
int es_dead_letter_parse(es_dead_letter_t *out, es_span_t file);

#endif
