#include "wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "handover.h"
#include "log.h"

enum {
    HANDSHAKE_MS = 3000,
    RECONNECT_MS = 100,
    RECONNECT_MAX_MS = 3000,
    /* A peer that neither closes nor answers (a cut cable, a stopped process) is given up after the sum of these. */
    ZMTP_PING_MS = 2000,
    ZMTP_PONG_MS = 5000
};

uint64_t es_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t es_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

struct timespec es_monotonic_in_ms(unsigned ms)
{
    uint64_t at = es_now_us() + (uint64_t)ms * 1000;
    return (struct timespec){.tv_sec = (time_t)(at / 1000000), .tv_nsec = (long)(at % 1000000) * 1000};
}

uint64_t es_random_u64(void)
{
    uint64_t value;
    ssize_t n;
    do {
        n = getrandom(&value, sizeof value, 0);
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof value) {
        perror("earshot: getrandom");
        abort();
    }
    return value;
}

void es_random_hex(char *out, size_t digits)
{
    char hex[17];
    for (size_t done = 0; done < digits; done += 16) {
        es_hex16(es_random_u64(), hex);
        memcpy(out + done, hex, digits - done < 16 ? digits - done : 16);
    }
}

void es_hex16(uint64_t value, char out[17])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 15; i >= 0; i--, value >>= 4) out[i] = digits[value & 15u];
    out[16] = 0;
}

static void set_int(void *socket, int option, int value)
{
    int rc = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(rc == 0);
    (void)rc;
}

void es_wire_options(void *socket, int hwm)
{
    int type = 0;
    size_t size = sizeof type;
    int rc = zmq_getsockopt(socket, ZMQ_TYPE, &type, &size);
    assert(rc == 0 && hwm > 0);
    (void)rc;
    int64_t max = (int64_t)ES_BODY_MAX;
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max, sizeof max);
    set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    set_int(socket, ZMQ_LINGER, 0);
    set_int(socket, ZMQ_SNDHWM, hwm);
    set_int(socket, ZMQ_RCVHWM, hwm);
    set_int(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set_int(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    set_int(socket, ZMQ_HEARTBEAT_IVL, ZMTP_PING_MS);
    set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, ZMTP_PONG_MS);
    if (type == ZMQ_ROUTER) {
        set_int(socket, ZMQ_ROUTER_MANDATORY, 1);
        set_int(socket, ZMQ_ROUTER_HANDOVER, 1);
    }
    if (type == ZMQ_PUSH || type == ZMQ_DEALER) set_int(socket, ZMQ_IMMEDIATE, 1);
}

void *es_wire_socket(int type, int hwm)
{
    void *socket = zmq_socket(zsys_init(), type);
    if (!socket) {
        es_log_error("cannot make a socket; raise the limit of open files", ES_S("error", zmq_strerror(zmq_errno())));
        abort();
    }
    es_wire_options(socket, hwm);
    return socket;
}

/* The rest of a message that has more parts than ours may have; the next receive then begins at the next message. */
static void drain_rest(void *socket)
{
    int more = 1;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        more = zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&part);
        zmq_msg_close(&part);
    }
}

/* A further part of the message being received. The parts of one message arrive together, so this never waits. */
static bool next_part(zmq_msg_t *part, void *socket)
{
    zmq_msg_init(part);
    if (zmq_msg_recv(part, socket, ZMQ_DONTWAIT) < 0) return false;
    es_handover_take(part);
    return true;
}

static void judge(es_wire_t *self, es_decoder_t *decoder)
{
    size_t key = zmq_msg_size(&self->key);
    if (self->cut) {
        self->reason = "more than key, envelope and body";
        return;
    }
    if (key == 0 || key > ES_KEY_MAX) {
        self->reason = key ? "key too long" : "empty key";
        return;
    }
    es_decode_t decoded = es_decode(decoder, zmq_msg_data(&self->envelope), zmq_msg_size(&self->envelope), &self->msg);
    if (decoded != ES_DECODE_OK) {
        self->reason = es_decode_reason(decoded);
        return;
    }
    es_check_t check = es_catalogue_check(&self->msg, self->has_body ? zmq_msg_size(&self->body) : 0);
    self->ok = check == ES_CHECK_OK;
    self->reason = self->ok ? NULL : es_check_reason(check);
}

