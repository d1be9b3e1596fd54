#include "rooms.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "alloc.h"
#include "log.h"
#include "map.h"
#include "ring.h"

#define SECOND UINT64_C(1000000)
#define TOUCH_US (600 * SECOND) /* so often the store hears that an open room is still had */

enum {
    LOOK_US = 250000,     /* between two looks through all rooms */
    TRIM_US = 10000000,   /* between two looks for rows to delete */
    TRIM_MORE_US = 50000, /* while there are more */
    TRIM_ROWS = 1000,     /* deleted at once: a few milliseconds */
    UNLOADED_A_LOOK = 256
};

typedef struct open_room {
    es_rooms_t *rooms;
    es_room_t *room;
    es_room_hold_t hold;
    TAILQ_ENTRY(open_room) in_open;
    struct open_room *next; /* touched in this turn */
    bool touched;
    bool entered; /* writes in this turn; its term was looked at */
    bool said;    /* something waits to be published */
    bool lost;
    uint64_t due_us;   /* when it wants to be called */
    uint64_t used_us;  /* last request, or last look at which it had members */
    uint64_t touch_us; /* when to tell the store that we have it */
} open_room_t;

typedef struct {
    open_room_t *of;
    es_msg_t msg;
    size_t key_len, len;
    char data[]; /* key, body */
} waiting_t;

struct es_rooms {
    es_rooms_config_t config;
    es_room_shared_t *shared;
    es_room_store_t *store;
    es_rooms_publish_fn publish;
    void *ctx;
    es_map_t *by_id;
    TAILQ_HEAD(, open_room) open;
    open_room_t *touched;
    es_ring_t waiting; /* to be said after the commit */
    size_t waiting_bytes;
    es_room_now_t now;
    uint64_t look_us, trim_us, evict_us; /* when next */
    es_rooms_stats_t stats;
};

es_rooms_config_t es_rooms_defaults(uint64_t (*random)(void))
{
    return (es_rooms_config_t){.max_rooms = 10000, .idle_us = 60 * SECOND, .turn_bytes = 8u << 20, .random = random};
}

/* ---- what a room wants of the store */

static void judge(open_room_t *of, es_store_result_t result)
{
    if (result != ES_STORE_OK) of->lost = true;
}

/* May this room write? */
static bool enter(open_room_t *of)
{
    if (!of->entered) judge(of, es_room_store_enter(of->rooms->store, &of->hold));
    of->entered = true;
    return !of->lost;
}

static uint64_t on_said(void *ctx, es_span_t session, es_span_t msg_id)
{
    open_room_t *of = ctx;
    uint64_t rseq = 0;
    judge(of, es_room_store_said(of->rooms->store, &of->hold, session, msg_id, &rseq));
    return rseq;
}

static bool on_captioned(void *ctx, es_span_t session, es_span_t stream, uint64_t *until)
{
    open_room_t *of = ctx;
    bool known = false;
    judge(of, es_room_store_captioned(of->rooms->store, &of->hold, session, stream, &known, until));
    return known;
}

static void on_read(void *ctx, uint64_t from, uint64_t count, bool (*each)(void *arg, const es_room_event_t *event),
                    void *arg)
{
    open_room_t *of = ctx;
    judge(of, es_room_store_read(of->rooms->store, &of->hold, from, count, each, arg));
}

static uint64_t on_back(void *ctx, uint64_t to, uint64_t count)
{
    open_room_t *of = ctx;
    uint64_t from = 0;
    judge(of, es_room_store_back(of->rooms->store, &of->hold, to, count, &from));
    return from;
}

static void on_append(void *ctx, const es_room_event_t *event)
{
    open_room_t *of = ctx;
    if (enter(of)) es_room_store_append(of->rooms->store, &of->hold, event);
}

static void on_caption(void *ctx, es_span_t session, es_span_t stream, uint64_t until)
{
    open_room_t *of = ctx;
    if (enter(of)) es_room_store_caption(of->rooms->store, &of->hold, session, stream, until, of->rooms->now.ms);
}

static void on_seat(void *ctx, const es_room_seat_t *seat)
{
    open_room_t *of = ctx;
    if (enter(of)) es_room_store_seat(of->rooms->store, &of->hold, seat);
}

static void on_unseat(void *ctx, es_span_t session)
{
    open_room_t *of = ctx;
    if (enter(of)) es_room_store_unseat(of->rooms->store, &of->hold, session);
}

static void on_floor(void *ctx, uint64_t floor)
{
    (void)floor; /* settled with the log at the end of the turn */
    enter(ctx);
}

