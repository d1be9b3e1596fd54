#include "house_http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "backoff.h"
#include "operator_token.h"
#include "wire.h"

#define LOOK_US UINT64_C(100000)
#define LISTEN_MAX_US UINT64_C(30000000) /* whatever Retry-After says */
enum { URL_BYTES = 4096, AUTHORIZATION_BYTES = ES_OPERATOR_TOKEN_MAX + 32, HEADERS = 4 };

struct es_house_http {
    const es_house_http_config_t *config;
    es_loop_t *loop;
    es_http_client_t *client;
    es_backoff_t backoff;
    size_t at; /* the address in use */
    char authorization[AUTHORIZATION_BYTES];
    /* the call under way */
    const es_house_request_t *request;
    es_house_answer_t *answer;
    uint64_t number, until_us; /* number 0: pausing until then */
    uint64_t moved_us;         /* when something last went well */
    bool again;                /* another try may help */
    uint64_t retry_after_s;
};

static void end_wait(es_house_http_t *self)
{
    es_loop_stop(self->loop);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    es_house_http_t *self = ctx;
    if (self->config->interrupted && self->config->interrupted()) {
        self->answer->interrupted = true;
        end_wait(self);
    } else if (!self->number && now_us >= self->until_us)
        end_wait(self);
    if (self->number && self->request->look) self->request->look(self->request->ctx, now_us);
    uint64_t next = now_us + LOOK_US;
    return !self->number && self->until_us < next ? self->until_us : next;
}

es_house_http_t *es_house_http_new(const es_house_http_config_t *config)
{
    es_house_http_t *self = es_alloc_zero(sizeof *self);
    self->config = config;
    self->loop = es_loop_new();
    es_loop_add_tick(self->loop, on_tick, self);
    self->client = es_http_client_new(self->loop, 1);
    es_backoff_init(&self->backoff, config->addresses->count, config->seed);
    if (config->token)
        snprintf(self->authorization, sizeof self->authorization, "Authorization: Bearer %s", config->token);
    return self;
}

void es_house_http_destroy(es_house_http_t **self_p)
{
    es_house_http_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_http_client_destroy(&self->client);
    es_loop_destroy(&self->loop);
    free(self);
}

/* ---- answers */

static bool asks_for_patience(unsigned status)
{
    return status == 408 || status == 429 || status == 502 || status == 503 || status == 504 || status == 507;
}

static void take_json(es_house_answer_t *out, const es_http_result_t *result)
{
    json_decref(out->json);
    out->json = result->len ? json_loadb(result->body, result->len, 0, NULL) : NULL;
}

/* The server's own sentence where it has one. */
static void explain(es_house_answer_t *out)
{
    const char *message = json_string_value(json_object_get(out->json, "message"));
    if (message)
        snprintf(out->message, sizeof out->message, "%s", message);
    else
        snprintf(out->message, sizeof out->message, "it answered with status %u", out->status);
    if (out->status == 401 || out->status == 403)
        snprintf(
            out->message, sizeof out->message,
            "%.300s A token is named by --token-file or EARSHOT_TOKEN; the operator's token lies on the server, in "
            "operator.token in its --data",
            message ? message : "");
}

static void on_done(void *ctx, const es_http_result_t *result, uint64_t now_us)
{
    es_house_http_t *self = ctx;
    es_house_answer_t *out = self->answer;
    self->number = 0;
    self->until_us = now_us;
    out->status = result->error ? 0 : result->status;
    take_json(out, result);
    self->retry_after_s = result->retry_after_s;
    self->again = result->error || asks_for_patience(result->status);
    /* A refusal that came before all was sent ends the sending; it is an answer. */
    if (result->error && result->status >= 400) {
        out->status = result->status;
        self->again = asks_for_patience(result->status);
    }
    if (result->error && !out->status)
        snprintf(out->message, sizeof out->message, "%s", result->error);
    else if (out->status > 299)
        explain(out);
    end_wait(self);
}

/* ---- one try */

static void make_url(const es_house_http_t *self, char out[URL_BYTES])
{
    const es_ws_url_t *url = &self->config->addresses->urls[self->at];
    bool bracket = strchr(url->host, ':');
    snprintf(out, URL_BYTES, "%s://%s%s%s:%u%s", url->tls ? "https" : "http", bracket ? "[" : "", url->host,
             bracket ? "]" : "", url->port, self->request->path);
}

