/* Glue: the server in front, the link behind, the clients between. */
#include "edge_actor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "edge_files.h"
#include "edge_limits.h"
#include "edge_metrics.h"
#include "edge_state.h"
#include "envelope_ws.h"
#include "flat.h"
#include "health.h"
#include "http/descriptors.h"
#include "jobs/edge_jobs.h"
#include "log.h"
#include "rooms/edge_rooms.h"
#include "stream_letter.h"
#include "wire.h"

enum { SECOND = 1000000, MOVE_US = 800000, ID_DIGITS = ES_CLIENT_ID_LEN - ES_PREFIX_LEN, TIMERS_A_TURN = 4096 };

/* ---- what the server asks */

static const es_dialect_t *dialect_of(const char *path)
{
    return !strcmp(path, "/api/audio/ws") ? &es_flat : !strcmp(path, "/ws") ? &es_envelope_ws : NULL;
}

static unsigned http_admit(void *ctx, const es_http_exchange_t *x, const char *path, const char *origin,
                           const char *host, es_guest_t **guest)
{
    es_edge_t *self = ctx;
    es_metric_t *counter = NULL;
    unsigned status = 0;
    if (!dialect_of(path)) {
        counter = &es_edge_path_refused;
        status = 404;
    } else if (self->draining) {
        counter = &es_edge_drain_refused;
        status = 503;
    } else if (self->banned) {
        counter = &es_edge_key_refused;
        status = 503;
    } else if (self->clients.count >= self->config->max_clients) {
        counter = &es_edge_full_refused;
        status = 503;
        es_log_warn("a client is refused: --max-clients are connected", ES_U("max_clients", self->config->max_clients));
    }
    if (counter) es_metric_add(counter, 1);
    if (!status) status = es_access_admit(&self->access, x, origin, host, guest);
    if (!status) es_guest_trace(guest, x);
    return status;
}

static es_client_t *server_open(void *ctx, const char *path, const char *query, es_guest_t *guest, void *transport)
{
    es_edge_t *self = ctx;
    char id[ES_CLIENT_ID_LEN + 1] = {0};
    const es_dialect_t *dialect = dialect_of(path);
    if (!dialect) {
        es_guest_destroy(&guest);
        return NULL;
    }
    memcpy(id, self->prefix, ES_PREFIX_LEN);
    do es_random_hex(id + ES_PREFIX_LEN, ID_DIGITS);
    while (es_clients_find(&self->clients, es_span_of(id, ES_CLIENT_ID_LEN)));
    es_client_t *client = es_client_new(&self->env, id, dialect, query, guest, transport);
    es_clients_add(&self->clients, client);
    es_metric_set(&es_edge_clients, self->clients.count);
    return client;
}

static void server_gone(void *ctx, es_client_t *client)
{
    es_edge_t *self = ctx;
    es_clients_remove(&self->clients, client);
    es_client_destroy(&client);
    es_metric_set(&es_edge_clients, self->clients.count);
}

static void http_adopt(void *ctx, int fd, const char *bytes, size_t len, void *peer, es_guest_t *guest)
{
    es_edge_t *self = ctx;
    es_server_adopt(self->server, fd, bytes, len, peer, guest);
}

static void server_left(void *ctx, void *peer)
{
    es_edge_t *self = ctx;
    if (self->http) es_edge_http_left(self->http, peer);
}

static int server_socket(void *ctx, int adopted)
{
    es_edge_t *self = ctx;
    return es_edge_http_socket(self->http, adopted);
}

static const char *unready(void *ctx)
{
    es_edge_t *self = ctx;
    if (self->draining) return "this edge is going down";
    if (self->banned) return "every broker refuses this edge's key: is it allowed there? earshot keys list";
    if (!es_sender_link_ready(self->link))
        return "no probe through a broker has come back within 3 s; is a broker running?";
    return NULL;
}

/* ---- what the house says */

static void link_message(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len,
                         uint64_t now_us)
{
    es_edge_t *self = ctx;
    es_span_t room;
    (void)now_us;
    self->work++;
    if (msg->kind == ES_JOB_NEWS) es_uploads_news(self->uploads, key);
    es_client_t *client = es_clients_find(&self->clients, key);
    if (client && es_room_is_answer(msg->kind))
        es_client_answer(client, msg, body, len);
    else if (client)
        es_client_receive(client, broker, msg, body, len);
    else if (es_uploads_receive(self->uploads, broker, key, msg, body, len))
        return;
    else if (msg->kind == ES_ROOM_NEWS && es_room_of_key(key, &room))
        es_edge_rooms_news(self->env.rooms, room, msg, body, len);
    else if (es_room_is_answer(msg->kind) && es_span_eq(key, es_span(es_sender_link_key(self->link))))
        es_edge_rooms_answer(self->env.rooms, msg, body, len);
    else if (!es_edge_jobs_message(self->env.jobs, key, msg, body, len))
        es_metric_add(&es_edge_deaf, 1);
}

