/* Keys and tokens made on the spot, right and wrong ones, with OpenSSL alone. Included once, by the test. */
#ifndef JWT_WORLD_H
#define JWT_WORLD_H

#include "identity_world.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base64url.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NOW UINT64_C(1700000000)
#define HEADER(alg) "{\"alg\":\"" alg "\",\"typ\":\"JWT\"}"
#define CLAIMS "{\"sub\":\"alice\",\"exp\":1700000060,\"rights\":[\"stream\",\"room.join\"],\"rooms\":[\"team-*\"]}"

enum { TOKEN_ROOM = 16384 };
typedef struct {
    char text[TOKEN_ROOM];
} token_t;

/* "header.claims" */
static inline void token_begin(token_t *out, const char *header, const char *claims)
{
    es_base64url_encode((const uint8_t *)header, strlen(header), out->text);
    strcat(out->text, ".");
    es_base64url_encode((const uint8_t *)claims, strlen(claims), out->text + strlen(out->text));
}

static inline const char *token_end(token_t *out, const uint8_t *signature, size_t len)
{
    strcat(out->text, ".");
    es_base64url_encode(signature, len, out->text + strlen(out->text));
    return out->text;
}

static inline const char *sign_hmac(token_t *out, const EVP_MD *md, const void *key, size_t len, const char *header,
                                    const char *claims)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    token_begin(out, header, claims);
    assert_non_null(HMAC(md, key, (int)len, (const uint8_t *)out->text, strlen(out->text), mac, &n));
    return token_end(out, mac, n);
}

static inline const char *hs256(token_t *out, const char *claims)
{
    return sign_hmac(out, EVP_sha256(), SECRET, strlen(SECRET), HEADER("HS256"), claims);
}

/* DER to the two numbers side by side (RFC 7518, section 3.4). */
static inline size_t raw_of(uint8_t *signature, size_t len, int bytes)
{
    const uint8_t *at = signature;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    assert_non_null(sig);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, bytes), bytes);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + bytes, bytes), bytes);
    ECDSA_SIG_free(sig);
    return 2 * (size_t)bytes;
}

static inline const char *sign_pkey(token_t *out, const EVP_MD *md, EVP_PKEY *key, const char *header,
                                    const char *claims)
{
    uint8_t signature[1024];
    size_t len = sizeof signature;
    token_begin(out, header, claims);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL;
    assert_int_equal(EVP_DigestSignInit(ctx, &how, md, NULL, key), 1);
    if (strstr(header, "\"PS")) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const uint8_t *)out->text, strlen(out->text)), 1);
    EVP_MD_CTX_free(ctx);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) len = raw_of(signature, len, (EVP_PKEY_get_bits(key) + 7) / 8);
    return token_end(out, signature, len);
}

static inline const char *public_pem(EVP_PKEY *key, char *out, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    int n = BIO_read(bio, out, (int)cap - 1);
    assert_true(n > 0);
    out[n] = 0;
    BIO_free(bio);
    return out;
}

static inline es_identity_t *with_secret(void)
{
    return world_identity((es_identity_config_t){.jwt_keys = world_file("secret", SECRET "\n"), .leeway_s = 30});
}

/* Of this key's public half. */
static inline es_identity_t *with_key(EVP_PKEY *key)
{
    char pem[2048];
    return world_identity(
        (es_identity_config_t){.jwt_keys = world_file_mode("key.pem", public_pem(key, pem, sizeof pem), 0644)});
}

#endif
