#include "room_actor.h"

#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>

#include "actor_link.h"
#include "health.h"
#include "log.h"
#include "metrics_page.h"
#include "room_metrics.h"
#include "runner.h"
#include "wire.h"

enum { METRICS_US = 500000 };
static const uint64_t tick_us = 1000;    /* under load, gather requests for at most this long: they share a commit */
static const uint64_t drain_us = 300000; /* what is on its way to us when the brokers hear that we drain */
static const uint64_t forget_min_ms = 7200000; /* an open room is touched every ten minutes */

typedef struct {
    const es_room_config_t *config;
    es_loop_t *loop;
    es_actor_link_t *link;
    es_room_store_t *store;
    es_room_shared_t shared;
    es_rooms_t *rooms;
    es_room_figures_t told;
    uint64_t failing_us; /* since when nothing could be stored; 0: all is well */
    uint64_t metrics_us; /* when they are told next */
    uint64_t end_us;     /* when draining is over; 0: not asked to end */
} actor_t;

static uint64_t random_log(void)
{
    uint64_t log = es_random_u64();
    return log ? log : 1;
}

static es_room_now_t at(uint64_t now_us)
{
    return (es_room_now_t){.us = now_us, .ms = es_wall_us() / 1000};
}

static void publish(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    actor_t *self = ctx;
    es_actor_link_publish(self->link, key, msg, body, len);
}

static bool on_message(void *ctx, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    actor_t *self = ctx;
    return es_rooms_message(self->rooms, key, msg, body, at(now_us));
}

/* A turn answers all that it has taken, so nothing is ever waiting when somebody looks. */
static void on_figures(void *ctx, es_actor_figures_t *out, uint64_t now_us)
{
    actor_t *self = ctx;
    es_rooms_stats_t stats;
    (void)now_us;
    es_rooms_stats(self->rooms, &stats);
    out->load = stats.open;
    out->count = stats.requests;
}

/* Late only as long as it goes on: a turn that failed alone was asked for again. */
static void tell_health(actor_t *self, const es_room_figures_t *now, uint64_t now_us)
{
    bool failed = now->store.failed > self->told.store.failed;
    if (now->store.commits > self->told.store.commits) self->failing_us = 0;
    if (failed && !self->failing_us) self->failing_us = now_us;
    uint64_t lag_us = failed ? now_us - self->failing_us : 0;
    if (failed || !self->failing_us)
        es_health_lag(ES_HEALTH_STORE, lag_us, "nothing could be stored for rooms for %.1f s: see the log",
                      (double)lag_us / 1e6);
    es_health_say("%llu rooms, %llu members", (unsigned long long)now->rooms.open,
                  (unsigned long long)now->rooms.members);
}

static void tell_metrics(actor_t *self, uint64_t now_us)
{
    es_room_figures_t now = {.room = self->shared.stats};
    es_room_store_stats(self->store, &now.store);
    es_rooms_stats(self->rooms, &now.rooms);
    tell_health(self, &now, now_us);
    es_room_metrics_tell(&self->told, &now);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    actor_t *self = ctx;
    uint64_t next = es_rooms_tick(self->rooms, at(now_us));
    if (now_us >= self->metrics_us) {
        tell_metrics(self, now_us);
        self->metrics_us = now_us + METRICS_US;
    }
    if (self->end_us && now_us >= self->end_us) es_loop_stop(self->loop);
    return self->end_us && self->end_us < next ? self->end_us : next;
}

static void on_flush(void *ctx)
{
    es_rooms_flush(((actor_t *)ctx)->rooms);
}

static void on_term(void *ctx, uint64_t now_us)
{
    actor_t *self = ctx;
    es_log_info("draining");
    es_actor_link_drain(self->link);
    self->end_us = now_us + drain_us;
}

static void warn_of_memory(const char *data)
{
    struct statfs fs;
    if (statfs(data, &fs) == 0 && fs.f_type == TMPFS_MAGIC)
        es_log_warn("the rooms' file is in memory and ends with the machine: choose a --data on a disk",
                    ES_S("data", data));
}

static int open_store(actor_t *self)
{
    char path[1024], err[1536];
    const es_room_config_t *config = self->config;
    snprintf(path, sizeof path, "%s/rooms.db", config->common.data);
    es_room_store_config_t store = es_room_store_defaults(path);
    store.dedup_ms = config->dedup_us / 1000;
    store.forget_ms = config->age_us / 1000 > forget_min_ms ? config->age_us / 1000 : forget_min_ms;
    self->store = es_room_store_open(&store, err, sizeof err);
    if (!self->store) es_log_error("cannot start: the rooms' file cannot be used", ES_S("error", err));
    return self->store ? 0 : -1;
}

static void make_rooms(actor_t *self)
{
    const es_room_config_t *config = self->config;
    es_rooms_config_t rooms = es_rooms_defaults(random_log);
    es_room_shared_init(&self->shared, es_random_u64());
    self->shared.grace_us = config->grace_us;
    self->shared.silence_us = config->silence_us;
    self->shared.history = config->history;
    self->shared.age_ms = config->age_us / 1000;
    self->shared.members_max = config->max_members;
    self->shared.text_max = config->max_text;
    rooms.max_rooms = config->max_rooms;
    self->rooms = es_rooms_new(&rooms, &self->shared, self->store, publish, self);
}

static int start(actor_t *self)
{
    static const es_actor_link_ops_t ops = {.message = on_message, .figures = on_figures};
    const es_common_config_t *common = &self->config->common;
    es_actor_link_config_t link = {.name = common->name,
                                   .service = ES_ROOM_SERVICE,
                                   .brokers = common->broker,
                                   .capacity = (uint32_t)self->config->max_rooms};
    if (open_store(self) != 0) return -1;
    make_rooms(self);
    self->link = es_actor_link_new(&link, &ops, self);
    if (!self->link) return -1;
    es_loop_add_tick(self->loop, on_tick, self);
    es_loop_add_flush(self->loop, on_flush, self); /* before the link's: what is committed leaves in the same turn */
    es_actor_link_attach(self->link, self->loop);
    warn_of_memory(common->data);
    es_log_info("serving", ES_S("file", "rooms.db"), ES_U("capacity", link.capacity));
    return 0;
}

void es_room_actor(zsock_t *pipe, void *args)
{
    actor_t self = {.config = args, .loop = es_loop_new()};
    es_log_actor(self.config->common.name);
    es_metrics_register(es_room_metrics());
    es_metrics_register(es_actor_link_metrics());
    es_loop_set_tick(self.loop, tick_us);
    if (start(&self) == 0) {
        es_actor_link_on_drain(self.link, es_runner_drain, es_runner_watch_pipe(self.loop, pipe, on_term, &self));
        zsock_signal(pipe, 0);
        es_loop_run(self.loop);
        es_rooms_flush(self.rooms);
        tell_metrics(&self, es_now_us());
    } else {
        es_runner_fail(pipe);
    }
    es_actor_link_destroy(&self.link);
    es_rooms_destroy(&self.rooms);
    es_room_store_close(&self.store);
    es_room_shared_fini(&self.shared);
    es_loop_destroy(&self.loop);
}
