/* What can be told of a transcript: how much was said, how fast, with what pauses and fillers, about what, by whom. Pure: a document in, JSON out.
 *
 *  {"language":"en","durationMs","speechMs","silenceMs","speechShare","silenceShare","words","wordsPerMinute","speakingWordsPerMinute","confidence",
 *   "pace":[{"startMs","endMs","words","wordsPerMinute"},...],"pauseCount","pauses":[{"startMs","lengthMs","after"},...],
 *   "fillerCount","fillers":[{"text","count"},...],"terms":[{"text","count"},...],"pairs":[{"text","count"},...],
 *   "speakers":[{"speaker","words","speechMs","share","wordsPerMinute"},...]}
 *
 * Shares and confidence are 0 to 1. */
#ifndef ES_ANALYZE_H
#define ES_ANALYZE_H

#include <jansson.h>

#include "document.h"

#define ES_ANALYZE_PAUSES_MAX 10u
#define ES_ANALYZE_TERMS_MAX 25u    /* and as many pairs, and fillers */
#define ES_ANALYZE_SPEAKERS_MAX 32u /* those who speak longest */

/* Never NULL; owned by the caller. */
json_t *es_analyze(const es_document_t *doc);
/* As text, at most `max` bytes, or NULL where it is longer. Free it. */
char *es_analyze_dump(const json_t *analysis, size_t max, size_t *len);

#endif
