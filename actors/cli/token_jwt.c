#include "token_jwt.h"

#include <errno.h>
#include <jwt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "secret_file.h"

enum { FILE_MAX = 16384, SECRET_MIN = 32, SECRET_DRAWN = 32, ID_MAX = 128, CURVE_NAME_MAX = 32 };

static int complain(char *err, size_t err_len, const char *file, const char *what)
{
    snprintf(err, err_len, "%.512s %s", file, what);
    return -1;
}

/* ---- the key */

static int no_password(char *buf, int size, int writing, void *ctx)
{
    (void)buf, (void)size, (void)writing, (void)ctx;
    return -1;
}

static jwt_alg_t algorithm_of(const EVP_PKEY *key)
{
    static const struct {
        const char *curve;
        jwt_alg_t alg;
    } curves[] = {{"prime256v1", JWT_ALG_ES256}, {"secp384r1", JWT_ALG_ES384}, {"secp521r1", JWT_ALG_ES512}};
    char name[CURVE_NAME_MAX] = "";
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) return JWT_ALG_RS256;
    EVP_PKEY_get_group_name(key, name, sizeof name, NULL);
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (strcmp(curves[i].curve, name) == 0) return curves[i].alg;
    return JWT_ALG_INVAL;
}

static int judge_pem(const es_secret_file_t *file, jwt_alg_t *alg, char *err, size_t err_len)
{
    BIO *in = BIO_new_mem_buf(file->bytes, (int)file->len);
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_password, NULL) : NULL;
    BIO_free(in);
    if (!key)
        return complain(err, err_len, file->name,
                        "holds no private key that can be read; an encrypted one: openssl pkey -in KEY -out PLAIN");
    *alg = algorithm_of(key);
    EVP_PKEY_free(key);
    if (*alg != JWT_ALG_INVAL) return 0;
    return complain(err, err_len, file->name, "holds a key that signs no token: RSA, P-256, P-384 or P-521 is wanted");
}

static int judge_secret(es_secret_file_t *file, jwt_alg_t *alg, char *err, size_t err_len)
{
    if (file->len && file->bytes[file->len - 1] == '\n') file->len--;
    if (file->len && file->bytes[file->len] == '\n' && file->bytes[file->len - 1] == '\r') file->len--;
    *alg = JWT_ALG_HS256;
    if (file->len >= SECRET_MIN) return 0;
    return complain(err, err_len, file->name,
                    "is too short for a secret: at least 32 bytes; \"earshot token --new-key FILE\" makes one");
}

static int read_key(es_secret_file_t *file, const char *path, jwt_alg_t *alg, char *err, size_t err_len)
{
    if (es_secret_file_load(file, path, FILE_MAX, err, err_len) != 0) return -1;
    int rc = es_secret_file_kept(file, "a key that signs tokens", err, err_len);
    bool pem = strstr(file->bytes, "-----BEGIN ");
    if (rc == 0) rc = pem ? judge_pem(file, alg, err, err_len) : judge_secret(file, alg, err, err_len);
    if (rc != 0) es_secret_file_fini(file);
    return rc;
}

/* As the edge names its keys: one of this name there is tried first. */
static void id_of(const char *path, char out[ID_MAX + 1])
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    size_t len = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    snprintf(out, ID_MAX + 1, "%.*s", (int)len, name);
}

/* ---- signing */

static char *sign(const es_secret_file_t *key, jwt_alg_t alg, const char *id, const char *claims)
{
    jwt_t *jwt = NULL;
    char *token = NULL;
    if (jwt_new(&jwt) == 0 && jwt_add_grants_json(jwt, claims) == 0 && jwt_add_header(jwt, "kid", id) == 0 &&
        jwt_set_alg(jwt, alg, (const unsigned char *)key->bytes, (int)key->len) == 0)
        token = jwt_encode_str(jwt);
    jwt_free(jwt);
    return token;
}

char *es_token_sign(const char *key_file, const json_t *claims, char *err, size_t err_len)
{
    es_secret_file_t key;
    jwt_alg_t alg = JWT_ALG_INVAL;
    char id[ID_MAX + 1];
    if (read_key(&key, key_file, &alg, err, err_len) != 0) return NULL;
    id_of(key_file, id);
    char *text = json_dumps(claims, JSON_COMPACT), *token = text ? sign(&key, alg, id, text) : NULL;
    free(text);
    es_secret_file_fini(&key);
    if (!token) complain(err, err_len, key_file, "cannot sign; is it damaged?");
    return token;
}

/* ---- a new one */

int es_token_new_key(const char *file, char *err, size_t err_len)
{
    uint8_t drawn[SECRET_DRAWN];
    char line[2 * SECRET_DRAWN + 2];
    if (access(file, F_OK) == 0)
        return complain(err, err_len, file,
                        "is there already; tokens that it has signed would be void. Remove it first");
    if (getrandom(drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn) abort();
    for (size_t i = 0; i < sizeof drawn; i++) snprintf(line + 2 * i, 3, "%02x", drawn[i]);
    line[(size_t)2 * SECRET_DRAWN] = '\n';
    int rc = es_secret_file_make(file, line, sizeof line - 1), error = errno;
    OPENSSL_cleanse(drawn, sizeof drawn);
    OPENSSL_cleanse(line, sizeof line);
    if (rc == 0) return 0;
    snprintf(err, err_len, "%.512s cannot be made: %s", file, strerror(error));
    return -1;
}
