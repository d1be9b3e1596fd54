/* One connected client: what it says, its stream, what waits to be said to it. No sockets, no clock: the server and the link
 * stand behind es_client_env_t.
 *
 *      pieces --> whole messages --> dialect (flat or envelope) --> stream --> es_sender --> env.send
 *                                        |                            |
 *      out  <------ JSON frames ---------'<------ finals, done -------'
 *
 * A client has at most one stream at a time; the next one continues its epoch. Back-pressure: where the sender is full, or audio
 * comes that must wait for the stream before it, the client's socket is no longer read (throttled) and the one chunk in
 * hand is parked. One thread. */
#ifndef ES_CLIENT_H
#define ES_CLIENT_H

#include "access/guest.h"
#include "access/turnstile.h"
#include "client_json.h"
#include "dead_letters.h"
#include "frame_buf.h"
#include "pace.h"
#include "rate.h"
#include "resample.h"
#include "room_wire.h"
#include "session.h"
#include "stream_memory.h"
#include "stream_sender.h"
#include "stream_trace.h"
#include "timers.h"
#include "ws_close.h"

typedef struct es_client es_client_t;

/* Bytes of a message of somebody who has not said who it is: a token fits. */
#define ES_STRANGER_MESSAGE 16384u

typedef struct {
    uint64_t max_chunk;     /* bytes of one binary message; more is an error, and the connection stays */
    uint64_t max_message;   /* bytes of a binary message; more closes 1009 at the first piece */
    uint64_t max_text;      /* bytes of a text message; likewise */
    uint64_t max_fragments; /* of one message; more closes 1009 */
    uint64_t max_depth;     /* of JSON; deeper is an error */
    uint64_t max_queue;     /* bytes that wait for a client; more closes 1013 */
    uint64_t max_rooms;     /* that a client may be in */
    uint64_t say_rate;      /* messages that a client may say in rooms a second; 0: any number */
    uint64_t say_burst;     /* and at once */
    uint64_t join_rate;     /* rooms that a client may enter a minute; 0: any number */
    uint64_t join_burst;    /* and at once */
    uint64_t caption_us;    /* a final waits so long for the room that it is a caption in; 0: it does not */
    uint64_t session_ms;    /* a token is good for so long */
    uint64_t auth_rate;     /* signed tokens that a client may show in messages a minute; 0: any number */
    uint64_t auth_burst;    /* and at once */
    uint64_t auth_us;       /* time for credentials to come, where they are asked for; then 1008 */
    uint64_t max_strangers; /* whose credentials are waited for; for one more the oldest goes, 1008; 0: any number */
    es_pace_limits_t pace;  /* of all that it sends; who goes on beyond is closed 1008 */
} es_client_limits_t;

struct es_edge_jobs;
struct es_edge_rooms;
struct es_membership;

/* What a client lives in. The functions must not destroy the client. */
typedef struct {
    void *ctx;
    es_client_limits_t limits;
    uint64_t now_us, wall_ms; /* of this turn */
    es_timers_t timers;       /* of the clients' senders */
    es_stream_memory_t memory;
    int (*broker)(void *ctx, es_span_t key);
    void (*send)(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len);
    /* Something waits in client->out and nothing did before. */
    void (*flush)(void *ctx, es_client_t *client);
    /* The same, and it is worth writing at once: many others get the same now. NULL: as flush. */
    void (*push)(void *ctx, es_client_t *client);
    /* Stop (true) or go on reading its socket. Takes effect at once. */
    void (*throttle)(void *ctx, es_client_t *client, bool stop);
    /* Close with this code once client->out is written. */
    void (*close)(void *ctx, es_client_t *client, unsigned code, const char *reason);
    void (*random_hex)(void *ctx, char *out, size_t digits);
    struct es_edge_rooms *rooms;
    struct es_edge_jobs *jobs;
    es_session_key_t session_key;
    es_identity_t *identity; /* NULL: nobody is asked, everybody may everything */
    es_turnstile_t turnstile;
    struct {
        es_client_t *oldest, *newest;
        uint64_t count;
    } strangers;             /* clients whose credentials are waited for */
    es_decoder_t *decoder;   /* of words; made when needed */
    es_dead_letters_t *dead; /* or NULL */
    int16_t *scratch[2];     /* for resampling, in and out; bytes below */
    size_t scratch_size[2];
} es_client_env_t;
/* Frees the memory behind it. */
void es_client_env_fini(es_client_env_t *env);
/* Where *broker is no longer the one for this key: says CLOSE to it and begins the stream anew at the one that is. True: it moved. */
bool es_client_env_rebroker(es_client_env_t *env, es_span_t key, es_sender_t *sender, int *broker);

