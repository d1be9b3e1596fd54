#include "tls_hello.h"

#include <string.h>

enum { HANDSHAKE = 22, CLIENT_HELLO = 1 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Bytes taken of a head that has `size` of them. */
static size_t fill(uint8_t *head, uint8_t *have, size_t size, const uint8_t *data, size_t len)
{
    size_t n = least(size - *have, len);
    memcpy(head + *have, data, n);
    *have = (uint8_t)(*have + n);
    return n;
}

/* The bodies of handshake records are one row of messages, whatever records they are cut into. */
static bool read_messages(es_tls_hello_t *self, const uint8_t *data, size_t len)
{
    while (len) {
        bool within = self->message_left > 0;
        size_t n = within ? least(self->message_left, len)
                          : fill(self->message, &self->message_have, sizeof self->message, data, len);
        data += n;
        len -= n;
        if (within) {
            self->message_left -= (uint32_t)n;
        } else if (self->message_have == sizeof self->message) {
            const uint8_t *head = self->message;
            self->message_have = 0;
            self->message_left = (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
            if (*head == CLIENT_HELLO && self->message_left > ES_TLS_HELLO_MAX) return false;
        }
    }
    return true;
}

bool es_tls_hello_read(es_tls_hello_t *self, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len) {
        bool within = self->record_left > 0;
        size_t n = within ? least(self->record_left, len)
                          : fill(self->record, &self->record_have, sizeof self->record, at, len);
        if (within && *self->record == HANDSHAKE && !read_messages(self, at, n)) return false;
        at += n;
        len -= n;
        if (within) {
            self->record_left -= (uint32_t)n;
        } else if (self->record_have == sizeof self->record) {
            self->record_have = 0;
            self->record_left = (uint32_t)self->record[3] << 8 | self->record[4];
        }
    }
    return true;
}
