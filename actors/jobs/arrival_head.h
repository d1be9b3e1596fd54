/* The first frame of an upload, and the options that may come with its end: JSON from an edge, checked here again, since what is wrong in it would stay. PROTOCOL.md,
 * section 11.1. Pure. */
#ifndef ES_ARRIVAL_HEAD_H
#define ES_ARRIVAL_HEAD_H

#include "job.h"

#define ES_ARRIVAL_HEAD_MAX 16384u    /* bytes of the JSON */
#define ES_ARRIVAL_TYPE_MAX 127u      /* bytes of a content type */
#define ES_ARRIVAL_KEY_MAX 128u       /* bytes of an Idempotency-Key */
#define ES_ARRIVAL_LANGUAGE_MAX 35u   /* bytes of a language tag */
#define ES_ARRIVAL_UNKNOWN UINT64_MAX /* bytes, where nothing was announced */

/* Fills *job (zeroed; es_job_fini it, also after an error): id, session, key, principal, file_name, content_type, language, webhook, priority, attempts, delete_after; bytes as announced, or
 * ES_ARRIVAL_UNKNOWN. NULL, or a sentence that says what is wrong (static). */
const char *es_arrival_head_read(es_span_t json, es_job_t *job);
/* Options that came after the file take the place of the head's. Other fields are skipped. Empty: none. NULL, or what is wrong. */
const char *es_arrival_late_read(es_span_t json, es_job_t *job);

#endif