/* How a protocol speaks. Functions may use everything below but es_client_destroy. */
typedef struct {
    void (*open)(es_client_t *client, const char *query);
    void (*fini)(es_client_t *client);
    void (*chunk)(es_client_t *client, const void *data, size_t len); /* checked: even, not empty, not too large */
    void (*text)(es_client_t *client, const char *text, size_t len);  /* valid UTF-8 */
    void (*refuse)(es_client_t *client, const es_refusal_t *why);
    void (*final)(es_client_t *client, const es_msg_t *final, const void *words, size_t len);
    void (*partial)(es_client_t *client, const es_msg_t *partial);
    void (*marked)(es_client_t *client, uint64_t seq);
    void (*done)(es_client_t *client); /* the stream is over and gone */
    /* It is a stranger, and is to say who it is. May be NULL. */
    void (*strange)(es_client_t *client);
    /* It has said who it is: first, or again. */
    void (*known)(es_client_t *client);
    /* Its new token gives these rights no more, or others in rooms: what it may not do any longer ends. */
    void (*rights)(es_client_t *client, unsigned lost);
    void (*waiting)(es_client_t *client, uint64_t place);
    /* A room actor's answer on this client's key. What follows may be NULL. */
    void (*answer)(es_client_t *client, const es_msg_t *msg, const void *body, size_t len);
    /* Whole frames that wait for it beside client->out and lie together; 0: none. */
    size_t (*pending)(es_client_t *client, const uint8_t **out);
    /* The server goes down. True: the client was asked to go on elsewhere, and nothing is lost if it does. */
    bool (*move)(es_client_t *client);
    /* So many bytes of what pending gave are written; 0: some of client->out was. */
    void (*written)(es_client_t *client, size_t n);
} es_dialect_t;

typedef struct {
    uint64_t offset, chunks; /* of earlier streams; of this one */
    bool bad, partials;
    uint32_t rate;
    char language[ES_LANGUAGE_MAX + 1];
} es_flat_t;

/* Where an earlier connection's stream goes on: from session.resume until audio.start. */
typedef struct {
    uint64_t committed, pos;
    char stream[ES_SESSION_MAX + 1];
    size_t checkpoint_len;
    char checkpoint[ES_CHECKPOINT_MAX];
} es_resume_t;

typedef struct es_client_tokens es_client_tokens_t;
typedef struct es_mark es_mark_t;
typedef struct es_held es_held_t;
typedef struct {
    es_mark_t *marks, **marks_end; /* in order, oldest first */
    uint32_t marks_count;
    bool spoken;                    /* something came on this connection already */
    bool resumable;                 /* the client keeps what is not committed, and is told of every commit */
    uint16_t pending;               /* messages without room.said */
    struct es_membership *speaking; /* the room that the stream's words go to; NULL: none */
    es_held_t *held;                /* what is said of the stream once that room has its words; NULL: nothing */
    es_resume_t *resume;            /* NULL: nothing to go on with */
    char *stream;                   /* the last stream's name within the session; owned */
    uint64_t streams, messages;     /* streams begun; messages that were given a name here */
    uint64_t operations;            /* the highest number of those in rooms that it has left */
    es_rate_t say_rate, join_rate;
    struct es_viewer *viewer; /* what it watches of jobs and of the house; NULL: nothing yet */
} es_envelope_t;

