#include "api_keys.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "room_wire.h"
#include "secret_file.h"

enum { HEX = 2 * ES_API_KEY_DIGEST, SHOWN = 64 };
#define PREFIX "key:"

typedef struct {
    uint8_t digest[ES_API_KEY_DIGEST];
    es_principal_t *principal;
} entry_t;

struct es_api_keys {
    entry_t *entries;
    size_t count, cap;
};

/* Where the parser is, for its complaints. */
typedef struct {
    const char *file;
    unsigned line;
    char *err;
    size_t err_len;
} place_t;

__attribute__((format(printf, 2, 3))) static int complain(const place_t *at, const char *format, ...)
{
    char what[300];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(at->err, at->err_len, "%.512s, line %u: %s", at->file, at->line, what);
    return -1;
}

/* ---- one line */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of the line; empty at its end. */
static es_span_t next_word(es_span_t *line)
{
    size_t at = 0, end;
    while (at < line->len && blank(line->ptr[at])) at++;
    for (end = at; end < line->len && !blank(line->ptr[end]); end++) continue;
    es_span_t word = es_span_of(line->ptr + at, end - at);
    *line = es_span_of(line->ptr + end, line->len - end);
    return word;
}

static int shown(es_span_t word)
{
    return (int)(word.len < SHOWN ? word.len : SHOWN);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int parse_digest(const place_t *at, es_span_t word, uint8_t out[ES_API_KEY_DIGEST])
{
    bool fine = word.len == HEX;
    for (size_t i = 0; fine && i < ES_API_KEY_DIGEST; i++) {
        int high = hex_value(word.ptr[2 * i]), low = hex_value(word.ptr[2 * i + 1]);
        fine = high >= 0 && low >= 0;
        out[i] = (uint8_t)(fine ? high << 4 | low : 0);
    }
    /* Not shown: whoever writes the key itself there by mistake should not find it in a log. */
    return fine ? 0 : complain(at, "the second word is not a SHA-256 digest, %d hex digits", HEX);
}

static bool is_name(es_span_t word)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    for (size_t i = 0; i < word.len; i++)
        if (!word.ptr[i] || !strchr(allowed, word.ptr[i])) return false;
    return word.len > 0 && word.len <= ES_NAME_MAX;
}

/* The next of a list with commas; *list is what follows it. */
static es_span_t next_item(es_span_t *list)
{
    const char *comma = memchr(list->ptr, ',', list->len);
    size_t len = comma ? (size_t)(comma - list->ptr) : list->len;
    es_span_t item = es_span_of(list->ptr, len);
    *list = comma ? es_span_of(comma + 1, list->len - len - 1) : (es_span_t){0};
    return item;
}

static int parse_rights(const place_t *at, es_span_t word, unsigned *rights)
{
    if (!word.len) return complain(at, "the rights are missing: name, digest, rights");
    while (word.ptr) {
        es_span_t name = next_item(&word);
        unsigned right = es_right_named(name);
        if (!right)
            return complain(at,
                            "\"%.*s\" is no right; there are stream, room.join, room.say, jobs, dashboard and admin",
                            shown(name), name.ptr);
        *rights |= right;
    }
    return 0;
}

static int parse_rooms(const place_t *at, es_span_t word, es_grant_t *grant)
{
    static const char name[] = "rooms=";
    const size_t n = sizeof name - 1;
    if (!word.len) return 0;
    if (word.len < n || memcmp(word.ptr, name, n) != 0)
        return complain(at, "\"%.*s\" is too much; after the rights only rooms=ROOM,ROOM* may follow", shown(word),
                        word.ptr);
    word = es_span_of(word.ptr + n, word.len - n);
    while (word.ptr) {
        es_span_t room = next_item(&word);
        if (!es_room_id_valid(room))
            return complain(at, "\"%.*s\" cannot be a room; rooms have 1 to %u bytes of UTF-8", shown(room),
                            room.ptr ? room.ptr : "", (unsigned)ES_ROOM_ID_MAX);
        es_grant_room(grant, room);
    }
    return 0;
}

/* ---- the file */

static int known(const es_api_keys_t *self, const place_t *at, const char *name, const uint8_t *digest)
{
    for (size_t i = 0; i < self->count; i++) {
        const char *other = es_principal_name(self->entries[i].principal);
        if (strcmp(other, name) == 0) return complain(at, "the name \"%s\" is there already", name + strlen(PREFIX));
        if (memcmp(self->entries[i].digest, digest, ES_API_KEY_DIGEST) == 0)
            return complain(at, "this is the key of \"%s\" already", other + strlen(PREFIX));
    }
    return 0;
}

