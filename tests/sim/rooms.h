/* Rooms in one thread: the real outboxes, followers, room machines and registry on a virtual clock over a network that loses, doubles, delays and reorders,
 * with processes that are killed, stopped, woken and restarted, and a store that fails. One seed is one schedule, always the same.
 *
 *   clients ==connections== edges --requests--> brokers --by rendezvous--> room actors ==transactions== store
 *                             ^---- news, answers ---- brokers <---- news, answers ----'
 *
 * rooms_client.c    what people do, their views, and what must hold for them        rooms_view.c   a view beside the log
 * rooms_edge.c      followers, and what lies between them and the members           rooms_member.c outboxes, catching up
 * rooms_broker.c    the registry, routing                                           rooms_actor.c  rooms in turns, each a transaction
 * rooms_store.c     logs with terms; survives every actor                           rooms_check.c  what must hold in the end
 * rooms_network.c   paths                                                           rooms_faults.c what goes wrong, and when
 * rooms_schedule.c  one schedule from seed to verdict                               rooms_main.c   the command line
 *
 * The brokers' choice and the edge's glue are modelled after broker/rooms.c and actors/edge/{edge_room,membership}.c; everything with a memory that
 * must hold is the real code.
 */
#ifndef ES_ROOMS_SIM_H
#define ES_ROOMS_SIM_H

#include "registry.h"
#include "room.h"
#include "room_follower.h"
#include "room_outbox.h"
#include "world.h"

enum { BROKERS = 2, EDGES = 3, ACTORS = 3, CLIENTS = 6, ROOMS = 2, FAULTS = 10, STREAMS = 8 };
enum { NODE_BROKER, NODE_EDGE = BROKERS, NODE_ACTOR = NODE_EDGE + EDGES, NODE_CLIENT = NODE_ACTOR + ACTORS };
enum { NODES = NODE_CLIENT + CLIENTS };

#define NEVER UINT64_MAX

typedef enum {
    SAFE_ALL,
    SAFE_FENCE,    /* the store takes a transaction of any term */
    SAFE_DEDUPE,   /* no message is known to have been said */
    SAFE_CUT,      /* nor a caption */
    SAFE_ORDER,    /* an actor takes an operation over a gap */
    SAFE_GAP,      /* a follower takes news over a gap */
    SAFE_RESEND,   /* outboxes' timers do not run */
    SAFE_TAIL,     /* ROOM_STATE does not arrive */
    SAFE_ASK,      /* followers' timers do not run */
    SAFE_COMMIT,   /* actors speak before the store has it */
    SAFE_ANNOUNCE, /* edges do not announce their members */
    SAFE_MODES
} safeguard_t;

/* What clients and edges say to one another over a connection; as the messages of PROTOCOL.md, 7.5. */
enum {
    SAY_BYE = 200, /* the connection is closed */
    SAY_JOIN,      /* with log and rseq: since */
    SAY_LEAVE,
    SAY_TEXT,    /* msg_id, text */
    SAY_CAPTION, /* what the audio of the client becomes: stream, start, end, text; body: words */
    TOLD_JOINED, /* log, rseq, from, flags: complete */
    TOLD_EVENT,  /* log; body: the event */
    TOLD_GONE,   /* from, to */
    TOLD_SAID,   /* msg_id, log, rseq */
    TOLD_REFUSED,
    TOLD_CAPTIONED, /* start, end: the caption is stored; real clients are not told */
    TOLD_LEFT
};

typedef struct packet {
    struct packet *next; /* in an inbox */
    int from, to, channel;
    uint32_t to_life;
    uint64_t conn; /* between client and edge; else 0 */
    size_t key_len, envelope_len, body_len;
    char data[]; /* key, envelope, body */
} packet_t;

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

typedef enum { FAULT_KILL, FAULT_STOP, FAULT_CUT, FAULT_DISK, FAULT_UNLOAD, FAULT_WIPE, FAULT_KINDS } fault_kind_t;

typedef struct {
    fault_kind_t kind;
    int node, room;
    uint64_t at, lasts;
} fault_t;