static void on_drop(void *ctx, uint64_t rseq)
{
    open_room_t *of = ctx;
    if (enter(of)) es_room_store_drop(of->rooms->store, &of->hold, rseq);
}

static void on_send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    open_room_t *of = ctx;
    waiting_t *waiting = es_alloc(sizeof *waiting + key.len + len);
    *waiting = (waiting_t){.of = of, .msg = *msg, .key_len = key.len, .len = len};
    memcpy(waiting->data, key.ptr, key.len);
    if (len > 0) memcpy(waiting->data + key.len, body, len);
    es_ring_push(&of->rooms->waiting, waiting);
    of->rooms->waiting_bytes += sizeof *waiting + len;
    of->said = true;
}

static const es_room_ops_t room_ops = {.said = on_said,
                                       .captioned = on_captioned,
                                       .read = on_read,
                                       .back = on_back,
                                       .append = on_append,
                                       .caption = on_caption,
                                       .seat = on_seat,
                                       .unseat = on_unseat,
                                       .floor = on_floor,
                                       .drop = on_drop,
                                       .send = on_send};

/* ---- rooms come and go */

static void touch(open_room_t *of)
{
    if (of->touched) return;
    of->touched = true;
    of->next = of->rooms->touched;
    of->rooms->touched = of;
}

static void unload(open_room_t *of)
{
    es_map_remove(of->rooms->by_id, es_room_id(of->room));
    TAILQ_REMOVE(&of->rooms->open, of, in_open);
    es_room_destroy(&of->room);
    free(of);
}

static void restore(void *arg, const es_room_seat_t *seat)
{
    open_room_t *of = arg;
    es_room_restore(of->room, seat, of->rooms->now);
}

/* NULL where the turn is lost. */
static open_room_t *load(es_rooms_t *self, es_span_t id)
{
    es_room_hold_t hold;
    if (es_room_store_claim(self->store, id, self->config.random(), self->now.ms, &hold) != ES_STORE_OK) return NULL;
    open_room_t *of = es_alloc_zero(sizeof *of);
    *of = (open_room_t){.rooms = self, .hold = hold, .entered = true, .touch_us = self->now.us + TOUCH_US};
    of->room = es_room_new(self->shared, id, &hold.log, &room_ops, of);
    es_map_put(self->by_id, es_room_id(of->room), of);
    TAILQ_INSERT_TAIL(&self->open, of, in_open);
    touch(of);
    judge(of, es_room_store_members(self->store, &hold, restore, of));
    self->stats.loaded++;
    return of;
}

/* Nobody is in it, and nothing of it is under way. */
static bool idle(const open_room_t *of)
{
    return es_room_members(of->room) == 0 && !of->touched;
}

static void unload_idle(es_rooms_t *self, uint64_t idle_us)
{
    open_room_t *next;
    size_t n = 0;
    for (open_room_t *of = TAILQ_FIRST(&self->open); of && n < UNLOADED_A_LOOK; of = next) {
        next = TAILQ_NEXT(of, in_open);
        if (!idle(of) || self->now.us < of->used_us + idle_us) continue;
        unload(of);
        n++;
    }
}

/* The room, loaded where it has to be. NULL: there is no place, or the turn is lost. */
static open_room_t *need(es_rooms_t *self, es_span_t id, const es_msg_t *msg)
{
    es_msg_t refusal;
    open_room_t *of = es_map_get(self->by_id, id);
    if (of) return of;
    if (es_map_count(self->by_id) >= self->config.max_rooms && self->now.us >= self->evict_us) {
        self->evict_us = self->now.us + LOOK_US;
        unload_idle(self, 0);
    }
    if (es_map_count(self->by_id) < self->config.max_rooms) return load(self, id);
    self->stats.too_many++;
    if (es_room_refusal(msg, id, ES_ROOM_TOO_MANY, &refusal)) self->publish(self->ctx, msg->client, &refusal, NULL, 0);
    return NULL;
}

/* ---- a turn */

bool es_rooms_message(es_rooms_t *self, es_span_t key, const es_msg_t *msg, es_span_t body, es_room_now_t now)
{
    es_span_t id;
    if (!es_room_is_request(msg->kind) || !es_room_of_key(key, &id)) return false;
    self->now = now;
    self->stats.requests++;
    if (self->look_us > now.us + LOOK_US) self->look_us = now.us + LOOK_US;
    open_room_t *of = need(self, id, msg);
    if (!of || of->lost) return true; /* it will be asked again */
    touch(of);
    of->used_us = now.us;
    of->due_us = now.us;
    es_room_message(of->room, msg, body, now);
    if (self->waiting_bytes > self->config.turn_bytes) {
        self->stats.early++;
        es_rooms_flush(self);
    }
    return true;
}

