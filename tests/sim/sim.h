/* A house in one thread: the real senders, receivers, placement and registry on a virtual clock over a network that loses, doubles, delays and reorders,
 * with processes that are killed, stopped, woken, drained and restarted. One seed is one schedule, always the same.
 *
 *      clients ==line==> senders (edges) --frames--> brokers --dispatch--> receivers + engine (workers)
 *                           ^--results, WAIT, WORKER_LOST, BEACON-- brokers <--results-- / control --'
 *
 * A line is a WebSocket: nothing on it is lost or reordered until it breaks. Every connection has a key and a sender of its own, which die with its edge;
 * the client keeps its frames until they are committed and goes on over another connection.
 *
 * world.c     clock, events, randomness, trace       network.c  paths between nodes
 * schedule.c  one schedule from seed to verdict      harness.c  many of them, from the command line
 * client.c    who speaks, keeps frames, comes back    check.c     what must hold for what a client hears
 * connection.c  a connection's sender at its edge     edge.c      which broker is live; death and drain of edges
 * worker.c    receivers and engines                   engine.c    cuts frames into segments, the same on every worker
 * house.c     placement and registry of a broker      faults.c    what goes wrong, and when
 * safeguards.c  switches rules of the protocol off, to see that they are missed
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

enum { SIM_CLIENTS = 6, SIM_WORKERS = 4, SIM_BROKERS = 2, SIM_EDGES = 2, SIM_FRAMES = 96 };
enum { SIM_KEEP_MORE = 20 }; /* frames that a client keeps beyond what a sender retains */
enum { SIM_KEYS = 96 };      /* connections of all clients in one schedule */
enum {
    NODE_BROKER,
    NODE_EDGE = NODE_BROKER + SIM_BROKERS,
    NODE_WORKER = NODE_EDGE + SIM_EDGES,
    NODES = NODE_WORKER + SIM_WORKERS
};

typedef enum {
    SAFE_ALL,        /* nothing switched off */
    SAFE_EPOCH,      /* the sender takes any epoch */
    SAFE_CONTIGUITY, /* the sender takes finals with a gap before them */
    SAFE_REPUBLISH,  /* the receiver says each final once */
    SAFE_CHECKPOINT, /* START comes without it */
    SAFE_RETRANSMIT, /* the sender's timers do not run */
    SAFE_ORDER,      /* a receiver takes a frame over a gap */
    SAFE_START,      /* a receiver begins anywhere */
    SAFE_TWICE,    /* the sender takes a final that it has for the next one: paths repeat, and receivers say it again */
    SAFE_REBROKER, /* an edge stays with a broker that is dead */
    SAFE_RESUME,   /* a stream is resumed without its checkpoint */
    SAFE_KEEP,     /* a client keeps no frames that it has sent */
    SAFE_ONE_LINE, /* a client that has resumed elsewhere still hears its old connection */
    SAFE_PARTIALS, /* the sender takes partials that it has: paths repeat */
    SAFE_QUARANTINE, /* a stream that kills workers is never refused */
    SAFE_YIELD,      /* no batch stream is asked to give its place to a live one */
    SAFE_SUSPECTS,   /* streams whose workers keep dying get no worker apart from one another */
    SAFE_OWN_BROKER, /* the sender takes what comes through a broker that the stream is not at */
    SAFE_MODES
} safeguard_t;

typedef struct packet {
    struct packet *next; /* in an inbox */
    int from, to, key;   /* key: of which connection, -1 none */
    uint32_t from_life, to_life;
    es_msg_t msg;
    size_t len;
    char data[]; /* body, then the spans of msg */
} packet_t;

typedef enum {
    EV_PACKET,
    EV_LINE,    /* something arrives at a client */
    EV_CLIENT,  /* a client speaks */
    EV_CONNECT, /* it looks for another connection */
    EV_HANGUP,  /* an edge sees that a client has gone */
    EV_SENDER,
    EV_EDGE,
    EV_WORKER,
    EV_BROKER,
    EV_FAULT,
    EV_RECOVER,
    EV_START
} event_kind_t;

typedef enum { RUNNING, STOPPED, DEAD } node_state_t;

