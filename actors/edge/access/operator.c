#include "operator.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "secret_file.h"

enum { DRAWN_BYTES = 32, DIGEST = 32, FILE_MAX = 4096 };

static bool fits(const char *token, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=";
    return len >= ES_OPERATOR_MIN && len <= ES_OPERATOR_MAX && strspn(token, allowed) == len;
}

static int take_token(es_operator_t *self, es_secret_file_t *file, char *err, size_t err_len)
{
    if (es_secret_file_kept(file, "the operator's token", err, err_len) != 0) return -1;
    file->bytes[strcspn(file->bytes, "\r\n")] = 0;
    if (!fits(file->bytes, strlen(file->bytes))) {
        snprintf(err, err_len,
                 "%s is not an operator's token: it must be one line of %u to %u letters, digits or -._~+/=. Remove it "
                 "and one is made.",
                 self->file, ES_OPERATOR_MIN, ES_OPERATOR_MAX);
        return -1;
    }
    memcpy(self->token, file->bytes, strlen(file->bytes) + 1);
    return 0;
}

static int make_token(const char *file)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t drawn[DRAWN_BYTES];
    char line[2 * DRAWN_BYTES + 1];
    if (getrandom(drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn) return -1;
    for (size_t i = 0; i < sizeof drawn; i++) {
        line[2 * i] = digits[drawn[i] >> 4];
        line[2 * i + 1] = digits[drawn[i] & 15];
    }
    line[sizeof line - 1] = '\n';
    int rc = es_secret_file_make(file, line, sizeof line);
    int error = errno;
    OPENSSL_cleanse(drawn, sizeof drawn);
    OPENSSL_cleanse(line, sizeof line);
    errno = error;
    return rc;
}

int es_operator_load(es_operator_t *self, const char *file, char *err, size_t err_len)
{
    es_secret_file_t read;
    snprintf(self->file, sizeof self->file, "%s", file);
    if (access(file, F_OK) != 0 && make_token(file) != 0) {
        snprintf(err, err_len, "the operator's token %s can neither be read nor made: %s", file, strerror(errno));
        return -1;
    }
    if (es_secret_file_load(&read, file, FILE_MAX, err, err_len) != 0) return -1;
    int rc = take_token(self, &read, err, err_len);
    es_secret_file_fini(&read);
    return rc;
}

static void digest(const void *data, size_t len, uint8_t out[DIGEST])
{
    unsigned n = 0;
    if (!EVP_Digest(data, len, out, &n, EVP_sha256(), NULL) || n != DIGEST) abort();
}

/* Digests are compared: they are of one length, and what is alike in them tells nothing of what is alike in the tokens. */
bool es_operator_is(const es_operator_t *self, es_span_t token)
{
    uint8_t given[DIGEST], own[DIGEST];
    digest(token.len ? token.ptr : "", token.len, given);
    digest(self->token, strlen(self->token), own);
    return CRYPTO_memcmp(given, own, DIGEST) == 0;
}
