#include "analyst.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alloc.h"
#include "analyze.h"
#include "wire.h"

typedef struct task {
    struct task *next;
    uint64_t number, since_us; /* since_us: when it came */
    char *document;
    size_t len;
    bool forgotten; /* under the lock */
    es_report_t report;
    es_analyst_done_fn done;
    void *ctx;
} task_t;

struct es_analyst {
    size_t max_chars;
    int bell; /* eventfd: something is done */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t work;
    task_t *todo, *doing, *done;
    bool ending;
    uint64_t numbers; /* the loop's alone */
};

static void append(task_t **list, task_t *task)
{
    while (*list) list = &(*list)->next;
    task->next = NULL;
    *list = task;
}

static task_t *take_first(task_t **list)
{
    task_t *task = *list;
    if (task) *list = task->next;
    return task;
}

static void task_free(task_t *task)
{
    json_decref(task->report.analysis);
    free(task->report.transcript);
    free(task->document);
    free(task);
}

static void work_on(const es_analyst_t *self, task_t *task)
{
    es_document_t doc;
    es_report_t *report = &task->report;
    int rc = es_document_parse(&doc, task->document, task->len, report->reason, sizeof report->reason);
    free(task->document);
    task->document = NULL;
    if (rc == 0) {
        report->analysis = es_analyze(&doc);
        if (self->max_chars) report->transcript = es_document_text(&doc, self->max_chars, &report->transcript_bytes);
        snprintf(report->language, sizeof report->language, "%s", doc.language ? doc.language : "");
    }
    es_document_fini(&doc);
}

static void ring(const es_analyst_t *self)
{
    uint64_t one = 1;
    ssize_t n = write(self->bell, &one, sizeof one);
    (void)n; /* it can only be full, which rings as well */
}

static void *run(void *ctx)
{
    es_analyst_t *self = ctx;
    pthread_mutex_lock(&self->lock);
    for (;;) {
        while (!self->todo && !self->ending) pthread_cond_wait(&self->work, &self->lock);
        if (self->ending) break;
        task_t *task = self->doing = take_first(&self->todo);
        pthread_mutex_unlock(&self->lock);
        work_on(self, task);
        pthread_mutex_lock(&self->lock);
        self->doing = NULL;
        append(&self->done, task);
        ring(self);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

static task_t *next_done(es_analyst_t *self)
{
    pthread_mutex_lock(&self->lock);
    task_t *task = take_first(&self->done);
    pthread_mutex_unlock(&self->lock);
    return task;
}

/* Once in the loop's hands alone, a task cannot be forgotten any more: what was is dropped here. */
static void on_bell(void *ctx, short revents, uint64_t now_us)
{
    es_analyst_t *self = ctx;
    uint64_t rung;
    (void)revents;
    (void)now_us;
    if (read(self->bell, &rung, sizeof rung) != (ssize_t)sizeof rung) return;
    for (task_t *task; (task = next_done(self));) {
        es_report_t report = task->report;
        if (!task->forgotten) {
            task->report = (es_report_t){.analysis = NULL};
            task->done(task->ctx, &report);
        }
        task_free(task);
    }
}

es_analyst_t *es_analyst_new(es_loop_t *loop, size_t max_chars)
{
    es_analyst_t *self = es_alloc_zero(sizeof *self);
    sigset_t all, old;
    self->max_chars = max_chars;
    self->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(self->bell >= 0);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->work, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    assert(rc == 0);
    (void)rc;
    es_loop_add_fd(loop, self->bell, POLLIN, on_bell, self);
    return self;
}

void es_analyst_destroy(es_analyst_t **self_p)
{
    es_analyst_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    pthread_mutex_lock(&self->lock);
    self->ending = true;
    pthread_cond_signal(&self->work);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    for (task_t *task; (task = take_first(&self->todo)) || (task = take_first(&self->done));) task_free(task);
    pthread_cond_destroy(&self->work);
    pthread_mutex_destroy(&self->lock);
    close(self->bell);
    free(self);
}

uint64_t es_analyst_give(es_analyst_t *self, char *document, size_t len, es_analyst_done_fn done, void *ctx)
{
    task_t *task = es_alloc_zero(sizeof *task);
    *task = (task_t){
        .number = ++self->numbers, .since_us = es_now_us(), .document = document, .len = len, .done = done, .ctx = ctx};
    uint64_t number = task->number;
    pthread_mutex_lock(&self->lock);
    append(&self->todo, task);
    pthread_cond_signal(&self->work);
    pthread_mutex_unlock(&self->lock);
    return number;
}

uint64_t es_analyst_oldest(es_analyst_t *self, size_t *waiting)
{
    pthread_mutex_lock(&self->lock);
    uint64_t since_us = self->todo ? self->todo->since_us : 0;
    *waiting = 0;
    for (const task_t *task = self->todo; task; task = task->next) ++*waiting;
    pthread_mutex_unlock(&self->lock);
    return since_us;
}

static void forget_in(task_t *list, uint64_t number)
{
    for (; list; list = list->next)
        if (list->number == number) list->forgotten = true;
}

void es_analyst_forget(es_analyst_t *self, uint64_t number)
{
    task_t *dropped = NULL;
    pthread_mutex_lock(&self->lock);
    for (task_t **at = &self->todo; *at && !dropped; at = &(*at)->next) {
        if ((*at)->number != number) continue;
        dropped = *at;
        *at = dropped->next;
        break;
    }
    if (self->doing && self->doing->number == number) self->doing->forgotten = true;
    forget_in(self->done, number);
    pthread_mutex_unlock(&self->lock);
    if (dropped) task_free(dropped);
}
