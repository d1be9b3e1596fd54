#include "tls_conn.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "byte_queue.h"
#include "rate.h"
#include "tls_hello.h"

enum { INWARD = 32768, RECORD = 16384, RECORDS_IN = 64, RECORDS_OUT = 4, READ_AWAY = 16, EMPTY_RATE = 1 };

struct es_tls_conn {
    SSL *ssl;
    const es_tls_times_t *times;
    int secret, plain;
    es_tls_state_t state;
    es_tls_why_t why;
    uint64_t since_us; /* the handshake began, or the client last took something, or it was told the end */
    uint64_t now_us;
    es_byte_queue_t in, out;      /* what the plain side, and what the client, did not take at once */
    bool secret_over, plain_over; /* no more comes from there */
    bool told_plain, told_secret; /* and the other side knows */
    bool plain_deaf;              /* nobody reads there any more */
    bool wants_write;             /* TLS has something of its own to send */
    bool again;
    bool hello_too_large, flooded;
    es_rate_t empty; /* records that carry no data */
    es_tls_hello_t hello;
};

/* ---- what is read in the clear */

/* Before OpenSSL has it. Once TLS 1.2 is agreed on no other ClientHello can come, and what is encrypted may look like one; with 1.3 a second may come, where the first had no key that we could use, and what is encrypted
 * is told apart. */
static long look_at_hello(BIO *bio, int what, const char *data, size_t len, int argi, long argl, int result,
                          size_t *count)
{
    es_tls_conn_t *self = (es_tls_conn_t *)BIO_get_callback_arg(bio);
    (void)len;
    (void)argi;
    (void)argl;
    if (what != (BIO_CB_READ | BIO_CB_RETURN) || result <= 0) return result;
    if (SSL_version(self->ssl) != TLS1_2_VERSION && !es_tls_hello_read(&self->hello, data, *count))
        self->hello_too_large = true;
    return self->hello_too_large ? -1 : result;
}

static void watch_hello(es_tls_conn_t *self, bool on)
{
    BIO *bio = SSL_get_rbio(self->ssl);
    BIO_set_callback_arg(bio, (char *)self);
    BIO_set_callback_ex(bio, on ? look_at_hello : NULL);
}

/* New keys, a wish to negotiate anew, an alert: a few bytes each, dear to follow, and SSL_read works through them until data comes. That ends at once only where it believes that the client has
 * said its end. */
static void look_at_record(int ours, int version, int what, const void *data, size_t len, SSL *ssl, void *ctx)
{
    es_tls_conn_t *self = ctx;
    const uint8_t *type = data;
    bool told = what == (SSL_version(ssl) == TLS1_2_VERSION ? SSL3_RT_HEADER : SSL3_RT_INNER_CONTENT_TYPE);
    (void)version;
    (void)len;
    if (ours || self->state != ES_TLS_OPEN || !told || *type == SSL3_RT_APPLICATION_DATA) return;
    if (es_rate_take(&self->empty, EMPTY_RATE, ES_TLS_EMPTY_MAX, self->now_us)) return;
    self->flooded = true;
    SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN | SSL_get_shutdown(ssl));
}

/* ---- life */

es_tls_conn_t *es_tls_conn_new(es_tls_t *tls, int fd, const es_tls_times_t *times, uint64_t now_us)
{
    es_tls_conn_t *self = es_alloc_zero(sizeof *self);
    self->ssl = es_tls_server(tls, fd, now_us);
    self->times = times;
    self->secret = fd;
    self->plain = -1;
    self->since_us = self->now_us = now_us;
    SSL_set_msg_callback(self->ssl, look_at_record);
    SSL_set_msg_callback_arg(self->ssl, self);
    watch_hello(self, true);
    return self;
}

int es_tls_conn_split(es_tls_conn_t *self)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair)) return -1;
    self->plain = pair[0];
    return pair[1];
}

void es_tls_conn_destroy(es_tls_conn_t **self_p)
{
    es_tls_conn_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    SSL_free(self->ssl);
    close(self->secret);
    if (self->plain >= 0) close(self->plain);
    es_byte_queue_clear(&self->in);
    es_byte_queue_clear(&self->out);
    free(self);
}

/* ---- the handshake */