static size_t on_read(void *ctx, void *out, size_t max)
{
    es_house_http_t *self = ctx;
    self->moved_us = es_now_us();
    return self->request->read(self->request->ctx, out, max);
}

static bool on_take(void *ctx, const void *data, size_t len)
{
    es_house_http_t *self = ctx;
    return self->request->take(self->request->ctx, data, len);
}

static void try_once(es_house_http_t *self)
{
    const es_house_request_t *request = self->request;
    char url[URL_BYTES], type[160];
    const char *headers[HEADERS];
    const es_trust_t *trust = self->config->addresses->trust;
    size_t n = 0;
    make_url(self, url);
    snprintf(type, sizeof type, "Content-Type: %s", request->type ? request->type : "application/json");
    if (*self->authorization) headers[n++] = self->authorization;
    if (request->header) headers[n++] = request->header;
    if (request->read) headers[n++] = type;
    headers[n] = NULL;
    es_http_call_t call = {.method = request->method,
                           .url = url,
                           .headers = headers,
                           .body = request->read                          ? NULL
                                   : strcmp(request->method, "POST") == 0 ? ""
                                                                          : NULL,
                           .read = request->read ? on_read : NULL,
                           .length = request->length,
                           .take = request->take ? on_take : NULL,
                           .answer_max = (size_t)16 * ES_HTTP_CLIENT_ANSWER_MAX,
                           .ca = trust ? trust->ca : NULL,
                           .any_server = trust && trust->insecure,
                           .stall_us = self->config->stall_us,
                           .connect_us = self->config->connect_us};
    self->answer->tries++;
    self->answer->address = self->config->addresses->names[self->at];
    self->number = es_http_client_send(self->client, &call, on_done, self);
    es_loop_run(self->loop);
    if (self->number) es_http_client_cancel(self->client, self->number);
    self->number = 0;
}

static void say_trouble(es_house_http_t *self, double wait_s)
{
    char text[800];
    const es_house_request_t *request = self->request;
    snprintf(text, sizeof text, "%s: %s; trying again in %.1f s", self->answer->address, self->answer->message, wait_s);
    if (request->trouble)
        request->trouble(request->ctx, text);
    else
        fprintf(stderr, "earshot: %s\n", text);
}

/* Waits before another try. False where there is to be none. */
static bool wait_for_more(es_house_http_t *self)
{
    uint64_t now = es_now_us(), wait = es_backoff_lost(&self->backoff, false);
    uint64_t asked = self->retry_after_s > LISTEN_MAX_US / 1000000 ? LISTEN_MAX_US : self->retry_after_s * 1000000;
    if (asked > wait) wait = asked;
    if (!self->again || self->answer->interrupted) return false;
    bool new_address = self->answer->tries < self->config->addresses->count;
    if (!new_address && now + wait > self->moved_us + self->config->patience_us) return false;
    say_trouble(self, (double)wait / 1e6);
    self->until_us = now + wait;
    es_loop_run(self->loop);
    return !self->answer->interrupted;
}

int es_house_http_call(es_house_http_t *self, const es_house_request_t *request, es_house_answer_t *out)
{
    *out = (es_house_answer_t){.status = 0};
    self->request = request;
    self->answer = out;
    self->moved_us = es_now_us();
    for (;;) {
        self->again = false;
        if (request->again && request->again(request->ctx) == -1) break;
        try_once(self);
        if (out->status / 100 == 2) return 0;
        if (!wait_for_more(self)) break;
        self->at = (self->at + 1) % self->config->addresses->count;
    }
    if (out->interrupted) snprintf(out->message, sizeof out->message, "interrupted");
    return -1;
}

void es_house_answer_fini(es_house_answer_t *answer)
{
    json_decref(answer->json);
    answer->json = NULL;
}

bool es_house_escape(char *out, size_t cap, const char *text)
{
    size_t len = strlen(out);
    for (; *text; text++) {
        bool plain = isalnum((unsigned char)*text) || strchr("-._~", *text);
        if (len + (plain ? 2 : 4) > cap) return false;
        len += (size_t)snprintf(out + len, cap - len, plain ? "%c" : "%%%02X", (unsigned char)*text);
    }
    return true;
}
