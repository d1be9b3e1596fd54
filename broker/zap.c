#include "zap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "broker_metrics.h"
#include "log.h"
#include "wire.h"

enum { ZAP_HWM = 10000, ZAP_BATCH = 64 };

#define ENDPOINT "inproc://zeromq.zap.01"

struct es_zap {
    void *socket;
    const es_allowed_t *allowed;
    void (*refresh)(void *ctx, uint64_t now_us);
    void *ctx;
};

enum { VERSION, REQUEST, DOMAIN, ADDRESS, IDENTITY, MECHANISM, CREDENTIALS };

es_zap_verdict_t es_zap_judge(const es_span_t *frames, size_t n, const es_allowed_t *allowed,
                              const es_allowed_entry_t **who)
{
    if (n < CREDENTIALS || !es_span_eq(frames[VERSION], es_span("1.0"))) return ES_ZAP_MALFORMED;
    if (!es_span_eq(frames[MECHANISM], es_span("CURVE"))) return ES_ZAP_MECHANISM;
    if (n != ES_ZAP_FRAMES || frames[CREDENTIALS].len != ES_KEY_BYTES) return ES_ZAP_MALFORMED;
    const es_allowed_entry_t *entry = es_allowed_key(allowed, frames[CREDENTIALS]);
    if (!entry) return ES_ZAP_UNKNOWN;
    if (!es_rights_connect(entry->role, es_socket_find(frames[DOMAIN]))) return ES_ZAP_ROLE;
    *who = entry;
    return ES_ZAP_OK;
}

/* ---- the socket ---- */

es_zap_t *es_zap_new(const es_allowed_t *allowed, void (*refresh)(void *ctx, uint64_t now_us), void *ctx)
{
    es_zap_t *self = es_alloc_zero(sizeof *self);
    *self = (es_zap_t){.allowed = allowed, .refresh = refresh, .ctx = ctx};
    self->socket = es_wire_socket(ZMQ_REP, ZAP_HWM);
    if (zmq_bind(self->socket, ENDPOINT) == 0) return self;
    es_log_error("another broker of this process asks for keys on tcp already; give each a process of its own",
                 ES_S("error", zmq_strerror(zmq_errno())));
    es_zap_destroy(&self);
    return NULL;
}

void es_zap_destroy(es_zap_t **self_p)
{
    es_zap_t *self = *self_p;
    if (!self) return;
    zmq_unbind(self->socket, ENDPOINT);
    zmq_close(self->socket);
    free(self);
    *self_p = NULL;
}

/* Takes one request. Returns its frames, of which the first ES_ZAP_FRAMES are kept; 0: there is none. */
static size_t receive(es_zap_t *self, zmq_msg_t frames[ES_ZAP_FRAMES])
{
    size_t n = 0;
    for (bool more = true; more; n++) {
        zmq_msg_t rest, *frame = n < ES_ZAP_FRAMES ? &frames[n] : &rest;
        zmq_msg_init(frame);
        if (zmq_msg_recv(frame, self->socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(frame);
            break;
        }
        more = zmq_msg_more(frame);
        if (frame == &rest) zmq_msg_close(&rest);
    }
    return n;
}

static void reply(es_zap_t *self, es_span_t request, const es_allowed_entry_t *who, const char *text)
{
    const es_span_t frames[] = {
        es_span("1.0"), request, es_span(who ? "200" : "400"), es_span(text), es_span(who ? who->who : ""),
        es_span("")};
    enum { COUNT = sizeof frames / sizeof frames[0] };
    for (size_t i = 0; i < COUNT; i++)
        zmq_send(self->socket, frames[i].len ? frames[i].ptr : "", frames[i].len, i + 1 < COUNT ? ZMQ_SNDMORE : 0);
}

static void note(es_zap_verdict_t verdict, const es_span_t *frames, size_t n)
{
    static const struct {
        es_metric_t *counter;
        const char *text;
    } outcomes[] = {[ES_ZAP_OK] = {&es_broker_handshakes_total, "welcome"},
                    [ES_ZAP_MALFORMED] = {&es_broker_refused_malformed, "not a request of ZAP 1.0"},
                    [ES_ZAP_MECHANISM] = {&es_broker_refused_malformed, "not by CURVE"},
                    [ES_ZAP_UNKNOWN] = {&es_broker_refused_unknown, "its key is not in KEYS/allowed"},
                    [ES_ZAP_ROLE] = {&es_broker_refused_role, "its role has no business at this socket"}};
    es_metric_add(outcomes[verdict].counter, 1);
    if (verdict == ES_ZAP_OK || n < CREDENTIALS) return;
    es_log_warn("handshake refused", ES_B("socket", frames[DOMAIN].ptr, frames[DOMAIN].len),
                ES_B("address", frames[ADDRESS].ptr, frames[ADDRESS].len), ES_S("reason", outcomes[verdict].text));
}

static bool on_request(void *ctx, uint64_t now_us)
{
    es_zap_t *self = ctx;
    unsigned taken = 0;
    self->refresh(self->ctx, now_us); /* whoever was allowed a moment ago: libzmq does not try again after a refusal */
    for (; taken < ZAP_BATCH; taken++) {
        zmq_msg_t parts[ES_ZAP_FRAMES];
        es_span_t frames[ES_ZAP_FRAMES] = {{0}};
        const es_allowed_entry_t *who = NULL;
        size_t n = receive(self, parts);
        if (n == 0) break;
        size_t kept = n < ES_ZAP_FRAMES ? n : ES_ZAP_FRAMES;
        for (size_t i = 0; i < kept; i++) frames[i] = es_span_of(zmq_msg_data(&parts[i]), zmq_msg_size(&parts[i]));
        es_zap_verdict_t verdict = es_zap_judge(frames, n, self->allowed, &who);
        note(verdict, frames, kept);
        reply(self, frames[REQUEST], who, who ? "OK" : "refused");
        for (size_t i = 0; i < kept; i++) zmq_msg_close(&parts[i]);
    }
    return taken == ZAP_BATCH;
}

void es_zap_attach(es_zap_t *self, es_loop_t *loop)
{
    es_loop_add_socket(loop, self->socket, on_request, self);
}
