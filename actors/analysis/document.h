/* A transcript as it comes to be analysed (PROTOCOL.md, section 11.3), taken apart into words. Pure. */
#ifndef ES_DOCUMENT_H
#define ES_DOCUMENT_H

#include "token.h"

#define ES_DOCUMENT_WORDS_MAX 4000000u
#define ES_DOCUMENT_SPEAKER_MAX 64u              /* bytes of a speaker's name; longer ones are cut */
#define ES_DOCUMENT_MS_MAX UINT64_C(31536000000) /* a year; times beyond it are damage */

typedef struct {
    const char *text; /* lower case, as es_token_next gives it */
    uint64_t start_ms, end_ms;
    int32_t confidence; /* thousandths, -1: not known */
    uint32_t segment;
} es_document_word_t;

typedef struct {
    uint64_t start_ms, end_ms;
    const char *text;    /* as it was said to be */
    const char *speaker; /* NULL: not known */
    bool timed;          /* its words have times of their own; else they are spread evenly over it */
    size_t first, words; /* of the document's */
} es_document_segment_t;

typedef struct es_document {
    const char *language; /* NULL: not known */
    uint64_t duration_ms; /* at least the end of the last segment */
    es_document_segment_t *segments;
    size_t n_segments;
    es_document_word_t *words;
    size_t n_words;
    struct es_document_memory *memory;
} es_document_t;

/* Takes JSON apart. 0, or -1 with the reason as a sentence in err, and *out empty. es_document_fini it in any case. */
int es_document_parse(es_document_t *out, const char *json, size_t len, char *err, size_t err_len);
void es_document_fini(es_document_t *self);
/* The text, a line each segment, with the speaker's name where there is one; at most max bytes of it, cut at a character. *bytes is the length of all of it. Free it. */
char *es_document_text(const es_document_t *self, size_t max, size_t *bytes);

#endif
