/* The inside of the store on a server, for store_postgres*.c and their tests. */
#ifndef ES_STORE_POSTGRES_H
#define ES_STORE_POSTGRES_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "store_schema.h"

#define ES_JOB_PG_SCHEMA "earshot" /* where the tables are, in the database of the address */
#define ES_JOB_PG_CHANNEL "earshot_jobs"
#define ES_JOB_PG_ANSWER_MS 6000u /* a server that says nothing for so long is taken for dead */

/* One connection, made anew where it breaks. */
typedef struct {
    char *url;
    PGconn *conn;                /* NULL: none at present */
    uint64_t retry_us, pause_us; /* when to try again, and for how long to wait after the next failure */
    uint64_t connections;        /* made so far: what was prepared is gone with the one before */
    char trouble[1024];          /* empty: none */
} es_job_link_t;

typedef enum { ES_JOB_LINK_OK, ES_JOB_LINK_DOWN, ES_JOB_LINK_REFUSED } es_job_link_result_t;

/* Connects where there is no connection and it is time to try. REFUSED: the server is there, but not for us (a newer schema, another program's); trouble says why. */
es_job_link_result_t es_job_link_up(es_job_link_t *self);
void es_job_link_fini(es_job_link_t *self);
/* Sends nothing: gives the connection up, because of `why`. */
void es_job_link_drop(es_job_link_t *self, const char *why, const char *advice);
/* Waits for the answer to what was sent: the first error, or the last result; NULL where the connection is lost (and dropped). PQclear it. */
PGresult *es_job_link_answer(es_job_link_t *self, uint64_t within_ms);
/* Runs statements without parameters. As es_job_link_answer. */
PGresult *es_job_link_exec(es_job_link_t *self, const char *sql, uint64_t within_ms);
/* Did it work? Where not, and it was no fault of the statement or of others in its way, the connection is dropped with a reason. Clears the result; NULL is fine. */
bool es_job_link_check(es_job_link_t *self, PGresult *result);

/* Checks that the tables are ours, makes or updates them. 0; -1 with a sentence in err: they are not for us; 1: the connection broke, or a right is missing (err says which), and another try may work. */
int es_job_pg_schema(es_job_link_t *link, const es_job_schema_t *schema, char *err, size_t err_len);

#endif
