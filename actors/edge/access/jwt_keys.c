#include "jwt_keys.h"

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

static void id_of(const char *file, char out[ES_JWT_KID_MAX + 1])
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file, *dot = strrchr(name, '.');
    size_t len = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    snprintf(out, ES_JWT_KID_MAX + 1, "%.*s", (int)len, name);
}

static const entry_t *find(const es_jwt_keys_t *self, const char *id)
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

static int add_all(es_jwt_keys_t *self, const char *files, char *err, size_t err_len)
{
    int rc = 0;
    for (size_t len; rc == 0 && *files; files += len + (files[len] == ',')) {
        len = strcspn(files, ",");
        if (!len) continue;
        char *file = es_alloc_copy(files, len);
        rc = add(self, file, err, err_len);
        free(file);
    }
    if (rc != 0 || self->count) return rc;
    snprintf(err, err_len, "no file is named");
    return -1;
}

es_jwt_keys_t *es_jwt_keys_load(const char *files, char *err, size_t err_len)
{
    es_jwt_keys_t *self = es_alloc_zero(sizeof *self);
    if (add_all(self, files, err, err_len) != 0) es_jwt_keys_destroy(&self);
    return self;
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

static bool same(const entry_t *a, const entry_t *b)
{
    return strcmp(a->id, b->id) == 0 &&
           es_span_eq(es_span_of(a->key.bytes, a->key.len), es_span_of(b->key.bytes, b->key.len));
}

void es_jwt_keys_hand_over(es_jwt_keys_t *self, es_jwt_keys_t *fresh)
{
    for (size_t i = 0; i < self->count; i++) {
        entry_t *old = &self->entries[i], *again = NULL;
        for (size_t k = 0; k < fresh->count; k++)
            if (same(old, &fresh->entries[k])) again = &fresh->entries[k];
        if (!again) {
            es_principal_revoke(old->signer);
            continue;
        }
        es_principal_unref(&again->signer);
        again->signer = es_principal_ref(old->signer);
    }
}

es_principal_t *es_jwt_keys_signer(const es_jwt_keys_t *self, const es_jwt_token_t *token)
{
    const entry_t *named = *token->kid ? find(self, token->kid) : NULL;
    for (size_t i = 0; i < self->count; i++) {
        const entry_t *entry = &self->entries[i];
        bool asked = (!named || entry == named) && es_jwt_key_fits(&entry->key, token);
        if (asked && es_jwt_key_verifies(&entry->key, token)) return entry->signer;
    }
    return NULL;
}

bool es_jwt_keys_public(const es_jwt_keys_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->entries[i].key.kind != ES_JWT_SECRET) return true;
    return false;
}