typedef struct {
    node_state_t state;
    uint32_t life;                /* one more at each start */
    packet_t *inbox, **inbox_end; /* what came while it was stopped */
    uint64_t timer_at;            /* of the pending event, UINT64_MAX: none */
} node_t;

typedef enum {
    FAULT_KILL,
    FAULT_STOP,
    FAULT_RAISE,
    FAULT_FORGET,
    FAULT_CUT,
    FAULT_DRAIN,
    FAULT_HANGUP,
    FAULT_KINDS
} fault_kind_t;

typedef struct {
    fault_kind_t kind;
    int node, client;
    bool forever; /* it does not come back */
    uint64_t at, lasts;
} fault_t;

typedef struct {
    int clients, workers, brokers, edges, faults;
    uint32_t loss, dup, reorder; /* of 1000 */
    uint64_t delay_us, jitter_us, line_us;
    uint32_t max_segment, window_frames, window_bytes, retain_frames;
    uint64_t decode_us; /* 0: finals come at once, from inside */
    bool whimsical;     /* engines of two incarnations cut differently */
    bool partials;
    uint64_t quarantine;
    int poisoned;               /* a worker dies of this client's first stream, -1: of none */
    uint64_t reserve;           /* places of each worker that batch streams leave free */
    uint32_t batch;             /* of 1000: clients that send from a disk, and go behind those that speak */
    uint64_t batch_interval_us; /* between two of their frames, at most */
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
    struct sim *sim;
    int id, stream, streams;
    int key; /* of the connection that it hears, -1: none */
    script_t script;
    uint64_t interval_us, abandon_seq, step_at, speak_at, connect_at;
    uint64_t spoken, sent;      /* frames there are; of them given to this connection */
    uint64_t committed, marked; /* as the client heard */
    uint64_t carry;             /* the checkpoint of the last final */
    int connections;            /* of this stream */
    bool done, finished, refused, lost, poisoned, batch;
} client_t;

typedef struct {
    es_sender_t *sender; /* NULL: no stream */
    struct sim *sim;
    int key, client, edge, broker;
    bool gone; /* with its edge */
    uint64_t committed, timer_at, line_at, last_epoch;
    uint64_t partial_epoch, partial_to; /* of the last partial since the last final */
    uint64_t waiting_at;                /* since when there is no place for it, 0: there is */
} connection_t;

typedef struct {
    uint64_t beacon_at[SIM_BROKERS]; /* 0: not live */
    uint32_t broker_life[SIM_BROKERS];
    uint64_t draining_until; /* 0: it does not drain */
} edge_t;

typedef struct {
    es_receiver_t *receiver;
    struct sim *sim;
    int worker, key;
    bool open;
    uint64_t epoch, published; /* highest final said in this epoch */
    uint32_t priority;
    engine_t engine;
    struct outcome_node *first, **last; /* decoded, not due yet */
    uint64_t due_us;
} stream_t;

typedef struct {
    uint64_t inc, pinged_us[SIM_BROKERS];
    uint64_t leave_at; /* 0: it does not drain */
    bool doomed;       /* it dies of what it has just taken */
    stream_t *streams[SIM_KEYS];
} worker_t;

typedef struct {
    es_placement_t *placement;
    es_registry_t *registry;
    uint64_t beacon_at;
    uint64_t leave_at, back_at; /* 0: it does not leave */
} house_t;

typedef struct {
    uint64_t deliveries, raises, waits, probes, moves, rebrokers, resumes, refused, yields;
} figures_t;

typedef struct sim {
    world_t world;
    figures_t figures; /* of all schedules */
    plan_t plan;
    node_t nodes[NODES];
    uint64_t path_at[NODES][NODES][2];
    uint64_t cut_until[NODES]; /* results of this worker or broker, or frames of the edge, are lost */
    client_t clients[SIM_CLIENTS];
    connection_t connections[SIM_KEYS];
    int keys; /* of them in use, or used up */
    edge_t edges[SIM_EDGES];
    worker_t workers[SIM_WORKERS];
    house_t houses[SIM_BROKERS];
    safeguard_t off;
    uint64_t partials; /* counted where they pass for newer ones */
} sim_t;

