/* Clients of the simulation, and what they have seen. */
#ifndef ES_ROOMS_CLIENT_H
#define ES_ROOMS_CLIENT_H

#include "room_wire.h"
#include "rooms_plan.h"

typedef enum { OUT, ENTERING, IN, GOING } client_state_t; /* GOING: has said leave */

typedef struct {
    bool said;
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
    uint64_t seen_ms[CLIENTS][STREAMS], seen_end[CLIENTS][STREAMS]; /* last caption or partial, over this connection */
    size_t spoken_n;
} client_t;

/* rooms_client.c */
void client_start(struct sim *sim, int c);
void client_receive(struct sim *sim, int c, const packet_t *packet);
void client_timer(struct sim *sim, int c);
void client_cut_off(struct sim *sim, int c); /* its edge died */
void client_leave(struct sim *sim, int c);
void client_session(int c, char session[32]);
uint32_t client_message_of(es_span_t msg_id, int *client); /* its number, from 0 */

/* rooms_view.c */
void view_joined(struct sim *sim, int c, const es_msg_t *msg);
void view_event(struct sim *sim, int c, const es_msg_t *msg, const packet_t *packet);
void view_gone(struct sim *sim, int c, const es_msg_t *msg);

#endif
