/* Who has signed a token: the algorithms of RFC 7518 and 8037, each for its kind of key. */
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <string.h>

#include "jwt_key.h"

enum { DER_MAX = 160 }; /* of two numbers of 521 bits */

typedef struct {
    const char *name;
    es_jwt_kind_t kind;
    unsigned bits; /* a secret: at least; EC: exactly */
    const EVP_MD *(*digest)(void);
    bool pss;
} algorithm_t;

static const algorithm_t algorithms[] = {
    {"HS256", ES_JWT_SECRET, 256, EVP_sha256, false},
    {"HS384", ES_JWT_SECRET, 384, EVP_sha384, false},
    {"HS512", ES_JWT_SECRET, 512, EVP_sha512, false},
    {"RS256", ES_JWT_RSA, 0, EVP_sha256, false},
    {"RS384", ES_JWT_RSA, 0, EVP_sha384, false},
    {"RS512", ES_JWT_RSA, 0, EVP_sha512, false},
    {"PS256", ES_JWT_RSA, 0, EVP_sha256, true},
    {"PS384", ES_JWT_RSA, 0, EVP_sha384, true},
    {"PS512", ES_JWT_RSA, 0, EVP_sha512, true},
    {"ES256", ES_JWT_EC, 256, EVP_sha256, false},
    {"ES384", ES_JWT_EC, 384, EVP_sha384, false},
    {"ES512", ES_JWT_EC, 521, EVP_sha512, false},
    {"EdDSA", ES_JWT_ED, 0, NULL, false},
};

/* The token's algorithm where it is one of this key's, else NULL. */
static const algorithm_t *algorithm_of(const es_jwt_key_t *key, const es_jwt_token_t *token)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const algorithm_t *a = &algorithms[i];
        if (strcmp(a->name, token->alg) != 0) continue;
        bool fits = a->kind == key->kind && (a->kind == ES_JWT_EC ? key->bits == a->bits : key->bits >= a->bits);
        return fits ? a : NULL;
    }
    return NULL;
}

bool es_jwt_key_fits(const es_jwt_key_t *self, const es_jwt_token_t *token)
{
    return algorithm_of(self, token) != NULL;
}

static bool is_mac(const es_jwt_key_t *key, const algorithm_t *a, const es_jwt_token_t *token)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    es_span_t text = token->signed_part;
    if (!HMAC(a->digest(), key->bytes, (int)key->len, (const uint8_t *)text.ptr, text.len, mac, &n)) return false;
    return token->signature_len == n && CRYPTO_memcmp(mac, token->signature, n) == 0;
}

/* The two numbers side by side, of the curve's length each (RFC 7518, section 3.4), as OpenSSL wants them; 0 where they are not. */
static size_t der_of(const es_jwt_key_t *key, const es_jwt_token_t *token, uint8_t out[DER_MAX])
{
    size_t half = (key->bits + 7) / 8;
    if (token->signature_len != 2 * half) return 0;
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(token->signature, (int)half, NULL), *s = BN_bin2bn(token->signature + half, (int)half, NULL);
    int len = 0;
    if (numbers && r && s && ECDSA_SIG_set0(numbers, r, s)) {
        r = s = NULL;
        len = i2d_ECDSA_SIG(numbers, NULL) <= DER_MAX ? i2d_ECDSA_SIG(numbers, &out) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(numbers);
    return len > 0 ? (size_t)len : 0;
}

static bool begin(EVP_MD_CTX *ctx, const es_jwt_key_t *key, const algorithm_t *a)
{
    EVP_PKEY_CTX *how = NULL;
    if (EVP_DigestVerifyInit(ctx, &how, a->digest ? a->digest() : NULL, NULL, key->public_) != 1) return false;
    return !a->pss || (EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
                       EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool is_signature(const es_jwt_key_t *key, const algorithm_t *a, es_span_t text, const uint8_t *signature,
                         size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good =
        ctx && begin(ctx, key, a) && EVP_DigestVerify(ctx, signature, len, (const uint8_t *)text.ptr, text.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error(); /* TLS asks the same queue what went wrong */
    return good;
}

bool es_jwt_key_verifies(const es_jwt_key_t *self, const es_jwt_token_t *token)
{
    uint8_t der[DER_MAX];
    const algorithm_t *a = algorithm_of(self, token);
    if (!a) return false;
    if (a->kind == ES_JWT_SECRET) return is_mac(self, a, token);
    if (a->kind != ES_JWT_EC) return is_signature(self, a, token->signed_part, token->signature, token->signature_len);
    size_t len = der_of(self, token, der);
    return len && is_signature(self, a, token->signed_part, der, len);
}
