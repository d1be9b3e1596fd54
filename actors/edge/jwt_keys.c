#include "jwt_keys.h"

#include <jwt.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "jwt_key.h"
#include "secret_file.h"

typedef struct {
    char id[ES_JWT_KID_MAX + 1];
    es_jwt_key_t key;
    es_principal_t *signer;
} entry_t;

struct es_jwt_keys {
    entry_t entries[ES_JWT_KEYS_MAX];
    size_t count;
};

static const struct {
    const char *name;
    jwt_alg_t alg;
    es_jwt_kind_t kind;
    unsigned bits; /* RSA: any; a secret: at least; EC: exactly */
} algorithms[] = {
    {"HS256", JWT_ALG_HS256, ES_JWT_SECRET, 256}, {"HS384", JWT_ALG_HS384, ES_JWT_SECRET, 384},
    {"HS512", JWT_ALG_HS512, ES_JWT_SECRET, 512}, {"RS256", JWT_ALG_RS256, ES_JWT_RSA, 0},
    {"RS384", JWT_ALG_RS384, ES_JWT_RSA, 0},      {"RS512", JWT_ALG_RS512, ES_JWT_RSA, 0},
    {"ES256", JWT_ALG_ES256, ES_JWT_EC, 256},     {"ES384", JWT_ALG_ES384, ES_JWT_EC, 384},
    {"ES512", JWT_ALG_ES512, ES_JWT_EC, 521},
};

/* ---- files */

static void id_of(const char *file, char out[ES_JWT_KID_MAX + 1])
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file, *dot = strrchr(name, '.');
    size_t len = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    snprintf(out, ES_JWT_KID_MAX + 1, "%.*s", (int)len, name);
}

static entry_t *find(es_jwt_keys_t *self, const char *id)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->entries[i].id, id) == 0) return &self->entries[i];
    return NULL;
}

static int read_key(es_jwt_key_t *key, const char *path, char *err, size_t err_len)
{
    es_secret_file_t file;
    if (es_secret_file_load(&file, path, ES_JWT_FILE_MAX, err, err_len) != 0) return -1;
    int rc = es_jwt_key_parse(key, es_span_of(file.bytes, file.len), path, err, err_len);
    file.readable = file.readable && rc == 0 && key->kind == ES_JWT_SECRET;
    if (rc == 0 && es_secret_file_kept(&file, "a key that signs tokens", err, err_len) != 0) {
        es_jwt_key_fini(key);
        rc = -1;
    }
    es_secret_file_fini(&file);
    return rc;
}

static int add(es_jwt_keys_t *self, const char *file, char *err, size_t err_len)
{
    char id[ES_JWT_KID_MAX + 1], name[ES_JWT_KID_MAX + 16];
    id_of(file, id);
    if (self->count == ES_JWT_KEYS_MAX) {
        snprintf(err, err_len, "%.512s is one too many: at most %u keys sign tokens", file, ES_JWT_KEYS_MAX);
        return -1;
    }
    if (find(self, id)) {
        snprintf(err, err_len,
                 "%.512s: there is a key \"%s\" already; a key's id is its file's name without the ending", file, id);
        return -1;
    }
    entry_t *entry = &self->entries[self->count];
    if (read_key(&entry->key, file, err, err_len) != 0) return -1;
    es_grant_t nothing = {0};
    snprintf(name, sizeof name, "jwt-key:%s", id);
    memcpy(entry->id, id, sizeof id);
    entry->signer = es_principal_new(name, &nothing, UINT64_MAX, NULL);
    self->count++;
    return 0;
}

es_jwt_keys_t *es_jwt_keys_load(const char *files, char *err, size_t err_len)
{
    es_jwt_keys_t *self = es_alloc_zero(sizeof *self);
    for (size_t len; self && *files; files += len + (files[len] == ',')) {
        len = strcspn(files, ",");
        char *file = es_alloc_copy(files, len);
        if (len && add(self, file, err, err_len) != 0) es_jwt_keys_destroy(&self);
        free(file);
        if (!self) return NULL;
    }
    if (self->count) return self;
    snprintf(err, err_len, "no file is named");
    es_jwt_keys_destroy(&self);
    return NULL;
}

void es_jwt_keys_destroy(es_jwt_keys_t **self_p)
{
    es_jwt_keys_t *self = *self_p;
    if (!self) return;
    for (size_t i = 0; i < self->count; i++) {
        es_jwt_key_fini(&self->entries[i].key);
        es_principal_unref(&self->entries[i].signer);
    }
    free(self);
    *self_p = NULL;
}

void es_jwt_keys_hand_over(es_jwt_keys_t *self, es_jwt_keys_t *fresh)
{
    for (size_t i = 0; i < self->count; i++) {
        entry_t *old = &self->entries[i], *again = find(fresh, old->id);
        if (!again ||
            !es_span_eq(es_span_of(old->key.bytes, old->key.len), es_span_of(again->key.bytes, again->key.len))) {
            es_principal_revoke(old->signer);
            continue;
        }
        es_principal_unref(&again->signer);
        again->signer = es_principal_ref(old->signer);
    }
}

/* ---- signatures */

static bool may_verify(const es_jwt_key_t *key, size_t algorithm)
{
    unsigned bits = algorithms[algorithm].bits;
    if (key->kind != algorithms[algorithm].kind) return false;
    return key->kind == ES_JWT_EC ? key->bits == bits : key->bits >= bits;
}

/* libjwt looks up the algorithm by itself: what it took must be what was looked at. OpenSSL's complaints are not left for those who ask next. */
static bool verifies(const es_jwt_key_t *key, jwt_alg_t alg, const char *text)
{
    jwt_t *jwt = NULL;
    bool good = jwt_decode(&jwt, text, key->bytes, (int)key->len) == 0 && jwt_get_alg(jwt) == alg;
    jwt_free(jwt);
    ERR_clear_error();
    return good;
}

static es_principal_t *signer_with(es_jwt_keys_t *self, const es_jwt_token_t *token, size_t algorithm, const char *text)
{
    const entry_t *named = *token->kid ? find(self, token->kid) : NULL;
    for (size_t i = 0; i < self->count; i++) {
        const entry_t *entry = &self->entries[i];
        if ((named && entry != named) || !may_verify(&entry->key, algorithm)) continue;
        if (verifies(&entry->key, algorithms[algorithm].alg, text)) return entry->signer;
    }
    return NULL;
}

es_principal_t *es_jwt_keys_signer(es_jwt_keys_t *self, const es_jwt_token_t *token, es_span_t text)
{
    es_principal_t *signer = NULL;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        if (strcmp(algorithms[i].name, token->alg) != 0) continue;
        char *copy = es_alloc_copy(text.ptr, text.len);
        signer = signer_with(self, token, i, copy);
        free(copy);
    }
    return signer;
}