/* Of a stranger. */
typedef struct {
    uint64_t known_by_us; /* its time is up then */
    char query[];         /* for dialect->open */
} es_opening_t;

struct es_client {
    char id[ES_CLIENT_ID_LEN + 1];
    bool throttled, closing, draining, flushing; /* flushing: env.flush was called for what waits */
    bool stopping, done;                         /* EOS was pushed; EOS is committed */
    bool moving;                                 /* it was asked to go on elsewhere */
    char session[ES_SESSION_LEN + 1];
    uint32_t fragments;                /* of the message that has not come whole */
    struct es_membership *memberships; /* in rooms */
    es_client_env_t *env;
    const es_dialect_t *dialect;
    void *transport; /* the server's */
    es_client_t *next;
    es_frame_buf_t out;
    uint8_t *in; /* a message that has not come whole */
    size_t in_len, in_cap;
    es_pace_t pace;
    uint8_t *parked;            /* a chunk that waits for room or for the end of the stream before it */
    uint32_t parked_len, held;  /* held: bytes, as counted in env->memory */
    es_principal_t *principal;  /* NULL: a stranger, or nobody is asked */
    es_principal_t *lender;     /* whose token opened what is everybody's; NULL: none did */
    es_client_tokens_t *tokens; /* that it shows in messages; NULL: none so far */
    es_opening_t *opening;      /* NULL: it is no stranger */
    es_client_t *older, *newer; /* strangers */
    es_timer_t timer;
    es_sender_t *sender;      /* NULL: no stream */
    es_stream_trace_t *trace; /* NULL: none */
    es_resampler_t *resampler;
    uint32_t rate;
    int broker;
    uint64_t epoch, pos; /* highest epoch of earlier streams; samples pushed to this one */
    union {
        es_flat_t flat;
        es_envelope_t envelope;
    };
};

/* id: ES_CLIENT_ID_LEN hex digits. guest: NULL, or the credentials that came along, taken over. The dialect greets once it is known who comes. */
es_client_t *es_client_new(es_client_env_t *env, const char *id, const es_dialect_t *dialect, const char *query,
                           es_guest_t *guest, void *transport);
/* Says CLOSE for its stream and frees everything. */
void es_client_destroy(es_client_t **self_p);

/* A piece of a message as it came. `left`: bytes of this frame still to come; last: no further frame of this message follows. Returns
 * ES_WS_FINE, or why to close, which is counted. */
es_ws_why_t es_client_piece(es_client_t *self, const void *data, size_t len, size_t left, bool last, bool binary);
/* It sent so many control frames. */
void es_client_control(es_client_t *self, uint64_t frames, uint64_t bytes);
/* Asks for a sign of life: a PONG. */
void es_client_ping(es_client_t *self);
/* A message from the house on this client's key, through this broker. */
void es_client_receive(es_client_t *self, int broker, const es_msg_t *msg, const void *body, size_t len);
/* A room actor's answer on this client's key. */
void es_client_answer(es_client_t *self, const es_msg_t *msg, const void *body, size_t len);
/* Its timer is due. */
void es_client_tick(es_client_t *self);
/* The brokers that live have changed: move the stream where its broker has. */
void es_client_rebroker(es_client_t *self);
/* Flush the stream, then close 1001; where there is none, at once. Who can go on elsewhere is asked to, and closed by es_client_part. */
void es_client_drain(es_client_t *self);
/* Those who were asked to go elsewhere have had their time: close 1001. */
void es_client_part(es_client_t *self);
/* Call about once a second: closes 1008 who has not said who it is in time, and whose credentials have expired. */
void es_client_check(es_client_t *self);
/* So much waits for it that its socket is not read: it does not read either. */
bool es_client_deaf(const es_client_t *self);
/* What to write next: whole frames, about `max` bytes, ES_FRAME_HEADROOM bytes before them are readable. 0: nothing waits. */
size_t es_client_next(es_client_t *self, size_t max, const uint8_t **out);
/* All that es_client_next gave was written. */
void es_client_written(es_client_t *self, size_t n);

