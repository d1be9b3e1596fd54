#include "webhook_key.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "wire.h"

enum { MAC_LEN = 32, DRAWN_LEN = 64 };

static int read_key(es_webhook_key_t *key, const char *file)
{
    char text[ES_WEBHOOK_KEY_MAX + 2];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, text, sizeof text);
    close(fd);
    while (n > 0 && isspace((unsigned char)text[n - 1])) n--;
    if (n < (ssize_t)ES_WEBHOOK_KEY_MIN || n > (ssize_t)ES_WEBHOOK_KEY_MAX) {
        errno = EBADMSG;
        return -1;
    }
    memcpy(key->bytes, text, (size_t)n);
    key->len = (size_t)n;
    return 0;
}

/* Whole under another name first, then linked: whoever comes second finds the first one's key. */
static int make_key(const char *file)
{
    char fresh[1100], text[DRAWN_LEN + 2];
    snprintf(fresh, sizeof fresh, "%s.%d", file, (int)getpid());
    for (size_t at = 0; at < DRAWN_LEN; at += 16) es_hex16(es_random_u64(), text + at);
    text[DRAWN_LEN] = '\n';
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    bool written = write(fd, text, DRAWN_LEN + 1) == DRAWN_LEN + 1 && fsync(fd) == 0;
    int rc = close(fd) == 0 && written && (link(fresh, file) == 0 || errno == EEXIST) ? 0 : -1;
    int error = errno;
    unlink(fresh);
    errno = error;
    return rc;
}

int es_webhook_key_load(es_webhook_key_t *key, const char *file, char *err, size_t err_len)
{
    if (read_key(key, file) == 0) return 0;
    if (errno == ENOENT && make_key(file) == 0 && read_key(key, file) == 0) return 0;
    if (errno == EBADMSG)
        snprintf(err, err_len, "%s is not a key for webhooks: it must hold 16 to 256 bytes. Remove it and one is made.",
                 file);
    else
        snprintf(err, err_len, "the key for webhooks %s can neither be read nor made: %s", file, strerror(errno));
    return -1;
}

void es_webhook_key_sign(const es_webhook_key_t *key, uint64_t seconds, const void *body, size_t len,
                         char out[ES_WEBHOOK_SIGNATURE_MAX])
{
    uint8_t mac[MAC_LEN];
    unsigned mac_len = 0;
    char *text = es_alloc(len + 32);
    int head = snprintf(text, 32, "%" PRIu64 ".", seconds);
    memcpy(text + head, body, len);
    if (!HMAC(EVP_sha256(), key->bytes, (int)key->len, (const uint8_t *)text, (size_t)head + len, mac, &mac_len))
        abort();
    free(text);
    int n = snprintf(out, ES_WEBHOOK_SIGNATURE_MAX, "t=%" PRIu64 ",v1=", seconds);
    for (size_t i = 0; i < MAC_LEN; i++) snprintf(out + n + 2 * i, 3, "%02x", mac[i]);
}