/* network.c: copies msg, its spans and the body. channel: 0 control and frames, 1 results. */
packet_t *packet_new(const es_msg_t *msg, const void *body, size_t len);
void sim_send(sim_t *sim, int from, int to, int channel, int key, const es_msg_t *msg, const void *body, size_t len);
void sim_arrive(sim_t *sim, packet_t *packet); /* consumes it */
void sim_handle_inbox(sim_t *sim, int node);
void sim_forget_inbox(node_t *node);
void sim_trace_msg(sim_t *sim, const char *what, const packet_t *packet);
void key_text(int key, char text[ES_CLIENT_ID_LEN + 1]);
int key_parse(es_span_t text);

/* client.c */
void client_open(sim_t *sim, int id);
void client_step(sim_t *sim, int id);
void client_wake(client_t *client, uint64_t at);
/* Its connection is gone, or is to be left: it looks for another one at that time. */
void client_reconnect(sim_t *sim, int id, bool lost, uint64_t at);
void client_connect(sim_t *sim, int id);
void client_hear(sim_t *sim, packet_t *packet); /* consumes it */
bool client_all_finished(const sim_t *sim);
uint32_t client_word(const client_t *client, uint64_t seq);
uint64_t client_pos(uint64_t seq);

/* check.c */
void check_final(client_t *client, const es_msg_t *final);
void check_partial(client_t *client, const es_msg_t *partial);
void check_mark(client_t *client, uint64_t seq);
void check_done(client_t *client);
/* A live stream waits. */
void check_live_first(const connection_t *connection);
void check_stuck(sim_t *sim);

/* connection.c */
connection_t *connection_new(sim_t *sim, int client, int edge);
/* The client's stream, after what it has of it. */
void connection_begin(connection_t *self, const client_t *client);
void connection_end(connection_t *self);  /* CLOSE */
void connection_drop(connection_t *self); /* its edge dies */
void connection_timer(sim_t *sim, int key);
void connection_receive(sim_t *sim, const packet_t *packet);
void connection_rearm(connection_t *self);
void connection_rebroker(connection_t *self);
void connection_hangup(sim_t *sim, int key);

/* edge.c */
void edge_start(sim_t *sim, int edge);
void edge_stop(sim_t *sim, int edge); /* frees all: a kill */
void edge_drain(sim_t *sim, int edge);
void edge_receive(sim_t *sim, const packet_t *packet);
void edge_timer(sim_t *sim, int edge);
int edge_broker(const sim_t *sim, int edge, int key);
int edge_pick(sim_t *sim); /* one that takes connections, -1: none */

/* worker.c */
void worker_start(sim_t *sim, int w);
void worker_stop(sim_t *sim, int w); /* frees all: a kill */
/* Takes no new streams, and ends when it has none or at leave_at; starts again soon after. */
void worker_drain(sim_t *sim, int w, uint64_t leave_at);
void worker_receive(sim_t *sim, const packet_t *packet);
void worker_timer(sim_t *sim, int w);
void worker_forget(sim_t *sim, int w, int key);

/* house.c */
void house_start(sim_t *sim, int b);
void house_stop(sim_t *sim, int b);
void house_leave(sim_t *sim, int b, uint64_t back_at); /* says so, and ends soon */
void house_receive(sim_t *sim, const packet_t *packet);
void house_timer(sim_t *sim, int b);

/* faults.c */
void faults_plan(sim_t *sim);
void faults_begin(sim_t *sim, int i);
void faults_end(sim_t *sim, int i);
void faults_kill(sim_t *sim, int node);
void faults_start(sim_t *sim, int node); /* where it is dead */

/* safeguards.c: false: the message is lost. What they change is changed in place. */
bool bend_to_sender(sim_t *sim, const connection_t *connection, es_msg_t *msg);
bool bend_to_receiver(sim_t *sim, stream_t *stream, es_msg_t *msg);
bool bend_from_receiver(sim_t *sim, stream_t *stream, const es_msg_t *msg);

/* schedule.c: runs one; true where all held. The sim can be looked at until the next run. */
bool schedule_run(sim_t *sim, uint64_t seed, safeguard_t off, bool trace);

#endif
