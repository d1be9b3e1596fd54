/* Rooms in one thread: the real outboxes, followers, room actors' turns and registry on a virtual clock over a network that loses, doubles, delays and reorders,
 * with processes that are killed, stopped, woken and restarted, a store that
 * fails and actors that drain. One seed is one schedule, always the same.
 *
 *   clients ==connections== edges --requests--> brokers --by rendezvous--> room actors ==transactions== store
 *                             ^---- news, answers ---- brokers <---- news, answers ----'
 *
 * rooms_client.c    what people do, their views, and what must hold for them        rooms_view.c   a view beside the log
 * rooms_edge.c      followers, and what lies between them and the members           rooms_member.c outboxes, catching up
 * rooms_broker.c    the registry, routing                                           rooms_actor.c  rooms in turns
 * rooms_store.c     room_store.h in memory; survives every actor                    rooms_check.c  what must hold in the end
 * rooms_network.c   paths                                                           rooms_faults.c what goes wrong, and when
 * rooms_schedule.c  one schedule from seed to verdict                               rooms_main.c   the command line
 *
 * The brokers' choice and the edge's glue are modelled after broker/rooms.c and actors/edge/rooms/{edge_room,membership}.c; everything with a memory that
 * must hold is the real code.
 */
#ifndef ES_ROOMS_SIM_H
#define ES_ROOMS_SIM_H

#include "registry.h"
#include "rooms.h"
#include "rooms_client.h"
#include "rooms_edge.h"
#include "world.h"

typedef enum {
    EV_PACKET,
    EV_CLIENT,
    EV_EDGE,
    EV_BROKER,
    EV_ACTOR,
    EV_TURN,
    EV_SYNCED,
    EV_FAULT,
    EV_RECOVER
} event_kind_t;

typedef enum { RUNNING, STOPPED, DEAD } node_state_t;

typedef struct {
    node_state_t state;
    uint32_t life;                /* one more at each start */
    bool busy;                    /* waits for the disk: hears nothing meanwhile */
    packet_t *inbox, **inbox_end; /* what came while it was stopped or busy */
    uint64_t timer_at;            /* of the pending event, NEVER: none */
} node_t;

/* ---- an actor */

typedef struct {
    packet_t *first, **end;
} queue_t;

typedef struct {
    es_room_shared_t shared;
    es_room_store_t store;
    es_rooms_t *rooms;
    uint64_t inc, tick_us, heard_us[BROKERS], hello_us[BROKERS];
    bool turn; /* its end is on the agenda */
    bool draining;
    queue_t asked;  /* in this turn */
    queue_t saying; /* committed, said once the disk has it */
} actor_t;

typedef struct {
    uint64_t inc;
    es_registry_t *registry;
    uint64_t beacon_us;
} broker_t;

typedef struct {
    uint64_t events, deliveries, acknowledged, missed, dropped, fenced, resets;
} figures_t;

typedef struct sim {
    world_t world;
    figures_t figures; /* of all schedules */
    es_decoder_t *decoder;
    plan_t plan; /* from here on all is new in each schedule */
    node_t nodes[NODES];
    uint64_t path_at[NODES][NODES][2];
    uint64_t cut_until[NODES]; /* what this node says, but to clients, is lost */
    broker_t brokers[BROKERS];
    edge_t edges[EDGES];
    actor_t actors[ACTORS];
    table_t tables[ROOMS];
    uint64_t disk_fails_until; /* turns fail */
    client_t clients[CLIENTS];
    uint64_t conns, lives, logs;
    uint64_t well_at, last_well_at; /* all was well for the first time, and the last; 0: not yet */
    uint64_t well_rseq[ROOMS];      /* the last event at well_at */
    bool goodbye;                   /* all has held so far: everybody leaves */
    safeguard_t off;
} sim_t;

/* rooms_network.c */
packet_t *packet_copy(const packet_t *packet);
void packet_free(packet_t *packet);
packet_t *packet_new(int from, int to, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
es_span_t packet_key(const packet_t *packet);
const char *packet_body(const packet_t *packet);
bool packet_open(sim_t *sim, const packet_t *packet, es_msg_t *msg); /* false: the catalogue refuses it */
void network_send(sim_t *sim, packet_t *packet, int channel);        /* may be lost, doubled ...; consumes it */
void network_tell(sim_t *sim, int from, int to, uint64_t conn, const es_msg_t *msg, const void *body, size_t len);
void network_close(sim_t *sim, packet_t *bye, uint64_t late_us); /* consumes it */
void network_arrive(sim_t *sim, packet_t *packet);
void network_handle_inbox(sim_t *sim, int node);
void network_forget(packet_t **list, packet_t ***end);
void node_arm(sim_t *sim, int node, event_kind_t kind, uint64_t at);
bool node_due(sim_t *sim, int node); /* its timer: false where this event is a stale one */

/* rooms_actor.c */
void actor_start(sim_t *sim, int a);
void actor_stop(sim_t *sim, int a);
void actor_drain(sim_t *sim, int a);
void actor_receive(sim_t *sim, int a, const packet_t *packet);
void actor_timer(sim_t *sim, int a);
void actor_turn(sim_t *sim, int a);
void actor_synced(sim_t *sim, int a);

/* rooms_broker.c */
void broker_start(sim_t *sim, int b);
void broker_stop(sim_t *sim, int b);
void broker_receive(sim_t *sim, int b, const packet_t *packet);
void broker_timer(sim_t *sim, int b);

/* rooms_check.c */
bool check_settled(const sim_t *sim, char *why, size_t cap); /* false: why not yet */
bool check_empty(const sim_t *sim, char *why, size_t cap);
void check_logs(sim_t *sim);
bool check_member(const log_t *log, es_span_t session, uint64_t after,
                  bool *left); /* is it one, at the log's end? left: since event `after` */

/* rooms_faults.c */
void faults_plan(sim_t *sim);
void faults_begin(sim_t *sim, int i);
void faults_end(sim_t *sim, int i);

/* rooms_schedule.c */
bool schedule_run(sim_t *sim, uint64_t seed, safeguard_t off, bool trace);

#endif
