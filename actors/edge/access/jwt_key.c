#include "jwt_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, CURVE_NAME_MAX = 32 };
#define BEGIN "-----BEGIN "

static int complain(char *err, size_t err_len, const char *file, const char *what)
{
    snprintf(err, err_len, "%.512s %s", file, what);
    return -1;
}

/* ---- public keys */

/* Or the terminal would be asked. */
static int no_password(char *buf, int size, int writing, void *ctx)
{
    (void)buf, (void)size, (void)writing, (void)ctx;
    return -1;
}

static EVP_PKEY *read_pem(es_span_t bytes)
{
    BIO *in = BIO_new_mem_buf(bytes.ptr, (int)bytes.len);
    EVP_PKEY *key = in ? PEM_read_bio_PUBKEY(in, NULL, no_password, NULL) : NULL;
    BIO_free(in);
    if (key) return key;
    in = BIO_new_mem_buf(bytes.ptr, (int)bytes.len);
    X509 *certificate = in ? PEM_read_bio_X509(in, NULL, no_password, NULL) : NULL;
    BIO_free(in);
    key = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    return key;
}

static const char *judge_curve(es_jwt_key_t *self, const EVP_PKEY *key)
{
    static const struct {
        const char *curve;
        unsigned bits;
    } curves[] = {{"prime256v1", 256}, {"secp384r1", 384}, {"secp521r1", 521}};
    char name[CURVE_NAME_MAX] = "";
    EVP_PKEY_get_group_name(key, name, sizeof name, NULL);
    self->kind = ES_JWT_EC;
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (strcmp(curves[i].curve, name) == 0) self->bits = curves[i].bits;
    return self->bits ? NULL : "holds a key of a curve that no token is signed with: P-256, P-384 or P-521 is wanted";
}

/* NULL where it is one that tokens are signed with. */
static const char *judge(es_jwt_key_t *self, const EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
        return judge_curve(self, key);
    case EVP_PKEY_RSA:
        self->kind = ES_JWT_RSA;
        self->bits = (unsigned)bits;
        return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX ? NULL : "holds an RSA key that has not 2048 to 8192 bits";
    case EVP_PKEY_ED25519:
        self->kind = ES_JWT_ED;
        return NULL;
    default:
        return "holds a key that signs no token: RSA, P-256, P-384, P-521 or Ed25519 is wanted";
    }
}

static int parse_pem(es_jwt_key_t *self, es_span_t bytes, const char *file, char *err, size_t err_len)
{
    if (memmem(bytes.ptr, bytes.len, "PRIVATE KEY", 11))
        return complain(err, err_len, file,
                        "holds a private key; the edge wants the public one: openssl pkey -pubout -in KEY -out PUBLIC");
    EVP_PKEY *key = read_pem(bytes);
    ERR_clear_error();
    if (!key) return complain(err, err_len, file, "is PEM but holds neither a public key nor a certificate");
    const char *wrong = judge(self, key);
    unsigned char *der = NULL;
    int len = wrong ? 0 : i2d_PUBKEY(key, &der);
    if (len > 0) {
        self->public_ = key;
        self->bytes = (uint8_t *)es_alloc_copy(der, (size_t)len);
        self->len = (size_t)len;
        OPENSSL_free(der);
        return 0;
    }
    EVP_PKEY_free(key);
    return complain(err, err_len, file, wrong ? wrong : "holds a key that cannot be used");
}

/* ---- secrets */

static bool begins(es_span_t bytes, const char *with)
{
    size_t n = strlen(with);
    return bytes.len >= n && memcmp(bytes.ptr, with, n) == 0;
}

static bool is_der(const uint8_t *bytes, long len)
{
    const uint8_t *at = bytes;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, len);
    at = bytes;
    X509 *certificate = d2i_X509(NULL, &at, len);
    bool public = key || certificate;
    EVP_PKEY_free(key);
    X509_free(certificate);
    ERR_clear_error();
    return public;
}

/* PEM without its first and last line. */
static bool is_bare_pem(es_span_t bytes)
{
    uint8_t *out = es_alloc(bytes.len + 4);
    EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
    int len = 0, more = 0;
    EVP_DecodeInit(ctx);
    bool public = ctx && EVP_DecodeUpdate(ctx, out, &len, (const uint8_t *)bytes.ptr, (int)bytes.len) >= 0 &&
                  EVP_DecodeFinal(ctx, out + len, &more) >= 0 && is_der(out, len + more);
    EVP_ENCODE_CTX_free(ctx);
    ERR_clear_error();
    free(out);
    return public;
}

/* What everybody may know must never be taken for a secret: whoever knows it could sign. */
static bool looks_public(es_span_t bytes)
{
    size_t blank = 0;
    while (blank < bytes.len && strchr(" \t\r\n", bytes.ptr[blank]) && bytes.ptr[blank]) blank++;
    es_span_t text = es_span_of(bytes.ptr + blank, bytes.len - blank);
    return begins(text, "{") || begins(text, "[") || begins(text, "ssh-") || begins(text, "ecdsa-") ||
           is_der((const uint8_t *)bytes.ptr, (long)bytes.len) || is_bare_pem(bytes);
}

static size_t without_line_end(es_span_t bytes)
{
    size_t len = bytes.len;
    if (len && bytes.ptr[len - 1] == '\n') len--;
    return len < bytes.len && len && bytes.ptr[len - 1] == '\r' ? len - 1 : len;
}

static int parse_secret(es_jwt_key_t *self, es_span_t bytes, const char *file, char *err, size_t err_len)
{
    size_t len = without_line_end(bytes);
    if (looks_public(bytes))
        return complain(err, err_len, file,
                        "holds a public key in another form than PEM, which is no secret; write it as PEM");
    if (len < ES_JWT_SECRET_MIN)
        return complain(err, err_len, file,
                        "is too short for a secret: at least 32 bytes; \"earshot token --new-key FILE\" makes one");
    *self = (es_jwt_key_t){.kind = ES_JWT_SECRET,
                           .bits = (unsigned)len * 8,
                           .bytes = (uint8_t *)es_alloc_copy(bytes.ptr, len),
                           .len = len};
    return 0;
}

int es_jwt_key_parse(es_jwt_key_t *self, es_span_t bytes, const char *file, char *err, size_t err_len)
{
    *self = (es_jwt_key_t){.bits = 0};
    bool pem = bytes.len && memmem(bytes.ptr, bytes.len, BEGIN, sizeof BEGIN - 1);
    return pem ? parse_pem(self, bytes, file, err, err_len) : parse_secret(self, bytes, file, err, err_len);
}

void es_jwt_key_fini(es_jwt_key_t *self)
{
    if (self->bytes) OPENSSL_cleanse(self->bytes, self->len);
    free(self->bytes);
    EVP_PKEY_free(self->public_);
    *self = (es_jwt_key_t){.bits = 0};
}
