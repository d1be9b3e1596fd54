/* HOST:PORT to listen on, as people write it: 127.0.0.1:9100, [::1]:9100, localhost:0. */
#ifndef ES_LISTEN_ADDRESS_H
#define ES_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

typedef struct {
    struct sockaddr_storage at;
    socklen_t len;
    bool loopback; /* only programs of this machine reach it */
    bool shared;   /* with others of this user that say so too (SO_REUSEPORT); not what is parsed */
} es_listen_address_t;

/* 0, or -1 with what is wrong and what to write instead. Names are looked up. */
int es_listen_address_parse(es_listen_address_t *out, const char *text, char *err, size_t err_len);
/* A listening socket that does not block; or -1 with errno. */
int es_listen_address_open(const es_listen_address_t *self, int backlog);
/* Where a listening socket is, as a URL without a path; every address is shown as this machine's own. */
void es_listen_address_url(int fd, const char *scheme, char *out, size_t cap);

#endif
