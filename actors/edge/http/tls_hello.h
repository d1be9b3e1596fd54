/* How large is the ClientHello that a stranger announces? A TLS library makes room for all of it when it has seen its first four bytes, which cost nobody anything. Follows what a client sends in
 * the clear, record by record, however it is cut into pieces; what is no TLS, or no ClientHello, is left to the library. Pure. */
#ifndef ES_TLS_HELLO_H
#define ES_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Those of browsers have 2 KiB, with keys that withstand quantum computers. */
#define ES_TLS_HELLO_MAX 16384u

/* All zero: nothing was read yet. */
typedef struct {
    uint8_t record[5], message[4]; /* the heads that are read */
    uint8_t record_have, message_have;
    uint32_t record_left, message_left; /* of their bodies */
} es_tls_hello_t;

/* The next bytes of the connection, as they came. False: a ClientHello of more than ES_TLS_HELLO_MAX bytes is announced; nothing more is to be read then. */
bool es_tls_hello_read(es_tls_hello_t *self, const void *data, size_t len);

#endif
