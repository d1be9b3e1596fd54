/* A house in one thread: the real senders, receivers, placement and registry on a virtual clock over a network that loses, doubles, delays and reorders,
 * with processes that are killed, stopped, woken and restarted. One seed is one schedule, always the same.
 *
 *      clients -> senders (edge) --frames--> broker --dispatch--> receivers + engine (workers)
 *                    ^--results, WAIT, WORKER_LOST-- broker <--results-- / control --'
 *
 * world.c     clock, events, randomness, trace       network.c  paths between nodes
 * schedule.c  one schedule from seed to verdict      harness.c  many of them, from the command line
 * client.c    scripts, senders, and what must hold    engine.c   cuts frames into segments, the same on every worker
 * worker.c    receivers and engines                   house.c    placement and registry
 * faults.c    what goes wrong, and when               safeguards.c  switches rules of the protocol off, to see that they are missed
 */
#ifndef ES_SIM_H
#define ES_SIM_H

#include <stdio.h>

#include "engine.h"
#include "placement.h"
#include "registry.h"
#include "stream_receiver.h"
#include "stream_sender.h"
#include "world.h"

enum { SIM_CLIENTS = 6, SIM_WORKERS = 4, SIM_FRAMES = 96 };
enum { NODE_BROKER, NODE_EDGE, NODE_WORKER, NODES = NODE_WORKER + SIM_WORKERS };

typedef enum {
    SAFE_ALL,        /* nothing switched off */
    SAFE_EPOCH,      /* the sender takes any epoch */
    SAFE_CONTIGUITY, /* the sender takes finals with a gap before them */
    SAFE_REPUBLISH,  /* the receiver says each final once */
    SAFE_CHECKPOINT, /* START comes without it */
    SAFE_RETRANSMIT, /* the sender's timers do not run */
    SAFE_ORDER,      /* a receiver takes a frame over a gap */
    SAFE_START,      /* a receiver begins anywhere */
    SAFE_MODES
} safeguard_t;

typedef struct packet {
    struct packet *next;  /* in an inbox */
    int from, to, client; /* client: whose key, -1 none */
    uint32_t from_life, to_life;
    es_msg_t msg;
    size_t len;
    char data[]; /* body, then the spans of msg */
} packet_t;

typedef enum { EV_PACKET, EV_CLIENT, EV_SENDER, EV_WORKER, EV_BROKER, EV_FAULT, EV_RECOVER, EV_START } event_kind_t;

typedef enum { RUNNING, STOPPED, DEAD } node_state_t;

typedef struct {
    node_state_t state;
    uint32_t life;                /* one more at each start */
    packet_t *inbox, **inbox_end; /* what came while it was stopped */
    uint64_t timer_at;            /* of the pending event, UINT64_MAX: none */
} node_t;

typedef enum { FAULT_KILL, FAULT_STOP, FAULT_RAISE, FAULT_FORGET, FAULT_CUT, FAULT_DRAIN, FAULT_KINDS } fault_kind_t;

typedef struct {
    fault_kind_t kind;
    int node, client;
    uint64_t at, lasts;
} fault_t;

typedef struct {
    int clients, workers, faults;
    uint32_t loss, dup, reorder; /* of 1000 */
    uint64_t delay_us, jitter_us;
    uint32_t max_segment, window_frames, window_bytes, retain_frames;
    uint64_t decode_us; /* 0: finals come at once, from inside */
    bool whimsical;     /* engines of two incarnations cut differently */
    bool partials;
    uint32_t capacity[SIM_WORKERS];
    fault_t fault[16];
    uint64_t calm_at; /* from here on nothing goes wrong */
} plan_t;

typedef struct {
    uint32_t frames; /* the last one is EOS */
    uint8_t flags[SIM_FRAMES + 1];
    uint8_t ends[SIM_FRAMES + 1]; /* an undisturbed engine ends a final here */
} script_t;

typedef struct {
    es_sender_t *sender;
    struct sim *sim;
    int id, stream, streams;
    script_t script;
    uint64_t interval_us, abandon_seq, timer_at;
    uint64_t pushed, committed, marked; /* as the client saw it */
    bool done, finished, blocked;
    uint64_t last_epoch;
} client_t;

typedef struct {
    es_receiver_t *receiver;
    struct sim *sim;
    int worker, client;
    bool open;
    uint64_t epoch, published; /* highest final said in this epoch */
    engine_t engine;
    struct outcome_node *first, **last; /* decoded, not due yet */
    uint64_t due_us;
} stream_t;

typedef struct {
    uint64_t inc, pinged_us;
    uint64_t leave_at; /* 0: it does not drain */
    stream_t *streams[SIM_CLIENTS];
} worker_t;

typedef struct {
    es_placement_t *placement;
    es_registry_t *registry;
} house_t;

typedef struct {
    uint64_t deliveries, raises, waits, probes, moves;
} figures_t;

typedef struct sim {
    world_t world;
    figures_t figures; /* of all schedules */
    plan_t plan;
    node_t nodes[NODES];
    uint64_t path_at[NODES][NODES][2];
    uint64_t cut_until[NODES]; /* results of this worker, or frames of the edge, are lost */
    client_t clients[SIM_CLIENTS];
    worker_t workers[SIM_WORKERS];
    house_t house;
    safeguard_t off;
} sim_t;

/* network.c: copies msg, its spans and the body. channel: 0 control and frames, 1 results. */
void sim_send(sim_t *sim, int from, int to, int channel, int client, const es_msg_t *msg, const void *body, size_t len);
void sim_arrive(sim_t *sim, packet_t *packet); /* consumes it */
void sim_handle_inbox(sim_t *sim, int node);
void sim_forget_inbox(node_t *node);
void sim_trace_msg(sim_t *sim, const char *what, const packet_t *packet);

/* client.c */
void client_open(sim_t *sim, int id);
void client_step(sim_t *sim, int id);
void client_timer(sim_t *sim, int id);
void client_receive(sim_t *sim, const packet_t *packet);
void client_rearm(sim_t *sim, int id);
bool client_all_finished(const sim_t *sim);
void client_check_end(sim_t *sim);
void client_key(int id, char key[ES_CLIENT_ID_LEN + 1]);
uint32_t client_word(const client_t *client, uint64_t seq);

/* worker.c */
void worker_start(sim_t *sim, int w);
void worker_stop(sim_t *sim, int w); /* frees all: a kill */
/* Takes no new streams, and ends when it has none or at leave_at; starts again soon after. */
void worker_drain(sim_t *sim, int w, uint64_t leave_at);
void worker_receive(sim_t *sim, const packet_t *packet);
void worker_timer(sim_t *sim, int w);
void worker_forget(sim_t *sim, int w, int client);

/* house.c */
void house_start(sim_t *sim);
void house_stop(sim_t *sim);
void house_receive(sim_t *sim, const packet_t *packet);
void house_timer(sim_t *sim);

/* faults.c */
void faults_plan(sim_t *sim);
void faults_begin(sim_t *sim, int i);
void faults_end(sim_t *sim, int i);
void faults_start(sim_t *sim, int node); /* where it is dead */

/* safeguards.c: false: the message is lost. What they change is changed in place. */
bool bend_to_sender(sim_t *sim, const client_t *client, es_msg_t *msg);
bool bend_to_receiver(sim_t *sim, stream_t *stream, es_msg_t *msg);
bool bend_from_receiver(sim_t *sim, stream_t *stream, const es_msg_t *msg);

/* schedule.c: runs one; true where all held. The sim can be looked at until the next run. */
bool schedule_run(sim_t *sim, uint64_t seed, safeguard_t off, bool trace);

#endif
