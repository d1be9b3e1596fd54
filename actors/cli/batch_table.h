/* Jobs as people read them: a table of many, all about one. Pure but for the FILEs; what others wrote cannot steer the terminal. */
#ifndef ES_BATCH_TABLE_H
#define ES_BATCH_TABLE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* list: an answer of GET /jobs or of job-status. now_ms: wall clock. */
void es_batch_table_print(FILE *out, const json_t *list, uint64_t now_ms);
/* job: an answer of GET /jobs/{id}. */
void es_batch_job_print(FILE *out, const json_t *job);

#endif
