#include "webhook_key.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "secret_file.h"
#include "wire.h"

enum { MAC_LEN = 32, DRAWN_LEN = 64, FILE_MAX = 4096 };

static int take_key(es_webhook_key_t *key, const es_secret_file_t *file, char *err, size_t err_len)
{
    size_t n = file->len;
    if (es_secret_file_kept(file, "the key for webhooks", err, err_len) != 0) return -1;
    while (n > 0 && isspace((unsigned char)file->bytes[n - 1])) n--;
    if (n < ES_WEBHOOK_KEY_MIN || n > ES_WEBHOOK_KEY_MAX) {
        snprintf(err, err_len, "%s is not a key for webhooks: it must hold 16 to 256 bytes. Remove it and one is made.",
                 file->name);
        return -1;
    }
    memcpy(key->bytes, file->bytes, n);
    key->len = n;
    return 0;
}

static int make_key(const char *file)
{
    char text[DRAWN_LEN + 2];
    for (size_t at = 0; at < DRAWN_LEN; at += 16) es_hex16(es_random_u64(), text + at);
    text[DRAWN_LEN] = '\n';
    int rc = es_secret_file_make(file, text, DRAWN_LEN + 1), error = errno;
    explicit_bzero(text, sizeof text);
    errno = error;
    return rc;
}

int es_webhook_key_load(es_webhook_key_t *key, const char *file, char *err, size_t err_len)
{
    es_secret_file_t read;
    if (access(file, F_OK) != 0 && make_key(file) != 0) {
        snprintf(err, err_len, "the key for webhooks %s can neither be read nor made: %s", file, strerror(errno));
        return -1;
    }
    if (es_secret_file_load(&read, file, FILE_MAX, err, err_len) != 0) return -1;
    int rc = take_key(key, &read, err, err_len);
    es_secret_file_fini(&read);
    return rc;
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