static void link_beacon(void *ctx, es_span_t key, const es_msg_t *msg, es_span_t body, uint64_t now_us)
{
    es_edge_t *self = ctx;
    (void)msg;
    (void)now_us;
    es_edge_jobs_beacon(self->env.jobs, key, body);
}

static void link_changed(void *ctx, uint64_t now_us)
{
    es_edge_t *self = ctx;
    (void)now_us;
    es_clients_do(&self->clients, es_client_rebroker);
    es_uploads_rebroker(self->uploads);
    es_edge_rooms_brokers_changed(self->env.rooms);
}

/* The turn does the rest, as for "$TERM". */
static void link_drain(void *ctx, uint64_t now_us)
{
    es_edge_t *self = ctx;
    (void)now_us;
    if (self->asked) return;
    self->asked = true;
    es_runner_leaving(self->pipe);
}

/* ---- time */

static void on_pipe(es_edge_t *self, uint64_t now_us)
{
    while (zsock_events(self->pipe) & ZMQ_POLLIN) {
        char *command = zstr_recv(self->pipe);
        bool over = !command;
        self->asked = self->asked || over || !strcmp(command, "$TERM");
        if (!over && !strcmp(command, ES_RUNNER_RELOAD)) es_edge_http_reload(self->http);
        zstr_free(&command);
        if (over) break;
    }
    if (!self->asked || self->draining) return;
    self->draining = true;
    es_health_unready("this edge is going down");
    self->drain_until = now_us + self->config->drain_us;
    self->part_at = now_us + (self->config->drain_us < MOVE_US ? self->config->drain_us : MOVE_US);
    es_log_info("draining", ES_U("clients", self->clients.count), ES_U("streams", es_metric_get(&es_edge_streams)));
    es_clients_do(&self->clients, es_client_drain);
    es_uploads_drain(self->uploads);
    es_edge_http_drain(self->http, now_us);
}

static void each_second(void *ctx, es_client_t *client)
{
    es_edge_t *self = ctx;
    if (client->sender) {
        es_sender_stats_t stats;
        es_sender_stats(client->sender, &stats);
        if (stats.oldest_us && (!self->oldest_us || stats.oldest_us < self->oldest_us))
            self->oldest_us = stats.oldest_us;
    }
    if (client->throttled) es_client_tick(client); /* others may have made room */
    es_client_check(client);
    es_server_care(client, self->env.now_us);
}

static void send_away(es_client_t *client)
{
    es_client_close(client, ES_WS_AWAY);
}

/* A broker that refuses our key is not one that is away for a moment: who stays here waits for nothing. */
static void look_at_key(es_edge_t *self)
{
    self->banned = es_sender_link_refused(self->link);
    if (self->banned) es_clients_do(&self->clients, send_away);
}

static void report(es_edge_t *self, uint64_t now_us)
{
    look_at_key(self);
    self->next_second = now_us + SECOND;
    self->oldest_us = 0;
    es_clients_each(&self->clients, each_second, self);
    es_crowd_look(&self->crowd, self->clients.count + es_metric_get(&es_edge_http_connections));
    es_metric_set(&es_edge_stream_memory, self->env.memory.held);
    uint64_t lag = self->oldest_us && self->oldest_us < now_us ? now_us - self->oldest_us : 0;
    es_metric_set(&es_edge_lag_us, lag);
    es_edge_tell_health(lag, es_sender_link_workers(self->link));
    es_sender_link_report(self->link, self->config->common.name, es_metric_get(&es_edge_streams),
                          es_metric_get(&es_edge_frames), lag);
}