static void append(es_api_keys_t *self, const uint8_t *digest, es_principal_t *principal)
{
    if (self->count == self->cap) {
        self->cap = self->cap ? 2 * self->cap : 16;
        entry_t *wider = es_alloc_zero(self->cap * sizeof *wider);
        if (self->count) memcpy(wider, self->entries, self->count * sizeof *wider);
        free(self->entries);
        self->entries = wider;
    }
    entry_t *entry = &self->entries[self->count++];
    memcpy(entry->digest, digest, ES_API_KEY_DIGEST);
    entry->principal = principal;
}

static int parse_key(es_api_keys_t *self, const place_t *at, es_span_t name, es_span_t rest, es_grant_t *grant)
{
    uint8_t digest[ES_API_KEY_DIGEST];
    char text[sizeof PREFIX + ES_NAME_MAX];
    if (!is_name(name))
        return complain(at, "\"%.*s\" is no name: 1 to %u letters, digits and ._-", shown(name), name.ptr, ES_NAME_MAX);
    snprintf(text, sizeof text, PREFIX "%.*s", (int)name.len, name.ptr);
    if (parse_digest(at, next_word(&rest), digest) != 0) return -1;
    if (parse_rights(at, next_word(&rest), &grant->rights) != 0) return -1;
    if (parse_rooms(at, next_word(&rest), grant) != 0) return -1;
    es_span_t more = next_word(&rest);
    if (more.len) return complain(at, "\"%.*s\" is too much", shown(more), more.ptr);
    if (known(self, at, text, digest) != 0) return -1;
    if (self->count == ES_API_KEYS_MAX) return complain(at, "at most %u keys are taken", ES_API_KEYS_MAX);
    append(self, digest, es_principal_new(text, grant, UINT64_MAX, NULL));
    return 0;
}

static int parse_line(es_api_keys_t *self, const place_t *at, es_span_t line)
{
    es_span_t name = next_word(&line);
    if (!name.len || name.ptr[0] == '#') return 0;
    es_grant_t grant = {0};
    int rc = parse_key(self, at, name, line, &grant);
    es_grant_fini(&grant);
    return rc;
}

es_api_keys_t *es_api_keys_parse(es_span_t text, const char *file, char *err, size_t err_len)
{
    es_api_keys_t *self = es_alloc_zero(sizeof *self);
    place_t at = {.file = file, .err = err, .err_len = err_len};
    while (text.len) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        at.line++;
        if (parse_line(self, &at, es_span_of(text.ptr, len)) != 0) {
            es_api_keys_destroy(&self);
            return NULL;
        }
        len += end ? 1 : 0;
        text = es_span_of(text.ptr + len, text.len - len);
    }
    return self;
}

es_api_keys_t *es_api_keys_load(const char *file, char *err, size_t err_len)
{
    es_secret_file_t read;
    if (es_secret_file_load(&read, file, ES_API_KEYS_FILE_MAX, err, err_len) != 0) return NULL;
    es_api_keys_t *self = NULL;
    if (es_secret_file_kept(&read, "API keys", err, err_len) == 0)
        self = es_api_keys_parse(es_span_of(read.bytes, read.len), file, err, err_len);
    es_secret_file_fini(&read);
    return self;
}

void es_api_keys_destroy(es_api_keys_t **self_p)
{
    es_api_keys_t *self = *self_p;
    if (!self) return;
    for (size_t i = 0; i < self->count; i++) es_principal_unref(&self->entries[i].principal);
    free(self->entries);
    free(self);
    *self_p = NULL;
}

es_principal_t *es_api_keys_find(const es_api_keys_t *self, const uint8_t digest[ES_API_KEY_DIGEST])
{
    es_principal_t *found = NULL;
    for (size_t i = 0; i < self->count; i++)
        if (CRYPTO_memcmp(self->entries[i].digest, digest, ES_API_KEY_DIGEST) == 0) found = self->entries[i].principal;
    return found;
}

size_t es_api_keys_count(const es_api_keys_t *self)
{
    return self->count;
}

static bool same(const es_principal_t *a, const es_principal_t *b)
{
    return strcmp(es_principal_name(a), es_principal_name(b)) == 0 &&
           es_grant_equal(es_principal_grant(a), es_principal_grant(b));
}

void es_api_keys_hand_over(es_api_keys_t *self, es_api_keys_t *fresh)
{
    for (size_t i = 0; i < self->count; i++) {
        es_principal_t *old = self->entries[i].principal, *again = es_api_keys_find(fresh, self->entries[i].digest);
        if (!again || !same(old, again)) {
            es_principal_revoke(old);
            continue;
        }
        for (size_t k = 0; k < fresh->count; k++) {
            if (fresh->entries[k].principal != again) continue;
            fresh->entries[k].principal = es_principal_ref(old);
            es_principal_unref(&again);
            break;
        }
    }
}
