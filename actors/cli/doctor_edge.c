/* Edges: are they there, ready, and who vouches for them? */
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "doctor_judge.h"
#include "http_client.h"
#include "loopback.h"
#include "net.h"
#include "wire.h"

enum { URL_BYTES = 400, BODY_BYTES = 300 };

/* ---- one question */

typedef struct {
    es_loop_t *loop;
    int status; /* 0: no answer */
    bool connected;
    char body[BODY_BYTES], error[300];
} answer_t;

static void on_done(void *ctx, const es_http_result_t *result, uint64_t now_us)
{
    answer_t *out = ctx;
    (void)now_us;
    out->status = result->error ? 0 : (int)result->status;
    out->connected = result->connected;
    snprintf(out->body, sizeof out->body, "%s", result->body);
    snprintf(out->error, sizeof out->error, "%s", result->error ? result->error : "");
    es_loop_stop(out->loop);
}

static void fetch(const es_doctor_t *self, const es_ws_url_t *url, const char *path, answer_t *out)
{
    char text[URL_BYTES];
    const es_doctor_config_t *config = self->config;
    bool bracket = strchr(url->host, ':');
    snprintf(text, sizeof text, "%s://%s%s%s:%u%s", url->tls ? "https" : "http", bracket ? "[" : "", url->host,
             bracket ? "]" : "", url->port, path);
    es_http_call_t call = {.url = text,
                           .ca = config->trust.ca,
                           .any_server = config->trust.insecure,
                           .connect_us = config->wait_us,
                           .timeout_us = config->wait_us};
    *out = (answer_t){.loop = es_loop_new()};
    es_http_client_t *client = es_http_client_new(out->loop, 1);
    es_http_client_send(client, &call, on_done, out);
    es_loop_run(out->loop);
    es_http_client_destroy(&client);
    es_loop_destroy(&out->loop);
}

/* ---- ready */

/* Nobody answers: is anybody there, and could somebody be? */
static void tell_absent(es_doctor_t *self, const char *address, const es_ws_url_t *url, const char *error)
{
    char err[200];
    es_finding_t finding;
    bool ours = es_loopback_host(url->host), unused = ours && es_net_free(url->host, url->port, err, sizeof err) == 0;
    es_finding_set(&finding, ES_VERDICT_FAIL, "%.300s does not answer: %.300s", address, error);
    if (unused)
        es_finding_mend(&finding,
                        "nobody listens at port %u here: start an edge, with earshot up or earshot-edge, or name its "
                        "address with --url",
                        url->port);
    else if (url->tls)
        es_finding_mend(&finding, "is its certificate to be trusted? --ca FILE tells who vouches for it, "
                                  "--insecure-tls believes any; and is it an edge at all?");
    else
        es_finding_mend(&finding, "is it up, and does it speak TLS (wss://)? Name its address with --url");
    es_doctor_tell(self, &finding);
}

static void ready(es_doctor_t *self, const char *address, const es_ws_url_t *url)
{
    answer_t answer;
    es_finding_t finding;
    fetch(self, url, "/readyz", &answer);
    if (answer.status == 0) {
        tell_absent(self, address, url, answer.error);
        return;
    }
    json_t *body = json_loads(answer.body, 0, NULL);
    const char *reason = json_string_value(json_object_get(body, "reason"));
    if (!reason) reason = json_string_value(json_object_get(body, "message"));
    es_judge_ready(&finding, address, answer.status, reason ? reason : answer.body);
    es_doctor_tell(self, &finding);
    json_decref(body);
}

void es_doctor_edges(es_doctor_t *self)
{
    const es_addresses_t *all = &self->config->addresses;
    es_finding_t finding;
    for (size_t i = 0; i < all->count; i++) {
        ready(self, all->names[i], &all->urls[i]);
        if (all->urls[i].tls || !*self->config->bearer.token || es_loopback_host(all->urls[i].host)) continue;
        es_finding_set(&finding, ES_VERDICT_WARN, "the token goes to %.300s for all on the way to read", all->names[i]);
        es_finding_mend(&finding, "give the edge --tls-cert and --tls-key, and go to it with wss://");
        es_doctor_tell(self, &finding);
    }
    if (all->count > 0) return;
    es_finding_set(&finding, ES_VERDICT_SKIP, "there is no edge to ask");
    es_doctor_tell(self, &finding);
}

/* ---- certificates */

void es_doctor_certificates(es_doctor_t *self)
{
    const es_addresses_t *all = &self->config->addresses;
    es_finding_t finding;
    size_t looked = 0;
    for (size_t i = 0; i < all->count; i++) {
        const es_ws_url_t *url = &all->urls[i];
        int64_t until_s;
        char err[200];
        if (!url->tls) continue;
        looked++;
        if (es_net_certificate(url->host, url->port, (int)(self->config->wait_us / 1000), &until_s, err, sizeof err) ==
            0)
            es_judge_certificate(&finding, all->names[i], (int64_t)(es_wall_us() / 1000000), until_s);
        else
            es_finding_set(&finding, ES_VERDICT_FAIL, "%.300s shows no certificate: %s", all->names[i], err);
        es_doctor_tell(self, &finding);
    }
    if (looked > 0) return;
    es_finding_set(&finding, ES_VERDICT_SKIP, "no address is wss:// or https://: there is no certificate to look at");
    es_doctor_tell(self, &finding);
}
