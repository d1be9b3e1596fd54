#include "store_thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "wire.h"

#define TURN_MAX 256u /* tasks that share a commit */
#define ALONE_TRIES 3 /* of a task whose transaction broke though the store is well: others were in its way */
#define DOWN_US UINT64_C(1000000)  /* between two tries of a store that is out of reach */
#define LISTEN_US UINT64_C(500000) /* between two looks at a store that cannot call */
#define TROUBLE_MAX 1024u

typedef struct task {
    es_store_run_fn run;
    es_store_done_fn done;
    void *arg;
    es_jobs_result_t result;
    struct task *next;
} task_t;

typedef struct {
    task_t *first, **end;
} list_t;

struct es_store_thread {
    es_loop_t *loop;
    void (*changed)(void *ctx, uint64_t now_us);
    void *ctx;
    size_t pending;
    bool ending, said; /* said: that the store is out of reach */
    int done_fd;       /* wakes the loop */

    pthread_t thread;
    pthread_mutex_t lock; /* of the five below */
    list_t waiting, done;
    bool stop, news;
    char trouble[TROUBLE_MAX];
    int wake_fd; /* wakes the thread */

    es_job_store_t *store; /* the thread's own, as all below */
    bool ailing;
    uint64_t retry_us, listen_us;
};

/* ---- lists and wake-ups */

static void list_init(list_t *list)
{
    *list = (list_t){.first = NULL};
    list->end = &list->first;
}

static void list_push(list_t *list, task_t *task)
{
    task->next = NULL;
    *list->end = task;
    list->end = &task->next;
}

/* The first `max` of them. */
static task_t *list_take(list_t *list, size_t max)
{
    task_t *first = list->first, **end = &first;
    while (*end && max-- > 0) end = &(*end)->next;
    list->first = *end;
    if (!list->first) list->end = &list->first;
    *end = NULL;
    return first;
}

static void wake(int fd)
{
    uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

static void drain(int fd)
{
    uint64_t count;
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR) {
    }
}

/* ---- the thread: turns */

static void down(es_store_thread_t *self, uint64_t now_us)
{
    self->ailing = true;
    self->retry_us = now_us + DOWN_US;
}

static bool well(es_store_thread_t *self)
{
    return es_job_store_trouble(self->store) == NULL;
}

/* True where all of it is stored. */
static bool run_together(es_store_thread_t *self, task_t *turn)
{
    if (es_job_store_begin(self->store) != ES_JOBS_OK) return false;
    bool broken = false;
    for (task_t *task = turn; task && !broken; task = task->next) {
        task->result = task->run(task->arg, self->store);
        broken = task->result == ES_JOBS_DOWN;
    }
    if (broken) es_job_store_rollback(self->store);
    return !broken && es_job_store_commit(self->store) == ES_JOBS_OK;
}

static bool run_alone(es_store_thread_t *self, task_t *task)
{
    task_t alone = *task;
    bool stored = false;
    alone.next = NULL;
    for (int tries = 0; !stored && well(self) && tries < ALONE_TRIES; tries++) stored = run_together(self, &alone);
    task->result = stored ? alone.result : ES_JOBS_DOWN;
    return stored;
}

static void refuse(task_t *turn)
{
    for (task_t *task = turn; task; task = task->next) task->result = ES_JOBS_DOWN;
}

static void run_turn(es_store_thread_t *self, task_t *turn)
{
    if (run_together(self, turn)) return;
    if (well(self))
        for (task_t *task = turn; task; task = task->next) run_alone(self, task);
    else
        refuse(turn);
    if (!well(self)) down(self, es_now_us());
}

/* Where the store is out of reach: tries it, once a second. Others may have changed anything meanwhile. */
static bool recovered(es_store_thread_t *self)
{
    if (!self->ailing) return true;
    if (es_now_us() < self->retry_us) return false;
    if (es_job_store_probe(self->store) != ES_JOBS_OK) {
        down(self, es_now_us());
        return false;
    }
    self->ailing = false;
    return true;
}

/* ---- the thread: what others did */

static bool hear(es_store_thread_t *self)
{
    uint64_t now = es_now_us();
    if (es_job_store_fd(self->store) < 0 && now < self->listen_us) return false;
    self->listen_us = now + LISTEN_US;
    return es_job_store_heard(self->store);
}

