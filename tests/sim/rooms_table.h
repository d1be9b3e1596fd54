/* What the simulation stores of rooms, behind room_store.h. */
#ifndef ES_ROOMS_TABLE_H
#define ES_ROOMS_TABLE_H

#include "room_store.h"
#include "rooms_plan.h"

typedef struct row {
    es_room_event_t event;
    bool dropped; /* given up above the floor */
    char text[];
} row_t;

typedef struct log {
    struct log *older; /* what was wiped; kept for those who saw it */
    es_room_log_t at;
    void **rows; /* row_t: all that ever were; [rseq - 1] */
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

/* What is stored of a room. */
typedef struct {
    log_t *log;
    uint64_t term;
    seat_t seats[CLIENTS];
    captions_t captions[CLIENTS * STREAMS];
    size_t captions_n;
} table_t;

typedef struct change {
    struct change *next;
    enum { CHANGE_CLAIM, CHANGE_APPEND, CHANGE_CAPTION, CHANGE_SEAT, CHANGE_UNSEAT, CHANGE_FLOOR, CHANGE_DROP } kind;
    int room;
    uint64_t number; /* floor, or what is dropped */
    seat_t seat;
    captions_t captions;
    row_t *row; /* its own */
} change_t;

/* An actor's way to the store: what its turn has changed, not committed yet. */
struct es_room_store {
    struct sim *sim;
    int actor;
    bool failed; /* this turn is lost */
    change_t *first, **end;
};

/* rooms_store.c; the rest of it is room_store.h */
row_t *row_new(const es_room_event_t *event);
row_t *store_row(const log_t *log, uint64_t rseq); /* NULL: never was */
bool store_gave_up(const log_t *log, uint64_t rseq);
const log_t *store_log(const struct sim *sim, int room, uint64_t log); /* wiped ones too */
void store_apply_turn(es_room_store_t *self);
void store_forget_turn(es_room_store_t *self);
void store_wipe(struct sim *sim, int room);
void store_fini(struct sim *sim);

#endif
