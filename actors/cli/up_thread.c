/* Actors as threads of this process. The one place outside the mains that knows other actors' headers: here the house is put together.
 *
 * A thread cannot be killed: where one does not end in time, the process ends. */
#include <czmq.h>

#include "actor_thread.h"
#include "alloc.h"
#include "analysis_actor.h"
#include "broker_actor.h"
#include "edge_actor.h"
#include "jobs_actor.h"
#include "room_actor.h"
#include "runner.h"
#include "transcriber_actor.h"
#include "up.h"

typedef union {
    es_broker_config_t broker;
    es_analysis_config_t analysis;
    es_edge_config_t edge;
    es_jobs_config_t jobs;
    es_room_config_t room;
    es_transcriber_config_t transcriber;
} actor_config_t;

typedef struct {
    actor_config_t config;
    bool loaded;
    es_actor_thread_t *actor; /* NULL: does not run */
} child_t;

static es_config_result_t load_broker(actor_config_t *c, int argc, char **argv)
{
    return es_broker_config_load(&c->broker, argc, argv);
}
static es_config_result_t load_edge(actor_config_t *c, int argc, char **argv)
{
    return es_edge_config_load(&c->edge, argc, argv);
}
static es_config_result_t load_analysis(actor_config_t *c, int argc, char **argv)
{
    return es_analysis_config_load(&c->analysis, argc, argv);
}
static es_config_result_t load_jobs(actor_config_t *c, int argc, char **argv)
{
    return es_jobs_config_load(&c->jobs, argc, argv);
}
static es_config_result_t load_room(actor_config_t *c, int argc, char **argv)
{
    return es_room_config_load(&c->room, argc, argv);
}
static es_config_result_t load_transcriber(actor_config_t *c, int argc, char **argv)
{
    return es_transcriber_config_load(&c->transcriber, argc, argv);
}
static void fini_broker(actor_config_t *c)
{
    es_broker_config_fini(&c->broker);
}
static void fini_edge(actor_config_t *c)
{
    es_edge_config_fini(&c->edge);
}
static void fini_analysis(actor_config_t *c)
{
    es_analysis_config_fini(&c->analysis);
}
static void fini_jobs(actor_config_t *c)
{
    es_jobs_config_fini(&c->jobs);
}
static void fini_room(actor_config_t *c)
{
    es_room_config_fini(&c->room);
}
static void fini_transcriber(actor_config_t *c)
{
    es_transcriber_config_fini(&c->transcriber);
}

static const struct {
    es_config_result_t (*load)(actor_config_t *, int, char **);
    void (*fini)(actor_config_t *);
    es_actor_fn run;
} roles[ES_UP_ROLES] = {[ES_UP_BROKER] = {load_broker, fini_broker, es_broker_actor},
                        [ES_UP_EDGE] = {load_edge, fini_edge, es_edge_actor},
                        [ES_UP_TRANSCRIBER] = {load_transcriber, fini_transcriber, es_transcriber_actor},
                        [ES_UP_ANALYSIS] = {load_analysis, fini_analysis, es_analysis_actor},
                        [ES_UP_JOBS] = {load_jobs, fini_jobs, es_jobs_actor},
                        [ES_UP_ROOM] = {load_room, fini_room, es_room_actor}};

static void close_threads(es_up_t *up)
{
    child_t *children = up->state;
    for (size_t i = 0; i < up->plan.count; i++)
        if (children[i].loaded) roles[up->plan.actors[i].role].fini(&children[i].config);
    free(children);
}

static int load_all(es_up_t *up)
{
    child_t *children = up->state;
    for (size_t i = 0; i < up->plan.count; i++) {
        es_up_actor_t *actor = &up->plan.actors[i];
        children[i].loaded = true;
        if (roles[actor->role].load(&children[i].config, actor->argc, actor->argv) != ES_CONFIG_OK) return -1;
    }
    return 0;
}

/* Engines fork their zygote before any thread exists. */
static int prepare_all(es_up_t *up)
{
    child_t *children = up->state;
    for (size_t i = 0; i < up->plan.count; i++)
        if (up->plan.actors[i].role == ES_UP_TRANSCRIBER &&
            es_transcriber_prepare(&children[i].config.transcriber) != 0)
            return -1;
    return 0;
}

static int open_threads(es_up_t *up)
{
    up->state = es_alloc_zero(up->plan.count * sizeof(child_t));
    if (load_all(up) == 0 && prepare_all(up) == 0) return 0;
    close_threads(up);
    return -1;
}

static int start(void *ctx, size_t index)
{
    es_up_t *up = ctx;
    child_t *child = &((child_t *)up->state)[index];
    const es_up_actor_t *actor = &up->plan.actors[index];
    child->actor = es_actor_thread_start(roles[actor->role].run, &child->config, actor->name);
    if (!child->actor) return -1;
    zsock_set_rcvtimeo(es_actor_thread_pipe(child->actor), 0);
    if (!es_actor_thread_failed(child->actor)) es_pidfile_write(up->config->common.data, actor->name, (int)getpid());
    return 0;
}

static void tell(const es_up_t *up, size_t index, const char *word)
{
    const child_t *child = &((const child_t *)up->state)[index];
    if (child->actor) zstr_send(es_actor_thread_pipe(child->actor), word);
}

static void terminate(void *ctx, size_t index)
{
    tell(ctx, index, "$TERM");
}

static void reload(es_up_t *up, size_t index)
{
    tell(up, index, ES_RUNNER_RELOAD);
}

static void end(void *ctx, size_t index)
{
    es_up_t *up = ctx;
    es_up_say(up, "%s did not end in time: the process ends", up->plan.actors[index].name);
    _exit(1);
}

static void reap(es_up_t *up, uint64_t now_us)
{
    child_t *children = up->state;
    for (size_t i = 0; i < up->plan.count; i++) {
        zsock_t *pipe = children[i].actor ? es_actor_thread_pipe(children[i].actor) : NULL;
        if (!pipe || !(zsock_events(pipe) & ZMQ_POLLIN)) continue;
        int said = zsock_wait(pipe); /* its last word: es_runner_fail, or its return */
        if (said == ES_RUNNER_LEAVING) continue;
        if (!es_actor_thread_end(&children[i].actor, ES_ACTOR_THREAD_WAIT_MS)) end(up, i);
        es_up_ended(up, i, said == ES_ACTOR_THREAD_ENDED ? "ended" : "could not start", false, now_us);
    }
}

const es_up_backend_t es_up_threads = {.ops = {.start = start, .terminate = terminate, .kill = end},
                                       .open = open_threads,
                                       .reload = reload,
                                       .reap = reap,
                                       .close = close_threads};
