/* Names of jobs and sessions as people and programs give them. Pure. */
#ifndef ES_JOB_NAMES_H
#define ES_JOB_NAMES_H

#include "job_wire.h"

/* A UUID in lower case. */
bool es_job_id_valid(es_span_t id);
/* 1 to 64 of A-Za-z0-9._- */
bool es_job_session_valid(es_span_t session);

#endif