static es_tls_why_t why_of(const es_tls_conn_t *self, int error)
{
    int reason = ERR_GET_REASON(ERR_peek_error());
    if (self->hello_too_large) return ES_TLS_HELLO;
    if (error != SSL_ERROR_SSL) return ES_TLS_GONE;
    switch (reason) {
    case SSL_R_HTTP_REQUEST:
        return ES_TLS_PLAIN_HTTP;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
        return ES_TLS_VERSION;
    case SSL_R_NO_SHARED_CIPHER:
        return ES_TLS_CIPHER;
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return ES_TLS_PROTOCOL;
    default:
        return reason > SSL_AD_REASON_OFFSET ? ES_TLS_ALERT : ES_TLS_MALFORMED;
    }
}

static void say_plainly(int fd)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"
                                 "content-length: 58\r\nconnection: close\r\n\r\n"
                                 "This port speaks TLS: use https:// or wss:// to reach it.\n";
    (void)!send(fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* What has come is read, so that closing the socket resets nothing that an alert could be lost with. */
static void fail(es_tls_conn_t *self, es_tls_why_t why)
{
    char rest[RECORD];
    self->state = ES_TLS_CLOSED;
    self->why = why;
    for (int i = 0; i < READ_AWAY && recv(self->secret, rest, sizeof rest, MSG_DONTWAIT) > 0; i++) continue;
    if (why == ES_TLS_PLAIN_HTTP) say_plainly(self->secret);
}

static void shake_hands(es_tls_conn_t *self)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(self->ssl), error = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(self->ssl, rc);
    self->wants_write = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_NONE) {
        self->state = ES_TLS_OPEN;
        watch_hello(self, false);
    } else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        fail(self, why_of(self, error));
    }
}

/* ---- from the client to the plain side */

static void end(es_tls_conn_t *self)
{
    self->state = ES_TLS_CLOSED;
}

/* Bytes taken; the rest is for later. To one that is deaf everything may be said. */
static size_t push_plain(es_tls_conn_t *self, const char *data, size_t len)
{
    ssize_t n = self->plain_deaf ? (ssize_t)len : send(self->plain, data, len, MSG_NOSIGNAL);
    if (n >= 0) return (size_t)n;
    if (errno == EAGAIN || errno == EINTR) return 0;
    self->plain_deaf = true;
    return len;
}

static void push_rest(es_tls_conn_t *self)
{
    size_t waiting = es_byte_queue_size(&self->in);
    if (waiting) es_byte_queue_consume(&self->in, push_plain(self, es_byte_queue_front(&self->in), waiting));
}

/* Bytes of one record, or of what is left of it; 0: nothing now. */
static size_t read_record(es_tls_conn_t *self, char *out, size_t cap)
{
    ERR_clear_error();
    int n = SSL_read(self->ssl, out, (int)cap);
    int error = n > 0 ? SSL_ERROR_NONE : SSL_get_error(self->ssl, n);
    self->wants_write = error == SSL_ERROR_WANT_WRITE;
    if (self->flooded || error == SSL_ERROR_SYSCALL || error == SSL_ERROR_SSL)
        end(self);
    else if (error == SSL_ERROR_ZERO_RETURN)
        self->secret_over = true;
    return n > 0 ? (size_t)n : 0;
}

/* As many as are there and fit, but few where they are small: others wait too. */
static size_t read_secret(es_tls_conn_t *self, char *out, size_t cap)
{
    size_t have = 0;
    bool more = !self->secret_over;
    self->wants_write = false;
    for (int i = 0; i < RECORDS_IN && more && have < cap; i++) {
        size_t n = read_record(self, out + have, cap - have);
        have += n;
        more = n > 0 && self->state == ES_TLS_OPEN;
    }
    self->again = more && SSL_has_pending(self->ssl);
    return have;
}

static void tell_plain(es_tls_conn_t *self)
{
    if (!self->secret_over || self->told_plain || es_byte_queue_size(&self->in)) return;
    self->told_plain = true;
    shutdown(self->plain, SHUT_WR);
}

static void inward(es_tls_conn_t *self)
{
    char bytes[INWARD];
    self->again = false;
    push_rest(self);
    if (es_byte_queue_size(&self->in)) return;
    size_t have = read_secret(self, bytes, sizeof bytes);
    size_t taken = have ? push_plain(self, bytes, have) : 0;
    if (taken < have) es_byte_queue_append(&self->in, bytes + taken, have - taken);
    self->again = self->again && taken == have;
    tell_plain(self);
}

/* ---- from the plain side to the client */

/* Bytes taken. */
static size_t write_secret(es_tls_conn_t *self, const char *data, size_t len)
{
    size_t done = 0;
    while (done < len && self->state == ES_TLS_OPEN) {
        ERR_clear_error();
        int n = SSL_write(self->ssl, data + done, (int)(len - done));
        int error = n > 0 ? SSL_ERROR_NONE : SSL_get_error(self->ssl, n);
        if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) break;
        if (n <= 0) end(self);
        done += n > 0 ? (size_t)n : 0;
    }
    if (done) self->since_us = self->now_us;
    return done;
}

