/* Where in a recording there is speech, and where it pauses. Pure. */
#ifndef ES_SPEECH_H
#define ES_SPEECH_H

#include "document.h"

#define ES_PAUSE_MS 300u /* between two words; less belongs to speaking */

typedef struct {
    uint64_t start_ms, length_ms;
    size_t word; /* number of the last word that begins before it */
} es_pause_t;

typedef struct {
    uint64_t
        speech_ms; /* of words, with what is shorter than a pause between them; where several speak at once it counts once */
    uint64_t pauses; /* between words; what is before the first and after the last one is silence and no pause */
} es_speech_t;

/* `longest` takes at most max pauses, the longest first (among equals the earlier). *found tells how many they are. */
es_speech_t es_speech_measure(const es_document_t *doc, es_pause_t *longest, size_t max, size_t *found);

#endif