int es_wire_recv(es_wire_t *self, void *socket, bool with_route, es_decoder_t *decoder)
{
    zmq_msg_t *first = with_route ? &self->route : &self->key;
    zmq_msg_init(first);
    while (zmq_msg_recv(first, socket, ZMQ_DONTWAIT) < 0) {
        if (errno == EINTR) continue;
        int saved = errno;
        zmq_msg_close(first);
        errno = saved;
        return -1;
    }
    es_handover_take(first);
    self->has_route = with_route;
    self->has_body = self->ok = self->cut = false;
    self->reason = "fewer parts than key and envelope";
    if (with_route && (!zmq_msg_more(&self->route) || !next_part(&self->key, socket))) {
        if (!zmq_msg_more(&self->route)) zmq_msg_init(&self->key);
        zmq_msg_init(&self->envelope);
        return 0;
    }
    if (!zmq_msg_more(&self->key)) {
        zmq_msg_init(&self->envelope);
        return 0;
    }
    if (!next_part(&self->envelope, socket)) return 0;
    if (zmq_msg_more(&self->envelope)) {
        self->has_body = true;
        if (next_part(&self->body, socket) && zmq_msg_more(&self->body)) {
            self->cut = true;
            drain_rest(socket);
        }
    }
    judge(self, decoder);
    return 0;
}

static void close_part(zmq_msg_t *part)
{
    es_handover_give(part);
    zmq_msg_close(part);
}

void es_wire_close(es_wire_t *self)
{
    if (self->has_route) close_part(&self->route);
    close_part(&self->key);
    close_part(&self->envelope);
    if (self->has_body) close_part(&self->body);
}

/* Sends one part; the first that is refused decides for the whole message, which libzmq then takes back. */
static int send_part(void *socket, zmq_msg_t *part, int flags)
{
    int rc;
    es_handover_give(part);
    do {
        rc = zmq_msg_send(part, socket, flags | ZMQ_DONTWAIT);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -1 : 0;
}

static int send_copy(void *socket, const void *data, size_t len, int flags)
{
    zmq_msg_t part;
    if (zmq_msg_init_size(&part, len) != 0) {
        perror("earshot: out of memory");
        abort();
    }
    es_handover_take(&part);
    if (len) memcpy(zmq_msg_data(&part), data, len);
    if (send_part(socket, &part, flags) == 0) return 0;
    int saved = errno;
    zmq_msg_close(&part);
    errno = saved;
    return -1;
}

int es_wire_send(void *socket, const es_span_t *route, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    char envelope[ES_ENVELOPE_MAX];
    es_msg_t stamped;
    if (msg->time_us == 0) {
        stamped = *msg;
        stamped.time_us = es_wall_us();
        msg = &stamped;
    }
    size_t size = es_encode(msg, envelope, sizeof envelope);
    if (size == 0 || key.len == 0 || key.len > ES_KEY_MAX) {
        errno = EMSGSIZE;
        return -1;
    }
    if (route && send_copy(socket, route->ptr, route->len, ZMQ_SNDMORE) != 0) return -1;
    if (send_copy(socket, key.ptr, key.len, ZMQ_SNDMORE) != 0) return -1;
    if (send_copy(socket, envelope, size, len ? ZMQ_SNDMORE : 0) != 0) return -1;
    return len ? send_copy(socket, body, len, 0) : 0;
}

int es_wire_send_item(void *socket, const es_span_t *route, const es_bundle_item_t *item)
{
    if (route && send_copy(socket, route->ptr, route->len, ZMQ_SNDMORE) != 0) return -1;
    if (send_copy(socket, item->key.ptr, item->key.len, ZMQ_SNDMORE) != 0) return -1;
    if (send_copy(socket, item->envelope.ptr, item->envelope.len, item->body.len ? ZMQ_SNDMORE : 0) != 0) return -1;
    return item->body.len ? send_copy(socket, item->body.ptr, item->body.len, 0) : 0;
}

int es_wire_send_bundle(void *socket, const es_span_t *route, es_span_t key, const es_bundle_t *bundle)
{
    es_span_t rest = es_span_of(bundle->data, bundle->len);
    es_bundle_item_t only;
    if (bundle->count == 0) return 0;
    if (bundle->count == 1 && es_bundle_next(&rest, &only) == 1) return es_wire_send_item(socket, route, &only);
    return es_wire_send(socket, route, key, &(es_msg_t){.kind = ES_BUNDLE}, rest.ptr, rest.len);
}

int es_wire_unbundle(es_span_t *rest, es_decoder_t *decoder, es_bundle_item_t *item, es_msg_t *msg)
{
    int rc = es_bundle_next(rest, item);
    if (rc != 1) return rc;
    if (es_decode(decoder, item->envelope.ptr, item->envelope.len, msg) != ES_DECODE_OK) return ES_WIRE_SKIP;
    bool right = es_catalogue_check(msg, item->body.len) == ES_CHECK_OK && es_bundle_admits(msg, item->body.len);
    return right ? 1 : ES_WIRE_SKIP;
}

int es_wire_forward(es_wire_t *self, void *socket, const es_span_t *route)
{
    if (route && send_copy(socket, route->ptr, route->len, ZMQ_SNDMORE) != 0) return -1;
    if (send_part(socket, &self->key, ZMQ_SNDMORE) != 0) return -1;
    if (send_part(socket, &self->envelope, self->has_body ? ZMQ_SNDMORE : 0) != 0) return -1;
    return self->has_body ? send_part(socket, &self->body, 0) : 0;
}
