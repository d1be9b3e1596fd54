#include "spool_sync.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alloc.h"
#include "wire.h"

enum { BATCH_MAX = 32 }; /* tasks that share an fsync of names; more would let the first wait for the last */

static ES_METRIC_COUNTER(tasks_run, "earshot_jobs_sync_tasks_total",
                         "Files synced, and other work on the spool's disk.");
static ES_METRIC_COUNTER(names_synced, "earshot_jobs_sync_names_total",
                         "Fsyncs of the names in files/, each for a batch.");
static ES_METRIC_COUNTER(tasks_failed, "earshot_jobs_sync_failed_total", "Of the tasks those that the disk refused.");

es_metric_t *const *es_spool_sync_metrics(void)
{
    static es_metric_t *const list[] = {&tasks_run, &names_synced, &tasks_failed, NULL};
    return list;
}

typedef struct {
    es_sync_task_t *first, **last;
} queue_t;

struct es_spool_sync {
    es_spool_t *spool;
    es_loop_t *loop;
    unsigned threads;
    pthread_t *ids;
    pthread_mutex_t mutex;
    pthread_cond_t some;
    queue_t waiting, done;
    size_t n_waiting;
    bool ending;
    int done_fd;
    size_t pending; /* the loop's own */
};

static void put(queue_t *queue, es_sync_task_t *task)
{
    task->next = NULL;
    *queue->last = task;
    queue->last = &task->next;
}

static es_sync_task_t *take_one(queue_t *queue)
{
    es_sync_task_t *task = queue->first;
    if (!task) return NULL;
    queue->first = task->next;
    if (!queue->first) queue->last = &queue->first;
    return task;
}

/* ---- in a thread of the pool */

/* A fair share, so that the other threads have work too. 0: the end. */
static size_t take_batch(es_spool_sync_t *self, es_sync_task_t *batch[BATCH_MAX])
{
    size_t n = 0;
    pthread_mutex_lock(&self->mutex);
    while (!self->waiting.first && !self->ending) pthread_cond_wait(&self->some, &self->mutex);
    size_t share = (self->n_waiting + self->threads - 1) / self->threads;
    while (n < share && n < BATCH_MAX && (batch[n] = take_one(&self->waiting))) n++;
    self->n_waiting -= n;
    pthread_mutex_unlock(&self->mutex);
    return n;
}

static void run_batch(es_spool_sync_t *self, es_sync_task_t *batch[], size_t n)
{
    bool names = false;
    for (size_t i = 0; i < n; i++) {
        batch[i]->error = batch[i]->run(batch[i]) == 0 ? 0 : errno;
        names |= batch[i]->names && batch[i]->error == 0;
    }
    es_metric_add(&tasks_run, n);
    if (!names) return;
    es_metric_add(&names_synced, 1);
    int error = es_spool_sync_files(self->spool) == 0 ? 0 : errno;
    for (size_t i = 0; i < n; i++)
        if (batch[i]->names && batch[i]->error == 0) batch[i]->error = error;
}

static void *pool_thread(void *ctx)
{
    es_spool_sync_t *self = ctx;
    es_sync_task_t *batch[BATCH_MAX];
    for (size_t n; (n = take_batch(self, batch)) > 0;) {
        run_batch(self, batch, n);
        pthread_mutex_lock(&self->mutex);
        for (size_t i = 0; i < n; i++) put(&self->done, batch[i]);
        pthread_mutex_unlock(&self->mutex);
        eventfd_write(self->done_fd, 1);
    }
    return NULL;
}

/* ---- in the loop's thread */

static void tell_done(es_spool_sync_t *self, uint64_t now_us)
{
    pthread_mutex_lock(&self->mutex);
    es_sync_task_t *task = self->done.first;
    self->done = (queue_t){.last = &self->done.first};
    pthread_mutex_unlock(&self->mutex);
    for (es_sync_task_t *next; task; task = next) {
        next = task->next;
        self->pending--;
        if (task->error) es_metric_add(&tasks_failed, 1);
        task->done(task, task->error, now_us);
    }
}

static void on_done(void *ctx, short revents, uint64_t now_us)
{
    es_spool_sync_t *self = ctx;
    eventfd_t count;
    (void)revents;
    eventfd_read(self->done_fd, &count);
    tell_done(self, now_us);
}

es_spool_sync_t *es_spool_sync_new(es_spool_t *spool, unsigned threads, es_loop_t *loop)
{
    es_spool_sync_t *self = es_alloc_zero(sizeof *self);
    *self = (es_spool_sync_t){.spool = spool, .loop = loop, .threads = threads};
    self->waiting.last = &self->waiting.first;
    self->done.last = &self->done.first;
    self->ids = es_alloc_zero(threads * sizeof *self->ids);
    self->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(self->done_fd >= 0);
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->some, NULL);
    for (unsigned i = 0; i < threads; i++) {
        int rc = pthread_create(&self->ids[i], NULL, pool_thread, self);
        assert(rc == 0);
        (void)rc;
    }
    es_loop_add_fd(loop, self->done_fd, POLLIN, on_done, self);
    return self;
}

static void end_threads(es_spool_sync_t *self)
{
    pthread_mutex_lock(&self->mutex);
    self->ending = true;
    pthread_cond_broadcast(&self->some);
    pthread_mutex_unlock(&self->mutex);
    for (unsigned i = 0; i < self->threads; i++) pthread_join(self->ids[i], NULL);
}

void es_spool_sync_destroy(es_spool_sync_t **self_p)
{
    es_spool_sync_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    end_threads(self);
    tell_done(self, es_now_us());
    es_loop_remove_fd(self->loop, self->done_fd);
    close(self->done_fd);
    pthread_cond_destroy(&self->some);
    pthread_mutex_destroy(&self->mutex);
    free(self->ids);
    free(self);
}

void es_spool_sync_submit(es_spool_sync_t *self, es_sync_task_t *task)
{
    self->pending++;
    pthread_mutex_lock(&self->mutex);
    put(&self->waiting, task);
    self->n_waiting++;
    pthread_cond_signal(&self->some);
    pthread_mutex_unlock(&self->mutex);
}

size_t es_spool_sync_pending(const es_spool_sync_t *self)
{
    return self->pending;
}