/* False: nothing more now. */
static bool move_out(es_tls_conn_t *self)
{
    char bytes[RECORD];
    size_t waiting = es_byte_queue_size(&self->out);
    if (waiting) es_byte_queue_consume(&self->out, write_secret(self, es_byte_queue_front(&self->out), waiting));
    if (es_byte_queue_size(&self->out) || self->plain_over || self->state != ES_TLS_OPEN) return false;
    ssize_t n = recv(self->plain, bytes, sizeof bytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n <= 0) {
        self->plain_over = true;
        self->since_us = self->now_us;
        return false;
    }
    size_t taken = write_secret(self, bytes, (size_t)n);
    if (taken == (size_t)n) return true;
    es_byte_queue_append(&self->out, bytes + taken, (size_t)n - taken);
    self->since_us = self->now_us;
    return false;
}

static void tell_secret(es_tls_conn_t *self)
{
    if (!self->plain_over || self->told_secret || es_byte_queue_size(&self->out)) return;
    ERR_clear_error();
    int rc = SSL_shutdown(self->ssl);
    self->wants_write = rc < 0 && SSL_get_error(self->ssl, rc) == SSL_ERROR_WANT_WRITE;
    if (self->wants_write) return;
    self->told_secret = true;
    self->since_us = self->now_us;
    shutdown(self->secret, SHUT_WR);
}

static void outward(es_tls_conn_t *self)
{
    for (int i = 0; i < RECORDS_OUT && move_out(self); i++) continue;
    if (self->state == ES_TLS_OPEN) tell_secret(self);
}

/* ---- one run */

uint64_t es_tls_conn_deadline(const es_tls_conn_t *self)
{
    if (self->state == ES_TLS_HANDSHAKE) return self->since_us + self->times->handshake_us;
    if (self->told_secret) return self->since_us + self->times->linger_us;
    bool owes = self->plain_over || es_byte_queue_size(&self->out) > 0;
    return owes ? self->since_us + self->times->send_us : UINT64_MAX;
}

void es_tls_conn_cut(es_tls_conn_t *self)
{
    const struct linger at_once = {.l_onoff = 1};
    if (!self->told_secret) setsockopt(self->secret, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    end(self);
}

static void shuttle(es_tls_conn_t *self)
{
    inward(self);
    if (self->state == ES_TLS_OPEN) outward(self);
    if (self->told_secret && self->secret_over) end(self);
    if (self->state == ES_TLS_OPEN && self->now_us >= es_tls_conn_deadline(self)) es_tls_conn_cut(self);
}

es_tls_state_t es_tls_conn_run(es_tls_conn_t *self, uint64_t now_us)
{
    self->now_us = now_us;
    if (self->state == ES_TLS_HANDSHAKE) {
        if (now_us >= es_tls_conn_deadline(self))
            fail(self, ES_TLS_SLOW);
        else
            shake_hands(self);
    }
    if (self->state == ES_TLS_OPEN && self->plain >= 0) shuttle(self);
    return self->state;
}

es_tls_state_t es_tls_conn_state(const es_tls_conn_t *self)
{
    return self->state;
}

es_tls_why_t es_tls_conn_why(const es_tls_conn_t *self)
{
    return self->why;
}

bool es_tls_conn_flooded(const es_tls_conn_t *self)
{
    return self->flooded;
}

unsigned es_tls_conn_wants(const es_tls_conn_t *self)
{
    bool in = es_byte_queue_size(&self->in) > 0, out = es_byte_queue_size(&self->out) > 0,
         open = self->state == ES_TLS_OPEN;
    return (!in && !self->secret_over ? ES_TLS_READ_SECRET : 0u) |
           (out || self->wants_write ? ES_TLS_WRITE_SECRET : 0u) |
           (open && !out && !self->plain_over ? ES_TLS_READ_PLAIN : 0u) | (in ? ES_TLS_WRITE_PLAIN : 0u) |
           (self->again ? ES_TLS_AGAIN : 0u);
}

bool es_tls_conn_ending(const es_tls_conn_t *self)
{
    return self->plain_over;
}

bool es_tls_conn_flushed(const es_tls_conn_t *self)
{
    return self->told_secret;
}

int es_tls_conn_secret(const es_tls_conn_t *self)
{
    return self->secret;
}

int es_tls_conn_plain(const es_tls_conn_t *self)
{
    return self->plain;
}
