/* A TLS connection, the client at its one end and what is behind it at the other; time stands still unless it is moved. Included once, by the test. */
#ifndef TLS_CONN_WORLD_H
#define TLS_CONN_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "http/tls_conn.h"
#include "tls_world.h"

enum { PIECE = 65536 }; /* said or heard at once, at most */

static const es_tls_times_t world_times = {.handshake_us = 1000, .send_us = 2000, .linger_us = 3000};

typedef struct {
    files_t files;
    es_tls_t *tls;
    SSL_CTX *trusting;
    SSL *client;
    int fd; /* the client's end; -1: closed */
    es_tls_conn_t *conn;
    int behind; /* -1: not open, or closed */
    uint64_t now_us;
} world_t;

static inline void open_world(world_t *w)
{
    int pair[2];
    char err[600];
    *w = (world_t){.behind = -1, .now_us = 1};
    make_files(&w->files);
    w->tls = es_tls_new(w->files.cert, w->files.key, err, sizeof err);
    assert_non_null(w->tls);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    w->fd = pair[0];
    w->conn = es_tls_conn_new(w->tls, pair[1], &world_times, w->now_us);
    w->trusting = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(w->trusting, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_security_level(w->trusting, 0);
}

static inline void set_client(world_t *w)
{
    w->client = SSL_new(w->trusting);
    SSL_set_fd(w->client, w->fd);
    SSL_set_connect_state(w->client);
}

static inline void close_client(world_t *w)
{
    SSL_free(w->client);
    w->client = NULL;
    if (w->fd >= 0) close(w->fd);
    w->fd = -1;
}

static inline void close_world(world_t *w)
{
    close_client(w);
    if (w->behind >= 0) close(w->behind);
    es_tls_conn_destroy(&w->conn);
    es_tls_destroy(&w->tls);
    SSL_CTX_free(w->trusting);
    remove_files(&w->files);
}

static inline es_tls_state_t run(world_t *w)
{
    es_tls_state_t state = es_tls_conn_run(w->conn, w->now_us);
    if (state == ES_TLS_OPEN && es_tls_conn_plain(w->conn) < 0) {
        w->behind = es_tls_conn_split(w->conn);
        assert_true(w->behind >= 0);
    }
    return state;
}

static inline void shake_hands(world_t *w)
{
    set_client(w);
    for (int i = 0; i < 20 && (SSL_do_handshake(w->client) != 1 || run(w) != ES_TLS_OPEN); i++) run(w);
    assert_int_equal(run(w), ES_TLS_OPEN);
}

static inline void open_connection(world_t *w)
{
    open_world(w);
    shake_hands(w);
}

static inline uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

/* Bytes written, at most so many of the pattern from `at` on; 0 where nothing is taken now. */
static inline size_t say(world_t *w, bool client, size_t at, size_t most)
{
    uint8_t bytes[PIECE];
    size_t n = most < PIECE ? most : PIECE;
    for (size_t i = 0; i < n; i++) bytes[i] = byte_at(at + i);
    long got = client ? SSL_write(w->client, bytes, (int)n) : (long)send(w->behind, bytes, n, MSG_NOSIGNAL);
    return got > 0 ? (size_t)got : 0;
}

/* Bytes read and found to be the pattern; 0: nothing now, SIZE_MAX: a clean end. */
static inline size_t hear(world_t *w, bool client, size_t at)
{
    uint8_t bytes[PIECE];
    long got = client ? SSL_read(w->client, bytes, PIECE) : (long)recv(w->behind, bytes, PIECE, 0);
    bool end = client ? got <= 0 && SSL_get_error(w->client, (int)got) == SSL_ERROR_ZERO_RETURN : got == 0;
    for (long i = 0; i < got; i++) assert_int_equal(bytes[i], byte_at(at + (size_t)i));
    return end ? SIZE_MAX : got > 0 ? (size_t)got : 0;
}

#endif
