#include "actor_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "alloc.h"
#include "health.h"

/* ZeroMQ orders what the thread notes before what its signals let the starter do, but out of sight of a thread sanitizer. */
struct es_actor_thread {
    es_actor_fn fn;
    void *args;
    const char *name;
    pthread_t thread;
    zsock_t *pipe;  /* the starter's end */
    zsock_t *inner; /* the actor's end, of its thread */
    atomic_bool failed;
    atomic_bool ended;
};

static _Thread_local es_actor_thread_t *current;

static void *run(void *arg)
{
    es_actor_thread_t *self = arg;
    current = self;
    es_health_open(self->name);
    self->fn(self->inner, self->args);
    es_health_close();
    zsock_t *inner = self->inner;
    atomic_store(&self->ended, true);
    zsock_set_sndtimeo(inner, 0);
    zsock_signal(inner, ES_ACTOR_THREAD_ENDED);
    zsock_destroy(&inner);
    return NULL;
}

es_actor_thread_t *es_actor_thread_start(es_actor_fn fn, void *args, const char *name)
{
    es_actor_thread_t *self = es_alloc_zero(sizeof *self);
    *self = (es_actor_thread_t){.fn = fn, .args = args, .name = name};
    self->pipe = zsys_create_pipe(&self->inner);
    int error = self->pipe ? pthread_create(&self->thread, NULL, run, self) : errno;
    if (error == 0) {
        zsock_wait(self->pipe);
        return self;
    }
    zsock_destroy(&self->pipe);
    zsock_destroy(&self->inner);
    free(self);
    errno = error;
    return NULL;
}

bool es_actor_thread_failed(const es_actor_thread_t *self)
{
    return atomic_load(&self->failed);
}

zsock_t *es_actor_thread_pipe(es_actor_thread_t *self)
{
    return self->pipe;
}

bool es_actor_thread_end(es_actor_thread_t **self_p, int wait_ms)
{
    es_actor_thread_t *self = *self_p;
    zsock_set_sndtimeo(self->pipe, 0);
    zsock_set_rcvtimeo(self->pipe, wait_ms);
    zstr_send(self->pipe, "$TERM");
    while (!atomic_load(&self->ended))
        if (zsock_wait(self->pipe) < 0) break;
    if (!atomic_load(&self->ended)) return false;
    pthread_join(self->thread, NULL);
    zsock_destroy(&self->pipe);
    free(self);
    *self_p = NULL;
    return true;
}

void es_actor_thread_note_failed(void)
{
    if (current) atomic_store(&current->failed, true);
}
