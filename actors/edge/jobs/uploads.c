#include "uploads.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "json_fields.h"
#include "keymap.h"
#include "upload.h"

enum { ID_DIGITS = ES_CLIENT_ID_LEN - ES_PREFIX_LEN, TIMERS_A_TURN = 1024 };
#define ALLOWANCE_MAX ((size_t)2 * ES_UPLOAD_COMMIT) /* that a sender retains */

es_uploads_t *es_uploads_new(const es_uploads_config_t *config, const es_uploads_ops_t *ops, es_client_env_t *env,
                             es_asks_t *asks, const char *prefix)
{
    es_uploads_t *self = es_alloc_zero(sizeof *self);
    self->config = *config;
    self->ops = *ops;
    self->env = env;
    self->asks = asks;
    self->prefix = prefix;
    self->by_key = es_keymap_new();
    self->seats = es_seats_new();
    return self;
}

void es_uploads_destroy(es_uploads_t **self_p)
{
    es_uploads_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    assert(!es_keymap_count(self->by_key));
    es_keymap_destroy(&self->by_key);
    es_seats_destroy(&self->seats);
    es_timers_fini(&self->timers);
    free(self);
}

static void upload(void *ctx, es_http_exchange_t *x, const es_span_t ids[ES_HTTP_IDS])
{
    es_uploads_t *self = ctx;
    es_upload_begin(self, x, ids[0], self->config.all_sync);
}

static void upload_sync(void *ctx, es_http_exchange_t *x, const es_span_t ids[ES_HTTP_IDS])
{
    es_upload_begin(ctx, x, ids[0], true);
}

void es_uploads_routes(es_uploads_t *self, es_http_router_t *router)
{
    static const es_http_route_t routes[] = {{"POST", "/session/{id}/upload", upload, ES_RIGHT_JOBS},
                                             {"POST", "/session/{id}/upload-sync", upload_sync, ES_RIGHT_JOBS},
                                             {0}};
    es_http_router_add(router, routes, self);
}

static es_span_t key_of(const es_upload_t *one)
{
    return es_span_of(one->key, ES_CLIENT_ID_LEN);
}

static int sit(es_uploads_t *self, const char *name, es_seat_t **out)
{
    if (!self->config.max_each || !*name) return 0;
    es_seat_t *seat = es_seats_take(self->seats, name);
    if (seat->uploads >= self->config.max_each) {
        es_seats_give_back(self->seats, seat);
        return -1;
    }
    seat->uploads++;
    *out = seat;
    return 0;
}

/* No subject has an address for its name. */
int es_uploads_sit(es_uploads_t *self, es_upload_t *one, es_refusal_t *why)
{
    if (sit(self, es_http_peer(one->x), &one->of_address))
        return es_json_refuse(why, "too_many_of_address",
                              "Your address has %" PRIu64
                              " uploads under way, as many as one may (--max-address-uploads); try again in a moment.",
                              self->config.max_each);
    if (sit(self, es_http_principal(one->x), &one->of_subject))
        return es_json_refuse(why, "too_many_of_subject",
                              "The subject of your token has %" PRIu64
                              " uploads under way, as many as one may (--max-address-uploads); try again in a moment.",
                              self->config.max_each);
    return 0;
}

static void leave(es_uploads_t *self, es_seat_t **seat_p)
{
    if (!*seat_p) return;
    (*seat_p)->uploads--;
    es_seats_give_back(self->seats, *seat_p);
    *seat_p = NULL;
}

void es_uploads_leave(es_uploads_t *self, es_upload_t *one)
{
    leave(self, &one->of_address);
    leave(self, &one->of_subject);
}

/* Ten random digits: that a client of this edge has them too does not happen. */
void es_uploads_add(es_uploads_t *self, es_upload_t *one)
{
    memcpy(one->key, self->prefix, ES_PREFIX_LEN);
    do self->env->random_hex(self->env->ctx, one->key + ES_PREFIX_LEN, ID_DIGITS);
    while (es_keymap_get(self->by_key, key_of(one)));
    es_keymap_put(self->by_key, key_of(one), one);
    es_metric_set(&es_edge_uploads, es_keymap_count(self->by_key));
}

void es_uploads_remove(es_uploads_t *self, es_upload_t *one)
{
    es_uploads_leave(self, one);
    es_timers_disarm(&self->timers, &one->timer);
    es_keymap_remove(self->by_key, key_of(one));
    es_metric_set(&es_edge_uploads, es_keymap_count(self->by_key));
}

size_t es_uploads_allowance(const es_uploads_t *self)
{
    size_t count = es_keymap_count(self->by_key);
    uint64_t share = self->config.memory / (count ? count : 1);
    if (share > ALLOWANCE_MAX) return ALLOWANCE_MAX;
    return share < ES_UPLOAD_ALLOWANCE_MIN ? ES_UPLOAD_ALLOWANCE_MIN : (size_t)share;
}

bool es_uploads_receive(es_uploads_t *self, int broker, es_span_t key, const es_msg_t *msg, const void *body,
                        size_t len)
{
    es_upload_t *one = key.len == ES_CLIENT_ID_LEN ? es_keymap_get(self->by_key, key) : NULL;
    if (one) es_upload_receive(one, broker, msg, body, len);
    return one != NULL;
}

void es_uploads_news(es_uploads_t *self, es_span_t key)
{
    es_upload_t *one;
    for (size_t at = 0; self->waiting && (one = es_keymap_next(self->by_key, &at));) es_upload_news(one, key);
}

void es_uploads_listen(es_uploads_t *self, const es_upload_t *one, bool on)
{
    char topic[ES_KEY_MAX];
    int len = snprintf(topic, sizeof topic, ES_JOBS_TOPIC "%s", one->job);
    self->waiting += on ? 1 : (size_t)-1;
    self->ops.subscribe(self->ops.ctx, es_span_of(topic, (size_t)len), on);
}

uint64_t es_uploads_turn(es_uploads_t *self)
{
    es_timer_t *timer;
    for (int i = 0; i < TIMERS_A_TURN && (timer = es_timers_due(&self->timers, self->env->now_us)); i++)
        es_upload_tick((es_upload_t *)timer);
    return es_timers_next(&self->timers);
}

void es_uploads_rebroker(es_uploads_t *self)
{
    es_upload_t *one;
    for (size_t at = 0; (one = es_keymap_next(self->by_key, &at));) es_upload_rebroker(one);
}

void es_uploads_drain(es_uploads_t *self)
{
    self->draining = true;
}

size_t es_uploads_count(const es_uploads_t *self)
{
    return es_keymap_count(self->by_key);
}
