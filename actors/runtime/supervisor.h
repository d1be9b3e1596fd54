/* Keeps a fixed set of children alive and ends them in order. Pure: (event, now) -> effects; no process is touched here.
 *
 *                 start ok                    stop            grace over
 *      DOWN ------------------> UP ---------------> STOPPING ------------> KILLING
 *       ^  |                    | exited               | exited              | exited
 *       |  | stop               | (backoff)            v                     v
 *       |  `-------> GONE <-----)------------------- GONE <------------------'
 *       `-----------------------'
 *
 * A child that ended comes back after a pause that doubles from backoff_min to backoff_max and falls back to backoff_min once the child has
 * lived for `stable`. The supervisor gives up, and stops everything, where a child ended hopelessly (its own word: the configuration is
 * wrong), ended `start_limit` times in a row before it was stable, or was restarted more than `restart_limit` times within `window`.
 *
 * Stopping goes by stages, lowest first: the next stage is told to stop once the one before is gone. A stage that takes longer than `grace` is killed.
 */
#ifndef ES_SUPERVISOR_H
#define ES_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ES_SUPERVISOR_RESTARTS_MAX 128u

typedef struct es_supervisor es_supervisor_t;

typedef enum { ES_CHILD_DOWN, ES_CHILD_UP, ES_CHILD_STOPPING, ES_CHILD_KILLING, ES_CHILD_GONE } es_child_state_t;

typedef enum {
    ES_GAVE_UP_NOT,
    ES_GAVE_UP_HOPELESS,
    ES_GAVE_UP_START,    /* start_limit */
    ES_GAVE_UP_INTENSITY /* restart_limit within window */
} es_gave_up_t;

typedef struct {
    uint64_t backoff_min_us, backoff_max_us;
    uint64_t stable_us;     /* alive for so long: the backoff starts over */
    uint64_t window_us;     /* restart_limit counts within this */
    uint32_t restart_limit; /* at most ES_SUPERVISOR_RESTARTS_MAX */
    uint32_t start_limit;
    uint64_t grace_us; /* between the polite and the certain end of a stage */
} es_supervisor_config_t;

typedef struct {
    /* Start it. 0, or -1 where that failed (counts as an end). */
    int (*start)(void *ctx, size_t child);
    void (*terminate)(void *ctx, size_t child); /* ask it to end */
    void (*kill)(void *ctx, size_t child);      /* end it */
    /* It will be started again in pause_us. May be NULL. */
    void (*restarting)(void *ctx, size_t child, uint64_t pause_us);
    /* No further try; everything is being stopped. Called once. May be NULL. */
    void (*gave_up)(void *ctx, size_t child, es_gave_up_t why);
} es_supervisor_ops_t;

/* 100 ms to 5 s, stable after 5 s, 30 restarts in 60 s, 8 starts, grace 8 s. */
es_supervisor_config_t es_supervisor_defaults(void);
/* `count` children, numbered from 0; stages[i] is child i's stage in stopping. Dies on lack of memory. Nothing is started before the first tick. */
es_supervisor_t *es_supervisor_new(const es_supervisor_config_t *config, const es_supervisor_ops_t *ops, void *ctx,
                                   const int *stages, size_t count);
void es_supervisor_destroy(es_supervisor_t **self_p);

/* Child has ended. hopeless: another try would end alike. */
void es_supervisor_exited(es_supervisor_t *self, size_t child, bool hopeless, uint64_t now_us);
/* Stop everything, stage by stage. A second call kills what is left at once. */
void es_supervisor_stop(es_supervisor_t *self, uint64_t now_us);
/* Starts and kills what is due. Returns the time of the next call, UINT64_MAX where nothing is due. */
uint64_t es_supervisor_tick(es_supervisor_t *self, uint64_t now_us);

es_child_state_t es_supervisor_state(const es_supervisor_t *self, size_t child);
/* Stopping, and every child is gone. */
bool es_supervisor_done(const es_supervisor_t *self);
bool es_supervisor_stopping(const es_supervisor_t *self);
/* ES_GAVE_UP_NOT as long as all is well. */
es_gave_up_t es_supervisor_gave_up(const es_supervisor_t *self);
/* Restarts of this child since the start. */
uint64_t es_supervisor_restarts(const es_supervisor_t *self, size_t child);

#endif
