/* An actor's thread in a test, by CZMQ. What it did is seen by who has waited for its end: ZeroMQ orders the two as well, but out of sight of a thread sanitizer. */
#ifndef ACTOR_HAND_H
#define ACTOR_HAND_H

#include <czmq.h>
#include <stdatomic.h>

typedef struct {
    zactor_t *actor; /* NULL: does not run */
    zactor_fn *fn;
    void *args;
    atomic_bool over;
} actor_hand_t;

static inline void actor_hand_run(zsock_t *pipe, void *hand)
{
    actor_hand_t *self = hand;
    self->fn(pipe, self->args);
    atomic_store(&self->over, true);
}

static inline void actor_hand_start(actor_hand_t *self, zactor_fn *fn, void *args)
{
    self->fn = fn;
    self->args = args;
    atomic_store(&self->over, false);
    self->actor = zactor_new(actor_hand_run, self);
    assert_non_null(self->actor);
}

static inline void actor_hand_end(actor_hand_t *self)
{
    if (!self->actor) return;
    zactor_destroy(&self->actor);
    assert_true(atomic_load(&self->over));
}

#endif
