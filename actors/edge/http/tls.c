#include "tls.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"

#define TICKET_KEY_US (UINT64_C(6) * 3600 * 1000000)

enum { TICKET_KEYS = 80, REASON_MAX = 200, SOON_DAYS = 7, DAY_S = 86400 };

static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

static ES_METRIC_COUNTER(reloads, "earshot_edge_tls_reloads_total{outcome=\"done\"}",
                         "times that the certificate was read again");
static ES_METRIC_COUNTER(reload_failures, "earshot_edge_tls_reloads_total{outcome=\"failed\"}",
                         "times that the certificate was read again");
static ES_METRIC_GAUGE(expires_s, "earshot_edge_tls_certificate_expires_seconds",
                       "Unix time at which the certificate expires");

struct es_tls {
    char *cert, *key;
    SSL_CTX *ctx;
    uint64_t ticket_key_at; /* drawn then; 0: not yet */
};

es_metric_t *const *es_tls_metrics(void)
{
    static es_metric_t *const list[] = {&reloads, &reload_failures, &expires_s, NULL};
    return list;
}

/* ---- files */

static const char *reason(char out[REASON_MAX])
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(out, REASON_MAX, "%s", text ? text : "unknown error");
    ERR_clear_error();
    return out;
}

static int check_readable(const char *what, const char *file, char *err, size_t err_len)
{
    FILE *in = fopen(file, "re");
    if (in) return fclose(in);
    snprintf(err, err_len, "%s %s cannot be read: %s", what, file, strerror(errno));
    return -1;
}

static int check_private(const char *file, char *err, size_t err_len)
{
    struct stat st;
    if (stat(file, &st) || !(st.st_mode & 07)) return 0;
    snprintf(err, err_len,
             "--tls-key %s is open to every user of this machine; chmod 600 (or 640) it, and think whether it must be "
             "replaced",
             file);
    return -1;
}

/* A key with a passphrase is none for a program that starts by itself. */
static int no_passphrase(char *out, int cap, int writing, void *ctx)
{
    (void)out;
    (void)cap;
    (void)writing;
    (void)ctx;
    return 0;
}

static int use_files(SSL_CTX *ctx, const char *cert, const char *key, char *err, size_t err_len)
{
    char why[REASON_MAX];
    ERR_clear_error();
    if (check_readable("--tls-cert", cert, err, err_len) || check_readable("--tls-key", key, err, err_len) ||
        check_private(key, err, err_len))
        return -1;
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        snprintf(err, err_len, "--tls-cert %s is no PEM file of a certificate and its chain: %s", cert, reason(why));
    else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 &&
             ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_VALUES_MISMATCH)
        snprintf(err, err_len, "--tls-key %s is no PEM file of a private key without a passphrase: %s", key,
                 reason(why));
    else if (SSL_CTX_check_private_key(ctx) != 1)
        snprintf(err, err_len, "--tls-key %s is not the key of the certificate in --tls-cert %s", key, cert);
    else
        return 0;
    ERR_clear_error();
    return -1;
}

/* ---- rules */

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                           unsigned in_len, void *ctx)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found;
    (void)ssl;
    (void)ctx;
    if (SSL_select_next_proto(&found, out_len, ours, sizeof ours - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = found;
    return SSL_TLSEXT_ERR_OK;
}

static void set_rules(SSL_CTX *ctx)
{
    int ok = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) && SSL_CTX_set_cipher_list(ctx, ciphers) &&
             SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384");
    assert(ok);
    (void)ok;
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets carry it */
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
}

/* ---- the certificate's time */

static void look_at_time(const char *file, const X509 *cert)
{
    struct tm parts;
    time_t now = time(NULL), end = 0, soon = now + (time_t)SOON_DAYS * DAY_S;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &parts)) end = timegm(&parts);
    es_metric_set(&expires_s, end > 0 ? (uint64_t)end : 0);
    if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0)
        es_log_warn("the certificate is not valid yet: clients will refuse it; is the clock right?",
                    ES_S("file", file));
    if (end <= now)
        es_log_warn("the certificate has expired: clients will refuse it; renew it, then send SIGHUP",
                    ES_S("file", file));
    else if (end <= soon)
        es_log_warn("the certificate expires soon; renew it, then send SIGHUP", ES_S("file", file),
                    ES_U("hours", (uint64_t)(end - now) / 3600));
}

/* ---- life */

static int load(es_tls_t *self, char *err, size_t err_len)
{
    SSL_CTX *fresh = SSL_CTX_new(TLS_server_method());
    assert(fresh); /* it takes nothing but memory */
    set_rules(fresh);
    if (use_files(fresh, self->cert, self->key, err, err_len)) {
        SSL_CTX_free(fresh);
        return -1;
    }
    SSL_CTX_free(self->ctx);
    self->ctx = fresh;
    self->ticket_key_at = 0;
    look_at_time(self->cert, SSL_CTX_get0_certificate(fresh));
    return 0;
}

es_tls_t *es_tls_new(const char *cert, const char *key, char *err, size_t err_len)
{
    es_tls_t *self = es_alloc_zero(sizeof *self);
    self->cert = es_alloc_copy(cert, strlen(cert));
    self->key = es_alloc_copy(key, strlen(key));
    if (load(self, err, err_len)) es_tls_destroy(&self);
    return self;
}

void es_tls_destroy(es_tls_t **self_p)
{
    es_tls_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    SSL_CTX_free(self->ctx);
    free(self->cert);
    free(self->key);
    free(self);
}

int es_tls_reload(es_tls_t *self, char *err, size_t err_len)
{
    int rc = load(self, err, err_len);
    es_metric_add(rc ? &reload_failures : &reloads, 1);
    return rc;
}

/* Who has an older ticket makes a whole handshake, which is all that a ticket saves. */
static void keep_ticket_key(es_tls_t *self, uint64_t now_us)
{
    unsigned char keys[TICKET_KEYS];
    if (self->ticket_key_at && now_us - self->ticket_key_at < TICKET_KEY_US) return;
    self->ticket_key_at = now_us;
    if (RAND_bytes(keys, sizeof keys) == 1) SSL_CTX_set_tlsext_ticket_keys(self->ctx, keys, sizeof keys);
    OPENSSL_cleanse(keys, sizeof keys);
}

struct ssl_st *es_tls_server(es_tls_t *self, int fd, uint64_t now_us)
{
    keep_ticket_key(self, now_us);
    SSL *ssl = SSL_new(self->ctx);
    int ok = ssl && SSL_set_fd(ssl, fd);
    assert(ok); /* nothing but memory */
    (void)ok;
    SSL_set_accept_state(ssl);
    return ssl;
}
