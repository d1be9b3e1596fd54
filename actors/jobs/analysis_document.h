/* A stored transcript as the document that an analysis actor gets. PROTOCOL.md, section 11.3. */
#ifndef ES_ANALYSIS_DOCUMENT_H
#define ES_ANALYSIS_DOCUMENT_H

#include "job_store.h"

#define ES_ANALYSIS_DOCUMENT_MAX (32u << 20) /* bytes: some days of speech */

/* For a task of the store. OK: *out (free it) is the document, or NULL where it would be longer than that. */
es_jobs_result_t es_analysis_document(es_job_store_t *store, const char *id, char **out, size_t *len);

#endif
