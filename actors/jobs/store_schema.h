/* The tables that jobs are kept in: made, recognized, brought up to date. How version n + 1 is made of version n is step n; steps are only ever appended. */
#ifndef ES_STORE_SCHEMA_H
#define ES_STORE_SCHEMA_H

#include <stddef.h>

typedef struct {
    const char *const *steps;
    int count; /* the version that this program writes */
} es_job_schema_t;

extern const es_job_schema_t es_job_schema_sqlite, es_job_schema_postgres;

#endif
