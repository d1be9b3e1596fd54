/* Who speaks how much, where the segments say who. Pure. */
#ifndef ES_SPEAKERS_H
#define ES_SPEAKERS_H

#include "document.h"

typedef struct {
    const char *name; /* the document's */
    uint64_t speech_ms, words;
} es_speaker_t;

/* Those who speak longest first (among equals who came first), at most max. *all_ms is the speech of all speakers. Returns how many. Time is that of the segments. */
size_t es_speakers_measure(const es_document_t *doc, es_speaker_t *out, size_t max, uint64_t *all_ms);

#endif
