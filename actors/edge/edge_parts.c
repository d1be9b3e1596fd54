#include "edge_files.h"
#include "edge_limits.h"
#include "edge_state.h"
#include "jobs/edge_jobs.h"
#include "log.h"
#include "rooms/edge_rooms.h"
#include "wire.h"

/* ---- what clients live in */

static int env_broker(void *ctx, es_span_t key)
{
    es_edge_t *self = ctx;
    return es_sender_link_broker(self->link, key);
}

static void env_send(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    es_edge_t *self = ctx;
    self->work++;
    es_sender_link_send(self->link, broker, key, msg, body, len); /* loss is counted there and mended by the sender */
}

static void env_flush(void *ctx, es_client_t *client)
{
    (void)ctx;
    if (client->transport) es_server_flush(client->transport);
}

static void env_push(void *ctx, es_client_t *client)
{
    (void)ctx;
    if (client->transport) es_server_push(client->transport);
}

static void env_throttle(void *ctx, es_client_t *client, bool stop)
{
    (void)ctx;
    es_server_throttle(client->transport, stop);
}

static void env_close(void *ctx, es_client_t *client, unsigned code, const char *reason)
{
    (void)ctx;
    es_server_close(client->transport, code, reason);
}

static void env_random_hex(void *ctx, char *out, size_t digits)
{
    (void)ctx;
    es_random_hex(out, digits);
}

static void request_send(void *ctx, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    es_edge_t *self = ctx;
    self->work++;
    es_sender_link_send(self->link, es_sender_link_broker(self->link, key), key, msg, body, len);
}

static void house_subscribe(void *ctx, es_span_t key, bool on)
{
    es_edge_t *self = ctx;
    es_sender_link_subscribe(self->link, key, on);
}

/* ---- start */

void es_edge_settle_env(es_edge_t *self)
{
    self->env = (es_client_env_t){.ctx = self,
                                  .limits = es_edge_client_limits(self->config),
                                  .memory = {.limit = self->config->stream_memory},
                                  .broker = env_broker,
                                  .send = env_send,
                                  .flush = env_flush,
                                  .push = env_push,
                                  .throttle = env_throttle,
                                  .close = env_close,
                                  .random_hex = env_random_hex};
    es_random_hex(self->prefix, ES_PREFIX_LEN);
}

int es_edge_start_rooms(es_edge_t *self)
{
    const es_edge_rooms_limits_t limits = {.max_rooms = self->config->max_rooms,
                                           .max_room_members = self->config->max_room_members,
                                           .backlog = self->config->room_backlog};
    const es_edge_rooms_ops_t ops = {.ctx = self, .send = request_send, .subscribe = house_subscribe};
    if (es_edge_load_session_key(self->config, &self->env.session_key)) return -1;
    self->env.rooms = es_edge_rooms_new(&limits, &ops, &self->env, es_sender_link_key(self->link));
    return 0;
}

int es_edge_start_jobs(es_edge_t *self)
{
    const es_edge_jobs_ops_t ops = {.ctx = self, .send = request_send, .subscribe = house_subscribe};
    char err[1400];
    self->env.jobs = es_edge_jobs_new(self->config, &ops, &self->env, es_sender_link_key(self->link), err, sizeof err);
    if (self->env.jobs) return 0;
    es_log_error(err);
    return -1;
}

int es_edge_start_access(es_edge_t *self)
{
    char err[1400];
    if (!es_access_init(&self->access, self->config, es_edge_jobs_operator(self->env.jobs), &self->env, err,
                        sizeof err))
        return 0;
    es_log_error(err);
    return -1;
}

void es_edge_start_uploads(es_edge_t *self)
{
    const es_uploads_config_t limits = es_edge_upload_limits(self->config);
    const es_uploads_ops_t ops = {.ctx = self, .subscribe = house_subscribe};
    self->uploads = es_uploads_new(&limits, &ops, &self->env, es_edge_jobs_asks(self->env.jobs), self->prefix);
    es_uploads_routes(self->uploads, es_edge_http_router(self->http));
}
