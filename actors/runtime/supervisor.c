#include "supervisor.h"

#include <assert.h>
#include <stdlib.h>

#include "alloc.h"

#define NEVER UINT64_MAX

typedef struct {
    es_child_state_t state;
    int stage;
    uint64_t due_us;     /* DOWN: start; STOPPING: kill */
    uint64_t started_us; /* UP */
    uint64_t pause_us;   /* the last backoff, 0 after a stable life */
    uint32_t unstable;   /* ends in a row before `stable` */
    uint64_t restarts;
    uint64_t recent[ES_SUPERVISOR_RESTARTS_MAX]; /* ring of the times of ends, by `restarts` */
} child_t;

struct es_supervisor {
    es_supervisor_config_t config;
    es_supervisor_ops_t ops;
    void *ctx;
    bool stopping;
    es_gave_up_t gave_up;
    size_t count;
    child_t children[];
};

static const bool allowed[][5] = {
    /*                       DOWN   UP     STOPPING KILLING GONE */
    [ES_CHILD_DOWN] = {true, true, false, false, true},      [ES_CHILD_UP] = {true, false, true, true, true},
    [ES_CHILD_STOPPING] = {false, false, false, true, true}, [ES_CHILD_KILLING] = {false, false, false, false, true},
    [ES_CHILD_GONE] = {false, false, false, false, false},
};

static void move(child_t *child, es_child_state_t next, uint64_t due_us)
{
    assert(allowed[child->state][next]);
    child->state = next;
    child->due_us = due_us;
}

es_supervisor_config_t es_supervisor_defaults(void)
{
    return (es_supervisor_config_t){.backoff_min_us = 100000,
                                    .backoff_max_us = 5000000,
                                    .stable_us = 5000000,
                                    .window_us = 60000000,
                                    .restart_limit = 30,
                                    .start_limit = 8,
                                    .grace_us = 8000000};
}

es_supervisor_t *es_supervisor_new(const es_supervisor_config_t *config, const es_supervisor_ops_t *ops, void *ctx,
                                   const int *stages, size_t count)
{
    assert(config->restart_limit > 0 && config->restart_limit <= ES_SUPERVISOR_RESTARTS_MAX);
    assert(ops->start && ops->terminate && ops->kill);
    es_supervisor_t *self = es_alloc_zero(sizeof *self + count * sizeof self->children[0]);
    self->config = *config;
    self->ops = *ops;
    self->ctx = ctx;
    self->count = count;
    for (size_t i = 0; i < count; i++) self->children[i].stage = stages[i];
    return self;
}

