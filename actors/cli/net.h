/* Small blocking helpers for addresses: why a connection fails, one HTTP GET. Never for audio. */
#ifndef ES_NET_H
#define ES_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char host[256];
    uint16_t port;
    bool tls;
} es_net_address_t;

/* Tries to reach host:port within timeout_ms. 0, or -1 with the reason in words in err ("connection refused"). */
int es_net_try(const char *host, uint16_t port, int timeout_ms, char *err, size_t err_len);
/* HTTP status of GET path, or -1 where no answer came within about timeout_ms. Over TLS whoever answers is believed: for a child of ours. */
int es_net_get(const es_net_address_t *at, const char *path, int timeout_ms);
/* Until when the certificate is good that is shown there, in Unix time. 0, or -1 with the reason in err. */
int es_net_certificate(const char *host, uint16_t port, int timeout_ms, int64_t *until_s, char *err, size_t err_len);
/* Could a server listen there now? 0, or -1 with the reason in err. Port 0 always can. */
int es_net_free(const char *host, uint16_t port, char *err, size_t err_len);
/* Reads http://HOST:PORT, or https, as an edge writes it with --addr-file; an any-address becomes the loopback. 0, or -1 where the file is not there or not
 * such. */
int es_net_read_addr(const char *file, es_net_address_t *out);
/* "http://127.0.0.1:8000": scheme is "http" or "ws", as TLS is not. */
void es_net_url(char *out, size_t out_len, const es_net_address_t *at, const char *scheme, const char *path);

#endif
