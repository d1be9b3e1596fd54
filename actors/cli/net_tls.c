#include "net_tls.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

static void block_for(int fd, int timeout_ms)
{
    struct timeval wait = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000L};
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

static size_t ask(SSL *ssl, const char *question, size_t len, char *answer, size_t cap)
{
    size_t have = 0;
    if (SSL_connect(ssl) != 1 || SSL_write(ssl, question, (int)len) != (int)len) return 0;
    for (int n; have < cap && (n = SSL_read(ssl, answer + have, (int)(cap - have))) > 0;) have += (size_t)n;
    return have;
}

size_t es_net_tls_ask(int fd, const char *question, size_t len, char *answer, size_t cap, int timeout_ms)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = ctx ? SSL_new(ctx) : NULL;
    block_for(fd, timeout_ms);
    size_t have = ssl && SSL_set_fd(ssl, fd) == 1 ? ask(ssl, question, len, answer, cap) : 0;
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return have;
}

/* Unix time. */
static int64_t end_of(const X509 *certificate)
{
    struct tm at;
    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &at) == 1 ? (int64_t)timegm(&at) : 0;
}

static int look(SSL *ssl, int fd, const char *host, int64_t *until_s)
{
    SSL_set_tlsext_host_name(ssl, host);
    if (SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) return -1;
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    if (!certificate) return -1;
    *until_s = end_of(certificate);
    X509_free(certificate);
    return 0;
}

int es_net_tls_certificate(int fd, const char *host, int timeout_ms, int64_t *until_s)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = ctx ? SSL_new(ctx) : NULL;
    block_for(fd, timeout_ms);
    int result = ssl ? look(ssl, fd, host, until_s) : -1;
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return result;
}