typedef struct {
    int brokers, edges, actors, clients, rooms, faults;
    uint32_t loss, dup, reorder; /* of 1000 */
    uint64_t delay_us, jitter_us, turn_us, sync_us;
    uint64_t history, backlog, page, held; /* events: kept; as of the follower */
    uint64_t pace_us;                      /* between two things that a client does, at most */
    bool mild;                             /* too little goes wrong for anybody to be thrown out */
    fault_t fault[FAULTS];
    uint64_t calm_at; /* from here on nothing goes wrong */
} plan_t;

/* ---- the store */

typedef struct row {
    es_room_event_t event;
    char text[];
} row_t;

typedef struct log {
    struct log *older; /* what was wiped; kept for those who saw it */
    es_room_log_t at;
    row_t **rows; /* all that ever were; [rseq - 1] */
    size_t cap;
} log_t;

typedef struct {
    char session[32], client[ES_CLIENT_ID_LEN], name[32];
    uint64_t operation;
    bool there;
} seat_t;

typedef struct {
    char session[32], stream[32];
    uint64_t until;
} captions_t;

typedef struct {
    log_t *log;
    uint64_t term;
    seat_t seats[CLIENTS];
    captions_t captions[CLIENTS * STREAMS];
    size_t captions_n;
    uint64_t fails_until; /* transactions fail */
} store_t;

/* What a turn has changed, not committed yet. */
typedef struct change {
    struct change *next;
    enum { CHANGE_APPEND, CHANGE_CAPTION, CHANGE_SEAT, CHANGE_UNSEAT, CHANGE_FLOOR } kind;
    uint64_t number; /* until, floor */
    seat_t seat;
    captions_t captions;
    row_t *row; /* its own */
} change_t;

typedef struct {
    change_t *first, **end;
} transaction_t;

/* ---- an actor */

typedef struct {
    struct sim *sim;
    int actor, id;
    es_room_t *room; /* NULL: not loaded */
    uint64_t term;
    bool touched; /* in this turn */
    transaction_t tx;
    packet_t *unsaid, **unsaid_end; /* copies of what is to be said after the commit, for each broker */
    uint64_t tick_at;
} hosted_t;

typedef struct {
    es_room_shared_t shared;
    uint64_t inc, heard_us[BROKERS], hello_us[BROKERS];
    hosted_t rooms[ROOMS];
    bool turn;                      /* its end is on the agenda */
    packet_t *saying, **saying_end; /* committed, said once the disk has it */
} actor_t;

/* ---- an edge */

typedef enum { JOINING, CATCHING_UP, LIVE } member_state_t;

typedef struct member {
    struct member *next;
    struct edge_room *room;
    int client;
    uint64_t conn;
    char id[ES_CLIENT_ID_LEN + 1], name[32];
    member_state_t state;
    bool leaving, over, has_since;
    uint64_t since, since_log, log, at;
    uint64_t ask_id, ask_due_us; /* page of older events; due NEVER: none is asked for */
    es_room_outbox_t *outbox;
} member_t;

typedef struct edge_room {
    struct sim *sim;
    int edge, id;
    es_room_follower_t *follower;
    member_t *members;
    row_t **recent; /* what the follower gave out, without a gap; the last one is its position */
    size_t recent_n;
    uint64_t sync_us, hears_us; /* subscribed from then on */
} edge_room_t;

enum { COUNTED = 32 };

typedef struct {
    uint64_t conn, last;
} counted_t;

typedef struct {
    char prefix[ES_PREFIX_LEN + 1];
    counted_t counted[COUNTED]; /* operations of connections that are in no room */
    size_t counted_n;
    uint64_t heard_us[BROKERS];
    unsigned fresh; /* bits: brokers whose beacons come */
    edge_room_t *rooms[ROOMS];
} edge_t;

/* ---- a client */

typedef enum { OUT, ENTERING, IN, GOING } client_state_t; /* GOING: has said leave */

typedef struct {
    bool said, refused;
    uint64_t log, rseq;
} message_t;

typedef struct {
    uint64_t log, stream, from, to; /* words */
} spoken_t;

enum { MESSAGES = 400, SPOKEN = 200 };

