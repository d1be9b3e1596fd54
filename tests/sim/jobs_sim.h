/* The simulation of jobs: the run of a job (actors/jobs/job_run.c) under faults. Two jobs actors share a store that is fenced as the real ones are, and now and then is down or does not say
 * what it did; a house with workers (real receivers of proto/) loses messages, worker and stream; decoders die; actors are killed, leases run out under an owner that lives, jobs are released and
 * cancelled. What must hold after each schedule:
 *
 *   - the job is over, and once: nothing changes it after that;
 *   - COMPLETED: its segments lie end to end and are those of an undisturbed run, whatever failed meanwhile;
 *   - `done` and progress never go back; nobody is told what is not stored;
 *   - FAILED only where the attempts are used up, or actors died of it. */
#ifndef ES_JOBS_SIM_H
#define ES_JOBS_SIM_H

#include "job_run.h"
#include "stream_receiver.h"
#include "world.h"

enum {
    SIM_ACTORS = 2,
    SIM_WORKERS = 3, /* the last one analyses */
    SIM_STREAMS = 256,
    SIM_SLOTS = 256,
    SIM_SEGMENTS = 1024,
    FRAME = 1600,
    CUT = 5 /* frames of a segment */
};

typedef enum { SAFE_NONE, SAFE_FENCE, SAFE_ORDER, SAFE_CHECKPOINT, SAFE_MODES } safeguard_t;

typedef enum {
    EV_TO_HOUSE, /* a message of a run */
    EV_TO_RUN,   /* a message for a stream's owner */
    EV_TICK,     /* of a slot */
    EV_DECODE,   /* of a slot */
    EV_STORE,    /* a task is run */
    EV_STORED,   /* and its owner told */
    EV_READ,     /* of a slot */
    EV_ACTOR,    /* an actor looks for work */
    EV_RECEIVER, /* a stream's receiver has its tick */
    EV_FAULT
} event_kind_t;

typedef struct sim sim_t;

typedef struct {
    es_msg_t msg;
    size_t len;
    char key[ES_CLIENT_ID_LEN + 1];
    char spans[4096]; /* what msg's spans point into */
    size_t used;
    char body[];
} letter_t;

/* A stream as the house has it. */
typedef struct {
    sim_t *sim;
    char key[ES_CLIENT_ID_LEN + 1];
    int slot;   /* of its owner */
    int worker; /* -1: none */
    uint64_t epoch, start_pos, next_pos, covered;
    uint32_t in_segment;
    bool analysis;
    size_t document; /* bytes seen */
    uint64_t inc;
    es_receiver_t *receiver;
} stream_t;

/* A run, dead or alive. */
typedef struct {
    sim_t *sim;
    int actor;
    es_job_run_t *run;
    bool over, decoding, listening, ticking;
    uint64_t pos;     /* of the decoder */
    uint64_t decoder; /* which of its decoders: events of an older one are stale */
    uint64_t tick_at, token;
    struct task *in_flight;
} slot_t;

typedef struct task {
    int slot;
    bool orphan; /* its run is gone */
    bool done;   /* it was run */
    es_job_write_t *writes[ES_RUN_BATCH];
    size_t n;
    uint64_t token;
    es_jobs_result_t result;
    es_job_t fresh;
} task_t;

typedef struct {
    uint64_t samples;
    uint32_t loss, duplicates; /* of 1000 */
    uint64_t latency_us;
    int faults;
    uint32_t attempts;
    bool analysis, cancel;
} plan_t;

typedef struct {
    uint64_t schedules, completed, failed, cancelled, claims, finals, kills, stale;
} figures_t;

struct sim {
    world_t world;
    safeguard_t off;
    plan_t plan;
    figures_t figures;
    es_job_t job; /* as it is stored */
    es_job_segment_t segments[SIM_SEGMENTS];
    size_t n_segments;
    int owner; /* slot */
    uint64_t ends;
    uint32_t progress, most_attempts;
    uint64_t down_until, deaf_until, quiet_at; /* quiet_at: no more faults */
    es_job_house_t house;
    slot_t slots[SIM_SLOTS];
    int n_slots;
    int at_work[SIM_ACTORS];   /* slot, -1 */
    uint64_t away[SIM_ACTORS]; /* until then it is dead */
    stream_t streams[SIM_STREAMS];
    int n_streams;
    uint64_t inc[SIM_WORKERS];
    uint64_t keys;
    uint64_t last_arrival[2]; /* of each way: letters keep their order */
};

/* jobs_schedule.c */
bool schedule_run(sim_t *sim, uint64_t seed, safeguard_t off, bool trace);
es_job_now_t sim_now(const sim_t *sim);
/* jobs_store.c */
void store_begin(sim_t *sim);
void store_end(sim_t *sim);
bool store_claim(sim_t *sim, int actor, es_job_t *out);
void store_reclaim(sim_t *sim, int actor);
void store_cancel(sim_t *sim);
void store_run(sim_t *sim, task_t *task);
void job_copy(es_job_t *to, const es_job_t *from);
/* jobs_house.c */
void house_take(sim_t *sim, letter_t *letter);
void house_tick(sim_t *sim, int stream);
void house_lose_worker(sim_t *sim, int worker);
void house_yield(sim_t *sim);
void house_end(sim_t *sim);
letter_t *letter_new(const char *key, const es_msg_t *msg, const void *body, size_t len);
void letter_send(sim_t *sim, event_kind_t way, letter_t *letter);
/* jobs_actor.c */
void actor_look(sim_t *sim, int actor);
void actor_kill(sim_t *sim, int actor);
void slot_tick(sim_t *sim, int slot);
void slot_decode(sim_t *sim, int slot, uint64_t decoder);
void slot_written(sim_t *sim, task_t *task);
void slot_read(sim_t *sim, int slot);
void slot_receive(sim_t *sim, letter_t *letter);
void slot_settled(sim_t *sim, int slot);

#endif
