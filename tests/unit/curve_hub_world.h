/* A broker that serves tcp with CURVE besides, and peers with keys. Include after cmocka.h. */
#ifndef CURVE_HUB_WORLD_H
#define CURVE_HUB_WORLD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "hub_world.h"
#include "keys.h"

enum { SHORT_MS = 300 };

typedef struct {
    world_t w; /* first: the hands of hub_world work on it; its own sockets are of ipc */
    char tcp[64], keys[96], allowed[112];
    es_endpoints_t far;
    es_key_t broker;
} curve_world_t;

static inline es_key_t make_key(curve_world_t *c, es_role_t role, const char *name, bool allow)
{
    char err[400], path[ES_KEY_PATH_MAX];
    es_key_t key;
    assert_int_equal(es_key_make(&key, role, name, err, sizeof err), 0);
    assert_int_equal(es_key_path(path, c->allowed, name, ".pub"), 0);
    if (allow) assert_int_equal(es_key_save_public(&key, path, true, err, sizeof err), 0);
    return key;
}

static inline void allow(curve_world_t *c, const es_key_t *key, bool on)
{
    char err[400], path[ES_KEY_PATH_MAX];
    assert_int_equal(es_key_path(path, c->allowed, key->name, ".pub"), 0);
    if (on)
        assert_int_equal(es_key_save_public(key, path, true, err, sizeof err), 0);
    else
        assert_int_equal(unlink(path), 0);
}

static inline bool is_free(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    bool bound = bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return bound;
}

/* The first of four free ones in a row. */
static inline unsigned draw_ports(void)
{
    unsigned port;
    do {
        port = 20000 + (unsigned)(es_random_u64() % 3000) * 4;
    } while (!is_free(port) || !is_free(port + 1) || !is_free(port + 2) || !is_free(port + 3));
    return port;
}

static inline int setup(void **state)
{
    char err[400];
    es_wire_t wire;
    curve_world_t *c = calloc(1, sizeof *c);
    world_t *w = &c->w;
    snprintf(w->dir, sizeof w->dir, "/tmp/earshot-hub-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(c->keys, sizeof c->keys, "%s/keys", w->dir);
    snprintf(c->allowed, sizeof c->allowed, "%s/allowed", c->keys);
    snprintf(w->base, sizeof w->base, "ipc://%s/broker", w->dir);
    snprintf(w->heartbeat, sizeof w->heartbeat, "500ms");
    snprintf(c->tcp, sizeof c->tcp, "127.0.0.1:%u", draw_ports());
    w->tcp = c->tcp;
    snprintf(err, sizeof err, "tcp://%s", c->tcp);
    assert_int_equal(es_endpoints_parse(&c->far, err, err, sizeof err), 0);
    assert_int_equal(es_endpoints_parse(&w->at, w->base, err, sizeof err), 0);
    assert_int_equal(es_key_make(&c->broker, ES_ROLE_BROKER, "broker", err, sizeof err), 0);
    assert_int_equal(es_key_save(&c->broker, c->keys, false, err, sizeof err), 0);
    assert_int_equal(mkdir(c->allowed, 0700), 0);
    w->decoder = es_decoder_new();
    start_broker(w);
    w->push = connected(ZMQ_PUSH, w->at.frontend, 0);
    w->sub = connected(ZMQ_SUB, w->at.publish, 0);
    await(w, w->sub, ES_BEACON, &wire);
    es_wire_close(&wire);
    *state = c;
    return 0;
}

static inline void *dial(curve_world_t *c, int type, const char *endpoint, const es_key_t *key, uint64_t inc)
{
    char id[17];
    void *s = es_wire_socket(type, 100);
    es_hex16(inc, id);
    if (inc) zmq_setsockopt(s, ZMQ_ROUTING_ID, id, 16);
    if (type == ZMQ_SUB) zmq_setsockopt(s, ZMQ_SUBSCRIBE, "", 0);
    if (key) {
        zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, c->broker.public_key, ES_KEY_TEXT + 1);
        zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, key->public_key, ES_KEY_TEXT + 1);
        zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, key->secret_key, ES_KEY_TEXT + 1);
    }
    assert_int_equal(zmq_connect(s, endpoint), 0);
    return s;
}

static inline bool can_send(void *socket, long ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLOUT};
    return zmq_poll(&item, 1, ms) == 1;
}

/* A worker over tcp that the broker knows. */
static inline void join_far(curve_world_t *c, const es_key_t *key, const char *service, uint64_t inc)
{
    es_wire_t wire;
    c->w.inc = inc;
    c->w.dealer = dial(c, ZMQ_DEALER, c->far.backend, key, inc);
    say_hello_of(&c->w, service, 4, NULL, 0);
    await(&c->w, c->w.dealer, ES_PING, &wire);
    es_wire_close(&wire);
    say_heartbeat(&c->w);
}

#endif