static void run_timers(es_edge_t *self, uint64_t now_us)
{
    es_timer_t *timer;
    for (int i = 0; i < TIMERS_A_TURN && (timer = es_timers_due(&self->env.timers, now_us)); i++)
        es_client_tick((es_client_t *)((char *)timer - offsetof(es_client_t, timer)));
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void loop_woke(void *ctx, uint64_t now_us)
{
    es_edge_t *self = ctx;
    self->env.now_us = now_us;
    self->env.wall_ms = es_wall_us() / 1000;
}

/* What a turn has for the brokers leaves together. */
static void loop_flush(void *ctx)
{
    es_edge_t *self = ctx;
    es_sender_link_flush(self->link);
}

static bool idle(const es_edge_t *self)
{
    return !self->clients.count && !es_edge_http_busy(self->http);
}

static uint64_t loop_turn(void *ctx, uint64_t now_us, unsigned *work)
{
    es_edge_t *self = ctx;
    loop_woke(self, now_us);
    bool more = es_sender_link_drain(self->link, ES_LOOP_BATCH, now_us);
    uint64_t next = es_sender_link_tick(self->link, now_us);
    run_timers(self, now_us);
    next = earliest(next, es_edge_rooms_turn(self->env.rooms));
    next = earliest(next, es_edge_jobs_turn(self->env.jobs));
    next = earliest(next, es_uploads_turn(self->uploads));
    if (now_us >= self->next_second) report(self, now_us);
    on_pipe(self, now_us);
    next = earliest(next, es_edge_http_turn(self->http, now_us));
    if (self->draining && (idle(self) || now_us >= self->drain_until)) es_edge_loop_stop(self->loop);
    if (self->part_at && now_us >= self->part_at) {
        self->part_at = 0;
        es_clients_do(&self->clients, es_client_part);
    }
    if (self->draining) next = earliest(next, self->part_at ? self->part_at : self->drain_until);
    next = earliest(next, earliest(es_timers_next(&self->env.timers), self->next_second));
    *work = self->work;
    self->work = 0;
    loop_flush(self);
    return more ? 0 : next;
}

/* ---- start and end */

static void watch_house(es_edge_t *self)
{
    void *sockets[ES_EDGE_LOOP_FDS - 2];
    int n = es_sender_link_sockets(self->link, sockets, ES_EDGE_LOOP_FDS - 2);
    for (int i = 0; i < n; i++) es_edge_loop_watch_socket(self->loop, sockets[i]);
    es_edge_loop_watch_socket(self->loop, zsock_resolve(self->pipe));
}

static int start(es_edge_t *self)
{
    static const es_sender_link_ops_t link_ops = {
        .message = link_message, .changed = link_changed, .beacon = link_beacon, .drain = link_drain};
    const es_edge_loop_ops_t loop_ops = {.ctx = self, .woke = loop_woke, .flush = loop_flush, .turn = loop_turn};
    const es_edge_http_ops_t http_ops = {.ctx = self, .unready = unready, .admit = http_admit, .adopt = http_adopt};
    const es_server_ops_t server_ops = {
        .ctx = self, .open = server_open, .gone = server_gone, .left = server_left, .socket = server_socket};
    const es_server_limits_t server_limits = es_edge_server_limits(self->config);
    char err[512];
    es_edge_settle_env(self);
    loop_woke(self, es_now_us());
    self->env.dead = es_stream_letters(self->config);
    self->link = es_sender_link_new(self->config->common.broker, self->prefix, &link_ops, self);
    if (!self->link || es_edge_start_rooms(self) || es_edge_start_jobs(self) || es_edge_start_access(self)) return -1;
    self->loop = es_edge_loop_new(&loop_ops, self->config->tick_us);
    if (self->loop) self->server = es_server_new(&server_ops, &server_limits, es_edge_loop_handle(self->loop));
    if (!self->server) return -1;
    self->http = es_edge_http_new(&http_ops, self->config, self->loop);
    es_edge_http_guard(self->http, &self->access);
    es_edge_jobs_add_routes(self->env.jobs, es_edge_http_router(self->http));
    es_edge_start_uploads(self);
    if (es_edge_http_listen(self->http, err, sizeof err)) {
        es_log_error(err);
        return -1;
    }
    watch_house(self);
    const char *url = es_edge_http_url(self->http);
    if (es_edge_write_address(self->config->addr_file, url)) return -1;
    es_log_info("listening", ES_S("url", url));
    es_edge_jobs_listening(self->env.jobs, url);
    return 0;
}

static void finish(es_edge_t *self)
{
    if (self->clients.count)
        es_log_warn("clients cut off at the end of --drain-timeout", ES_U("clients", self->clients.count));
    es_edge_http_destroy(&self->http);
    es_uploads_destroy(&self->uploads);
    es_server_destroy(&self->server);
    es_edge_loop_destroy(&self->loop);
    es_clients_fini(&self->clients);
    es_edge_rooms_destroy(&self->env.rooms);
    es_edge_jobs_destroy(&self->env.jobs);
    es_access_fini(&self->access);
    es_dead_letters_destroy(&self->env.dead);
    es_client_env_fini(&self->env);
    es_sender_link_destroy(&self->link);
}

void es_edge_actor(zsock_t *pipe, void *args)
{
    es_edge_t *self = es_alloc_zero(sizeof *self);
    es_descriptors_share(args);
    self->config = args;
    self->pipe = pipe;
    es_log_actor(self->config->common.name);
    if (start(self)) {
        es_runner_fail(pipe);
    } else {
        zsock_signal(pipe, 0);
        es_edge_loop_run(self->loop);
    }
    finish(self);
    free(self);
}
