/* The id of a job, which is also the name of its file: what is not a UUID in lower case never becomes part of a path. Pure. */
#ifndef ES_JOB_ID_H
#define ES_JOB_ID_H

#include "job_wire.h"

/* Eight, four, four, four and twelve lowercase hex digits, with dashes between. */
bool es_job_id_valid(es_span_t id);
/* 1 to 64 of A-Za-z0-9._- */
bool es_job_session_valid(es_span_t session);
/* Exactly `len` lowercase hex digits. */
bool es_job_hex_valid(es_span_t digits, size_t len);

#endif