/* ---- for dialects */

/* Compose a text message: append to &self->out between the two. */
size_t es_client_say(es_client_t *self);
void es_client_said(es_client_t *self, size_t place);

/* Something waits that es_client_next will give. */
void es_client_wake(es_client_t *self);
/* The same for what a room has for all its members, at the end of a turn. */
void es_client_push(es_client_t *self);
/* It reads too slowly: what waits is given up, and the connection closed 1013. */
void es_client_cull(es_client_t *self);

/* Whether this message, which text is, may be done now: it shows no signed token, or its turn has come. Else it comes again through dialect->text, or was refused
 * (client_token.c). */
bool es_client_token_passes(es_client_t *self, const es_client_says_t *says, const char *text, size_t len);
/* Who it is (client_access.c). False: it has not said so; then it may say nothing else. */
bool es_client_known(const es_client_t *self);
/* It has said something else: it is told what is wanted. ref: of what, "" where it was no message of a type. */
void es_client_want_credentials(es_client_t *self, const char *ref);
/* A token came in a message. Right: dialect->open, where it was a stranger, and dialect->known. Wrong: told, and closed 1008. */
void es_client_authenticate(es_client_t *self, const char *token);
/* True; or false, and it was told which right it lacks. room: empty where the right is for no room. ref: of what type of message. */
bool es_client_allowed(es_client_t *self, es_right_t right, es_span_t room, const char *ref);
/* Counts it and says so in why, for those who have more to say. */
void es_client_forbid(es_right_t right, es_span_t room, const char *ref, es_refusal_t *why);
/* Without telling. */
bool es_client_may(const es_client_t *self, es_right_t right, es_span_t room);
/* It watches what is everybody's by the right of this one, taken over: with that token it ends. */
void es_client_lend(es_client_t *self, es_principal_t *principal);
/* Appends ,"principal":"...","expires":... to what is being said; expires only where it does. */
void es_client_say_principal(es_client_t *self);
/* "" where nobody is asked. */
const char *es_client_principal(const es_client_t *self);

typedef struct {
    uint32_t rate;
    const char *language; /* "" or NULL: the server's */
    bool partials;
    /* A stream of an earlier connection goes on after these frames; all zero: a new one. */
    uint64_t committed, pos;
    es_span_t checkpoint;
} es_client_start_t;

/* The stream (client_stream.c). Begin one; there must be none. */
void es_client_stream_begin(es_client_t *self, const es_client_start_t *start);
/* Push a chunk; returns its seq, or 0: it is parked and comes again through dialect->chunk. */
uint64_t es_client_stream_push(es_client_t *self, const void *data, size_t len);
/* Push EOS with what the resampler still holds. Idempotent. */
void es_client_stream_end(es_client_t *self);
uint64_t es_client_stream_mark(es_client_t *self);
/* Keep this chunk until the stream is over. */
void es_client_park(es_client_t *self, const void *data, size_t len);

/* ---- between client.c, client_in.c, client_stream.c, client_access.c and client_token.c */
/* A message with a token waits for its turn. */
bool es_client_token_waits(const es_client_t *self);
void es_client_tokens_drop(es_client_t *self);
void es_client_stream_drop(es_client_t *self);
/* Its stream, which there is, takes no more audio now. */
bool es_client_stream_full(const es_client_t *self);
/* Counts, and closes once what waits is written. Nothing is said any more; a second call does nothing. */
void es_client_close(es_client_t *self, es_ws_why_t why);
/* Does what follows from whatever has just happened. */
void es_client_settle(es_client_t *self);
/* A client that is new, with what came along. */
void es_client_enter(es_client_t *self, es_guest_t *guest, const char *query);
void es_client_leave(es_client_t *self);

#endif