static void settle(es_rooms_t *self, open_room_t *of)
{
    if (of->lost) return;
    es_room_flush(of->room);
    es_room_log_t log = es_room_log(of->room);
    if (of->entered)
        es_room_store_settle(self->store, &of->hold, &log);
    else if (of->said)
        judge(of, es_room_store_holds(self->store, &of->hold));
}

static void publish_waiting(es_rooms_t *self, bool stored)
{
    waiting_t *waiting;
    while ((waiting = es_ring_pop(&self->waiting))) {
        const char *body = waiting->data + waiting->key_len;
        if (stored && !waiting->of->lost)
            self->publish(self->ctx, es_span_of(waiting->data, waiting->key_len), &waiting->msg, body, waiting->len);
        free(waiting);
    }
    self->waiting_bytes = 0;
}

static void end_turn(es_rooms_t *self, open_room_t *of, bool stored)
{
    of->touched = of->entered = of->said = false;
    if (stored && !of->lost) return;
    es_span_t id = es_room_id(of->room);
    if (stored) es_log_info("another actor has taken a room over", ES_B("room", id.ptr, id.len));
    self->stats.lost++;
    unload(of);
}

void es_rooms_flush(es_rooms_t *self)
{
    for (open_room_t *of = self->touched; of; of = of->next) settle(self, of);
    bool stored = es_room_store_commit(self->store) == ES_STORE_OK;
    publish_waiting(self, stored);
    while (self->touched) {
        open_room_t *of = self->touched;
        self->touched = of->next;
        end_turn(self, of, stored);
    }
}

/* ---- time */

/* The store takes a room that no actor has had for long for forgotten. */
static void keep(es_rooms_t *self, open_room_t *of)
{
    if (self->now.us < of->touch_us) return;
    touch(of);
    if (enter(of)) es_room_store_touch(self->store, &of->hold, self->now.ms);
    of->touch_us = self->now.us + TOUCH_US;
}

static void look(es_rooms_t *self)
{
    open_room_t *of;
    self->stats.members = 0;
    TAILQ_FOREACH(of, &self->open, in_open)
    {
        if (of->lost) continue;
        keep(self, of);
        if (self->now.us >= of->due_us) {
            touch(of);
            of->due_us = es_room_tick(of->room, self->now);
        }
        if (es_room_members(of->room) > 0) of->used_us = self->now.us;
        self->stats.members += es_room_members(of->room);
    }
    unload_idle(self, self->config.idle_us);
    self->look_us = es_map_count(self->by_id) ? self->now.us + LOOK_US : UINT64_MAX;
}

uint64_t es_rooms_tick(es_rooms_t *self, es_room_now_t now)
{
    self->now = now;
    if (now.us >= self->look_us) look(self);
    if (now.us >= self->trim_us) {
        uint64_t n = es_room_store_trim(self->store, now.ms, TRIM_ROWS);
        self->trim_us = now.us + (n < TRIM_ROWS ? TRIM_US : TRIM_MORE_US);
    }
    return self->look_us < self->trim_us ? self->look_us : self->trim_us;
}

/* ---- life */

es_rooms_t *es_rooms_new(const es_rooms_config_t *config, es_room_shared_t *shared, es_room_store_t *store,
                         es_rooms_publish_fn publish, void *ctx)
{
    es_rooms_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    self->shared = shared;
    self->store = store;
    self->publish = publish;
    self->ctx = ctx;
    self->by_id = es_map_new(shared->seed);
    TAILQ_INIT(&self->open);
    return self;
}

static void forget_waiting(es_rooms_t *self)
{
    waiting_t *waiting;
    while ((waiting = es_ring_pop(&self->waiting))) free(waiting);
    self->waiting_bytes = 0;
}

void es_rooms_destroy(es_rooms_t **self_p)
{
    es_rooms_t *self = *self_p;
    open_room_t *next;
    if (!self) return;
    *self_p = NULL;
    forget_waiting(self);
    es_ring_fini(&self->waiting);
    for (open_room_t *of = TAILQ_FIRST(&self->open); of; of = next) {
        next = TAILQ_NEXT(of, in_open);
        unload(of);
    }
    es_map_destroy(&self->by_id);
    free(self);
}

void es_rooms_stats(const es_rooms_t *self, es_rooms_stats_t *out)
{
    *out = self->stats;
    out->open = es_map_count(self->by_id);
}