void es_supervisor_destroy(es_supervisor_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

static void terminate_stage(es_supervisor_t *self, int stage, uint64_t now_us)
{
    for (size_t i = 0; i < self->count; i++) {
        child_t *child = &self->children[i];
        if (child->stage != stage || child->state != ES_CHILD_UP) continue;
        move(child, ES_CHILD_STOPPING, now_us + self->config.grace_us);
        self->ops.terminate(self->ctx, i);
    }
}

/* Tells the lowest stage that still lives to stop. */
static void advance(es_supervisor_t *self, uint64_t now_us)
{
    bool found = false;
    int lowest = 0;
    for (size_t i = 0; i < self->count; i++) {
        const child_t *child = &self->children[i];
        if (child->state == ES_CHILD_GONE || (found && child->stage >= lowest)) continue;
        found = true;
        lowest = child->stage;
    }
    if (found) terminate_stage(self, lowest, now_us);
}

static void begin_stop(es_supervisor_t *self, uint64_t now_us)
{
    self->stopping = true;
    for (size_t i = 0; i < self->count; i++)
        if (self->children[i].state == ES_CHILD_DOWN) move(&self->children[i], ES_CHILD_GONE, NEVER);
    advance(self, now_us);
}

void es_supervisor_stop(es_supervisor_t *self, uint64_t now_us)
{
    if (!self->stopping) {
        begin_stop(self, now_us);
        return;
    }
    for (size_t i = 0; i < self->count; i++) {
        child_t *child = &self->children[i];
        if (child->state != ES_CHILD_UP && child->state != ES_CHILD_STOPPING) continue;
        move(child, ES_CHILD_KILLING, NEVER);
        self->ops.kill(self->ctx, i);
    }
}

/* Has this child ended more often within the window than it may? Takes note of this end. */
static bool too_often(es_supervisor_t *self, child_t *child, uint64_t now_us)
{
    uint32_t limit = self->config.restart_limit;
    uint64_t *slot = &child->recent[child->restarts % limit]; /* the end `limit` ends ago */
    bool full = child->restarts >= limit;
    bool often = full && now_us - *slot < self->config.window_us;
    *slot = now_us;
    child->restarts++;
    return often;
}

static uint64_t next_pause(const es_supervisor_t *self, const child_t *child)
{
    if (child->pause_us == 0) return self->config.backoff_min_us;
    uint64_t pause = child->pause_us * 2;
    return pause < self->config.backoff_max_us ? pause : self->config.backoff_max_us;
}

static es_gave_up_t judge(es_supervisor_t *self, child_t *child, bool hopeless, uint64_t now_us)
{
    if (now_us - child->started_us >= self->config.stable_us)
        child->unstable = 0, child->pause_us = 0;
    else
        child->unstable++;
    if (too_often(self, child, now_us)) return ES_GAVE_UP_INTENSITY;
    if (hopeless) return ES_GAVE_UP_HOPELESS;
    return child->unstable >= self->config.start_limit ? ES_GAVE_UP_START : ES_GAVE_UP_NOT;
}

static void ended(es_supervisor_t *self, size_t index, bool hopeless, uint64_t now_us)
{
    child_t *child = &self->children[index];
    es_gave_up_t why = judge(self, child, hopeless, now_us);
    if (why != ES_GAVE_UP_NOT) {
        self->gave_up = why;
        move(child, ES_CHILD_GONE, NEVER);
        if (self->ops.gave_up) self->ops.gave_up(self->ctx, index, why);
        begin_stop(self, now_us);
        return;
    }
    child->pause_us = next_pause(self, child);
    move(child, ES_CHILD_DOWN, now_us + child->pause_us);
    if (self->ops.restarting) self->ops.restarting(self->ctx, index, child->pause_us);
}

void es_supervisor_exited(es_supervisor_t *self, size_t index, bool hopeless, uint64_t now_us)
{
    assert(index < self->count);
    child_t *child = &self->children[index];
    assert(child->state != ES_CHILD_DOWN && child->state != ES_CHILD_GONE);
    if (!self->stopping) {
        ended(self, index, hopeless, now_us);
        return;
    }
    move(child, ES_CHILD_GONE, NEVER);
    advance(self, now_us);
}

static void start(es_supervisor_t *self, size_t index, uint64_t now_us)
{
    child_t *child = &self->children[index];
    child->started_us = now_us;
    move(child, ES_CHILD_UP, NEVER);
    if (self->ops.start(self->ctx, index) == -1) ended(self, index, false, now_us);
}

uint64_t es_supervisor_tick(es_supervisor_t *self, uint64_t now_us)
{
    for (size_t i = 0; i < self->count; i++) {
        child_t *child = &self->children[i];
        if (child->due_us > now_us) continue;
        if (child->state == ES_CHILD_DOWN)
            start(self, i, now_us);
        else if (child->state == ES_CHILD_STOPPING) {
            move(child, ES_CHILD_KILLING, NEVER);
            self->ops.kill(self->ctx, i);
        }
    }
    uint64_t next = NEVER;
    for (size_t i = 0; i < self->count; i++)
        if (self->children[i].due_us < next) next = self->children[i].due_us;
    return next;
}

es_child_state_t es_supervisor_state(const es_supervisor_t *self, size_t child)
{
    assert(child < self->count);
    return self->children[child].state;
}

bool es_supervisor_done(const es_supervisor_t *self)
{
    if (!self->stopping) return false;
    for (size_t i = 0; i < self->count; i++)
        if (self->children[i].state != ES_CHILD_GONE) return false;
    return true;
}

bool es_supervisor_stopping(const es_supervisor_t *self)
{
    return self->stopping;
}

es_gave_up_t es_supervisor_gave_up(const es_supervisor_t *self)
{
    return self->gave_up;
}

uint64_t es_supervisor_restarts(const es_supervisor_t *self, size_t child)
{
    assert(child < self->count);
    return self->children[child].restarts;
}
