#include "api_key_line.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base64url.h"
#include "secret_file.h"

enum { DRAWN = 32, DIGEST = 32, FILE_MAX = 1 << 20 };

static int check_name(const char *name, char *err, size_t err_len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);
    if (len > 0 && len <= ES_NAME_MAX && strspn(name, allowed) == len) return 0;
    snprintf(err, err_len, "--api-key: \"%.100s\" is no name: 1 to %u letters, digits and ._-", name, ES_NAME_MAX);
    return -1;
}

static void digest_of(const char *key, char hex[2 * DIGEST + 1])
{
    uint8_t digest[DIGEST];
    unsigned n = 0;
    if (!EVP_Digest(key, strlen(key), digest, &n, EVP_sha256(), NULL) || n != DIGEST) abort();
    for (size_t i = 0; i < DIGEST; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* In the file a blank ends the rooms. */
static int check_blanks(const char *rooms, char *err, size_t err_len)
{
    if (!rooms || !strpbrk(rooms, " \t\r\n")) return 0;
    snprintf(err, err_len,
             "--rooms: a room with a blank in its name cannot stand in the file of API keys; use a "
             "pattern such as 'team*', or a token");
    return -1;
}

int es_api_key_make(es_api_key_t *self, const char *name, const char *rights, const char *rooms, char *err,
                    size_t err_len)
{
    uint8_t drawn[DRAWN];
    char hex[2 * DIGEST + 1];
    if (check_name(name, err, err_len) != 0 || check_blanks(rooms, err, err_len) != 0) return -1;
    if (getrandom(drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn) abort();
    memcpy(self->key, ES_API_KEY_PREFIX, sizeof ES_API_KEY_PREFIX);
    es_base64url_encode(drawn, sizeof drawn, self->key + sizeof ES_API_KEY_PREFIX - 1);
    OPENSSL_cleanse(drawn, sizeof drawn);
    digest_of(self->key, hex);
    snprintf(self->line, sizeof self->line, "%s %s %s%s%s", name, hex, rights, rooms ? " rooms=" : "",
             rooms ? rooms : "");
    return 0;
}

/* ---- the file */

static bool has_name(const char *text, const char *name)
{
    size_t len = strlen(name);
    while (text && *text) {
        text += strspn(text, " \t\r\n");
        if (strncmp(text, name, len) == 0 && strchr(" \t", text[len]) && text[len]) return true;
        text = strchr(text, '\n');
    }
    return false;
}

static int check_file(const es_secret_file_t *text, const char *name, char *err, size_t err_len)
{
    if (es_secret_file_kept(text, "API keys", err, err_len) != 0) return -1;
    if (!has_name(text->bytes, name)) return 0;
    snprintf(err, err_len, "%.512s has a key \"%.64s\" already; remove its line first, or choose another name",
             text->name, name);
    return -1;
}

/* In one write, so that a reader sees the line whole or not at all. */
static int append(int fd, const char *line, bool open_line)
{
    char text[ES_API_KEY_LINE_MAX + 2];
    int len = snprintf(text, sizeof text, "%s%s\n", open_line ? "\n" : "", line);
    return write(fd, text, (size_t)len) == len && fsync(fd) == 0 ? 0 : -1;
}

int es_api_key_append(const es_api_key_t *self, const char *name, const char *file, char *err, size_t err_len)
{
    es_secret_file_t text = {.bytes = NULL};
    int fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0) {
        snprintf(err, err_len, "%.512s cannot be written: %s", file, strerror(errno));
        if (fd >= 0) close(fd);
        return -1;
    }
    int rc = es_secret_file_load(&text, file, FILE_MAX, err, err_len);
    if (rc == 0) rc = check_file(&text, name, err, err_len);
    if (rc == 0 && append(fd, self->line, text.len && text.bytes[text.len - 1] != '\n') != 0) {
        snprintf(err, err_len, "%.512s cannot be written: %s", file, strerror(errno));
        rc = -1;
    }
    es_secret_file_fini(&text);
    close(fd);
    return rc;
}
