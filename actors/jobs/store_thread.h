/* The store in a thread of its own, so that a disk or a server that is slow stops nothing else. Tasks that wait when the thread comes round share one transaction: group commit.
 *
 *      loop: submit --> [queue] --> thread: begin, run, run, run, commit --> [done] --> loop: done(result)
 *
 * Where the commit fails, or the store is out of reach, every task of the turn is done with ES_JOBS_DOWN, and nothing of it is stored; so are new tasks, until the store takes changes again: it is
 * tried once a second. Where one task breaks the transaction, the others are run again
 * without it. Tasks run in the order in which they were submitted. All functions are called from the loop's thread, `run` alone from the store's. */
#ifndef ES_STORE_THREAD_H
#define ES_STORE_THREAD_H

#include "job_store.h"
#include "loop.h"

typedef struct es_store_thread es_store_thread_t;

/* May run more than once (its transaction was taken back): begins anew each time. */
typedef es_jobs_result_t (*es_store_run_fn)(void *arg, es_job_store_t *store);
/* Once, in the loop's thread; arg is the submitter's again. */
typedef void (*es_store_done_fn)(void *arg, es_jobs_result_t result, uint64_t now_us);

/* Opens the store in the thread, as es_job_store_open. NULL with a sentence in err. `changed` (may be NULL) is called in the loop's thread when others changed jobs. */
es_store_thread_t *es_store_thread_new(const char *url, bool patient, es_loop_t *loop,
                                       void (*changed)(void *ctx, uint64_t now_us), void *ctx, char *err,
                                       size_t err_len);
/* Runs what was submitted, calls its done, and ends; what those submit is done with DOWN. */
void es_store_thread_destroy(es_store_thread_t **self_p);
void es_store_thread_submit(es_store_thread_t *self, es_store_run_fn run, es_store_done_fn done, void *arg);
/* Submitted and not done yet. */
size_t es_store_thread_pending(const es_store_thread_t *self);
const char *es_store_thread_kind(const es_store_thread_t *self);
/* Copies why the store is out of reach; false where it is not. */
bool es_store_thread_trouble(const es_store_thread_t *self, char *out, size_t cap);

#endif