typedef struct {
    client_state_t state;
    bool gone, wants_in; /* gone: vanished for good */
    int edge, room;
    unsigned names; /* how often it has changed its name */
    uint64_t conn, leaves_at;
    bool has_view; /* of `log`; next event: `next` */
    uint64_t log, next, joined_rseq;
    message_t messages[MESSAGES];
    uint32_t said, answered; /* messages so far; of them, without a gap, answered */
    uint64_t stream, word,
        stored_word;         /* captions: which stream, which word is next, and which after what is stored for sure */
    spoken_t spoken[SPOKEN]; /* stored for sure */
    size_t spoken_n;
} client_t;

typedef struct {
    uint64_t inc;
    es_registry_t *registry;
    uint64_t beacon_us;
} broker_t;

typedef struct {
    uint64_t events, deliveries, acknowledged, refused, missed, fenced, resets;
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
    store_t stores[ROOMS];
    client_t clients[CLIENTS];
    uint64_t conns, lives, logs;
    bool goodbye; /* all has held so far: everybody leaves */
    safeguard_t off;
} sim_t;

/* rooms_network.c */
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

/* rooms_store.c */
row_t *row_new(const es_room_event_t *event);
row_t *store_row(const log_t *log, uint64_t rseq);                /* NULL: never was */
const log_t *store_log(const sim_t *sim, int room, uint64_t log); /* wiped ones too */
bool store_take_over(sim_t *sim, int room, uint64_t *term);
/* False: nothing of it is stored, as far as the caller knows. Empties tx. */
bool store_commit(sim_t *sim, int room, uint64_t term, transaction_t *tx);
void store_wipe(sim_t *sim, int room);
void store_fini(store_t *store);
change_t *transaction_add(transaction_t *tx, int kind);
void transaction_forget(transaction_t *tx);

/* rooms_actor.c */
extern const es_room_ops_t actor_ops;
void actor_start(sim_t *sim, int a);
void actor_stop(sim_t *sim, int a);
void actor_receive(sim_t *sim, int a, const packet_t *packet);
void actor_timer(sim_t *sim, int a);
void actor_turn(sim_t *sim, int a);
void actor_synced(sim_t *sim, int a);
void actor_unload(sim_t *sim, int a, int room);

/* rooms_broker.c */
void broker_start(sim_t *sim, int b);
void broker_stop(sim_t *sim, int b);
void broker_receive(sim_t *sim, int b, const packet_t *packet);
void broker_timer(sim_t *sim, int b);

/* rooms_edge.c */
void edge_start(sim_t *sim, int e);
void edge_stop(sim_t *sim, int e);
void edge_receive(sim_t *sim, int e, const packet_t *packet);
void edge_timer(sim_t *sim, int e);
void edge_request(edge_room_t *room, uint64_t conn, const es_msg_t *msg, const void *body, size_t len);
void edge_announce_soon(edge_room_t *room);
void edge_own_key(const edge_t *edge, char key[ES_CLIENT_ID_LEN + 1]);

/* rooms_member.c */
/* counted: the last operation of this connection in this room */
member_t *member_new(edge_room_t *room, int client, uint64_t conn, const es_msg_t *join, uint64_t counted);
void member_destroy(member_t *member); /* unlinks it */
void member_say(member_t *member, const es_msg_t *said, const char *body, size_t len);
void member_answer(member_t *member, const es_msg_t *msg, const char *body, size_t len);
void member_event(member_t *member, const es_room_event_t *event);
void member_missed(member_t *member, uint64_t from, uint64_t to);
void member_rejoin(member_t *member);
void member_advance(member_t *member);
uint64_t member_tick(member_t *member);

/* rooms_client.c */
void client_start(sim_t *sim, int c);
void client_receive(sim_t *sim, int c, const packet_t *packet);
void client_timer(sim_t *sim, int c);
void client_cut_off(sim_t *sim, int c); /* its edge died */
void client_leave(sim_t *sim, int c);
void client_session(int c, char session[32]);
uint32_t client_message_of(es_span_t msg_id, int *client); /* its number, from 0 */

/* rooms_view.c */
void view_joined(sim_t *sim, int c, const es_msg_t *msg);
void view_event(sim_t *sim, int c, const es_msg_t *msg, const packet_t *packet);
void view_gone(sim_t *sim, int c, const es_msg_t *msg);

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