static void wait_for_work(es_store_thread_t *self)
{
    uint64_t now = es_now_us(), until = self->ailing ? self->retry_us : now + LISTEN_US;
    int fd = es_job_store_fd(self->store);
    struct pollfd fds[] = {{.fd = self->wake_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    int timeout = fd >= 0 && !self->ailing ? -1 : until > now ? (int)((until - now + 999) / 1000) : 0;
    if (poll(fds, 2, timeout) > 0 && fds[0].revents) drain(self->wake_fd);
}

/* ---- the thread */

static task_t *take_turn(es_store_thread_t *self, bool *stop)
{
    pthread_mutex_lock(&self->lock);
    task_t *turn = list_take(&self->waiting, TURN_MAX);
    *stop = self->stop;
    pthread_mutex_unlock(&self->lock);
    return turn;
}

static void give_back(es_store_thread_t *self, task_t *turn, bool news)
{
    const char *trouble = self->ailing ? es_job_store_trouble(self->store) : NULL;
    pthread_mutex_lock(&self->lock);
    bool told = turn || news || (trouble != NULL) != (self->trouble[0] != '\0');
    for (task_t *task = turn, *next; task; task = next) {
        next = task->next;
        list_push(&self->done, task);
    }
    self->news = self->news || news;
    snprintf(self->trouble, sizeof self->trouble, "%s", trouble ? trouble : "");
    pthread_mutex_unlock(&self->lock);
    if (told) wake(self->done_fd);
}

static void *thread_main(void *arg)
{
    es_store_thread_t *self = arg;
    for (;;) {
        bool stop, ailed = self->ailing;
        task_t *turn = take_turn(self, &stop);
        if (!turn && stop) return NULL;
        if (!recovered(self))
            refuse(turn);
        else if (turn)
            run_turn(self, turn);
        bool news = !self->ailing && (hear(self) || ailed);
        if (!self->ailing && !well(self)) down(self, es_now_us());
        give_back(self, turn, news);
        if (!turn) wait_for_work(self);
    }
}

/* ---- the loop */

static task_t *take_done(es_store_thread_t *self, bool *news, char *trouble)
{
    pthread_mutex_lock(&self->lock);
    task_t *done = list_take(&self->done, SIZE_MAX);
    *news = self->news;
    self->news = false;
    memcpy(trouble, self->trouble, TROUBLE_MAX);
    pthread_mutex_unlock(&self->lock);
    return done;
}

/* Once, and once when it is over. */
static void complain(es_store_thread_t *self, const char *trouble)
{
    bool ailing = trouble[0] != '\0';
    if (ailing && !self->said)
        es_log_error("jobs cannot be stored: uploads are refused, and what runs waits", ES_S("error", trouble));
    else if (!ailing && self->said)
        es_log_info("jobs can be stored again");
    self->said = ailing;
}

static void call_done(es_store_thread_t *self, task_t *task, uint64_t now_us)
{
    for (task_t *next; task; task = next) {
        next = task->next;
        self->pending--;
        task->done(task->arg, task->result, now_us);
        free(task);
    }
}

static void on_done(void *ctx, short revents, uint64_t now_us)
{
    es_store_thread_t *self = ctx;
    bool news;
    char trouble[TROUBLE_MAX];
    (void)revents;
    drain(self->done_fd);
    task_t *done = take_done(self, &news, trouble);
    complain(self, trouble);
    call_done(self, done, now_us);
    if (news && self->changed && !self->ending) self->changed(self->ctx, now_us);
}

static int start(es_store_thread_t *self)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = pthread_create(&self->thread, NULL, thread_main, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static void free_all(es_store_thread_t *self)
{
    if (self->wake_fd >= 0) close(self->wake_fd);
    if (self->done_fd >= 0) close(self->done_fd);
    pthread_mutex_destroy(&self->lock);
    es_job_store_close(&self->store);
    free(self);
}

es_store_thread_t *es_store_thread_new(const char *url, bool patient, es_loop_t *loop,
                                       void (*changed)(void *ctx, uint64_t now_us), void *ctx, char *err,
                                       size_t err_len)
{
    es_job_store_t *store = es_job_store_open(url, patient, err, err_len);
    if (!store) return NULL;
    es_store_thread_t *self = es_alloc_zero(sizeof *self);
    self->loop = loop;
    self->changed = changed;
    self->ctx = ctx;
    self->store = store;
    self->ailing = !well(self);
    list_init(&self->waiting);
    list_init(&self->done);
    pthread_mutex_init(&self->lock, NULL);
    self->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = self->wake_fd < 0 || self->done_fd < 0 ? errno : start(self);
    if (rc != 0) {
        snprintf(err, err_len, "no thread for the store: %s; raise the limits of processes and open files",
                 strerror(rc));
        free_all(self);
        return NULL;
    }
    es_loop_add_fd(loop, self->done_fd, POLLIN, on_done, self);
    return self;
}

void es_store_thread_destroy(es_store_thread_t **self_p)
{
    es_store_thread_t *self = *self_p;
    if (!self) return;
    pthread_mutex_lock(&self->lock);
    self->stop = true;
    pthread_mutex_unlock(&self->lock);
    wake(self->wake_fd);
    pthread_join(self->thread, NULL);
    self->ending = true;
    while (self->pending > 0) on_done(self, POLLIN, es_now_us());
    es_loop_remove_fd(self->loop, self->done_fd);
    free_all(self);
    *self_p = NULL;
}

void es_store_thread_submit(es_store_thread_t *self, es_store_run_fn run, es_store_done_fn done, void *arg)
{
    task_t *task = es_alloc(sizeof *task);
    *task = (task_t){.run = run, .done = done, .arg = arg, .result = ES_JOBS_DOWN};
    self->pending++;
    pthread_mutex_lock(&self->lock);
    list_push(self->ending ? &self->done : &self->waiting, task);
    pthread_mutex_unlock(&self->lock);
    wake(self->wake_fd);
}

size_t es_store_thread_pending(const es_store_thread_t *self)
{
    return self->pending;
}

const char *es_store_thread_kind(const es_store_thread_t *self)
{
    return es_job_store_kind(self->store);
}

bool es_store_thread_trouble(const es_store_thread_t *self, char *out, size_t cap)
{
    es_store_thread_t *shared = (es_store_thread_t *)self; /* for the lock */
    pthread_mutex_lock(&shared->lock);
    bool ailing = shared->trouble[0] != '\0';
    snprintf(out, cap, "%s", shared->trouble);
    pthread_mutex_unlock(&shared->lock);
    return ailing;
}
