#include "operator.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret_file.h"

enum { DRAWN_BYTES = 32, DIGEST = 32 };

static bool fits(const char *token, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=";
    return len >= ES_OPERATOR_MIN && len <= ES_OPERATOR_MAX && strspn(token, allowed) == len;
}

static int read_token(es_operator_t *self, const char *file)
{
    char text[ES_OPERATOR_MAX + 3];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n < 0) return -1;
    text[n] = 0;
    text[strcspn(text, "\r\n")] = 0;
    bool good = fits(text, strlen(text));
    if (good) memcpy(self->token, text, strlen(text) + 1);
    OPENSSL_cleanse(text, sizeof text);
    errno = good ? 0 : EBADMSG;
    return good ? 0 : -1;
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
    snprintf(self->file, sizeof self->file, "%s", file);
    if (read_token(self, file) == 0) return 0;
    if (errno == ENOENT && make_token(file) == 0 && read_token(self, file) == 0) return 0;
    if (errno == EBADMSG)
        snprintf(err, err_len,
                 "%s is not an operator's token: it must be one line of %u to %u letters, digits or -._~+/=. Remove it "
                 "and one is made.",
                 file, ES_OPERATOR_MIN, ES_OPERATOR_MAX);
    else
        snprintf(err, err_len, "the operator's token %s can neither be read nor made: %s", file, strerror(errno));
    return -1;
}

static void digest(const void *data, size_t len, uint8_t out[DIGEST])
{
    unsigned n = 0;
    if (!EVP_Digest(data, len, out, &n, EVP_sha256(), NULL) || n != DIGEST) abort();
}

bool es_operator_exposed(const es_operator_t *self)
{
    struct stat st;
    return stat(self->file, &st) == 0 && (st.st_mode & 077) != 0;
}

/* Digests are compared: they are of one length, and what is alike in them tells nothing of what is alike in the tokens. */
bool es_operator_is(const es_operator_t *self, es_span_t token)
{
    uint8_t given[DIGEST], own[DIGEST];
    digest(token.len ? token.ptr : "", token.len, given);
    digest(self->token, strlen(self->token), own);
    return CRYPTO_memcmp(given, own, DIGEST) == 0;
}
