#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "config_parts.h"

enum { FILE_MAX_BYTES = 64 * 1024, ENTRIES_MAX = 1024 };

/* A directory that we may not look into has none for us; a file that is there and may not be read is another matter. */
static bool not_there(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0) return errno == ENOENT || errno == EACCES;
    return stat(path, &st) != 0 && errno == ENOENT;
}

static bool owner_trusted(const struct stat *st)
{
    return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Our own group may, as a umask of 002 has it. */
static bool writers_trusted(const struct stat *st)
{
    return !(st->st_mode & S_IWOTH) && (!(st->st_mode & S_IWGRP) || st->st_gid == getegid());
}

static int judge(const struct stat *st, const char *path, char *err, size_t err_len)
{
    if (!owner_trusted(st)) {
        snprintf(err, err_len, "%s belongs to user %lu, and this is user %lu: --env-file %s obeys it, if it is meant",
                 path, (unsigned long)st->st_uid, (unsigned long)geteuid(), path);
        return -1;
    }
    if (S_ISLNK(st->st_mode) || writers_trusted(st)) return 0;
    snprintf(err, err_len, "%s may be changed by others: chmod 600 it; --env-file %s obeys it as it is", path, path);
    return -1;
}

static FILE *fail(const char *path, char *err, size_t err_len)
{
    snprintf(err, err_len, "cannot read %s: %s", path, strerror(errno));
    return NULL;
}

/* What lies in the working directory may be somebody else's, for us to fall into: a file, a link, or a pipe that would hold us. It may change while we look, so what is open is judged. */
static FILE *open_found(const char *path, char *err, size_t err_len)
{
    struct stat st;
    if (lstat(path, &st) != 0) return fail(path, err, err_len);
    if (judge(&st, path, err, err_len) != 0) return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (S_ISLNK(st.st_mode) ? 0 : O_NOFOLLOW));
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file || fstat(fd, &st) != 0)
        fail(path, err, err_len);
    else if (judge(&st, path, err, err_len) == 0)
        return file;
    if (file) fclose(file);
    return NULL;
}

static char *slurp(const char *path, bool named, char *err, size_t err_len)
{
    if (!named && not_there(path)) return es_alloc_zero(1);
    FILE *file = named ? fopen(path, "re") : open_found(path, err, err_len);
    if (!file && named) fail(path, err, err_len);
    if (!file) return NULL;
    char *text = es_alloc_zero(FILE_MAX_BYTES + 1);
    size_t len = fread(text, 1, FILE_MAX_BYTES + 1, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (!failed && len <= FILE_MAX_BYTES && strlen(text) == len) return text;
    snprintf(err, err_len, "%s is not a file of NAME=value lines of at most %d bytes", path, FILE_MAX_BYTES);
    free(text);
    return NULL;
}

static char *skip_blanks(char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\r') at++;
    return at;
}

/* The quoted value at `at`, unescaped in place; *end_p is set behind the closing quote. NULL where it is never closed. */
static char *quoted(char *at, char **end_p)
{
    char quote = *at, *out = at + 1, *from = at + 1;
    while (*from && *from != quote) {
        if (quote == '"' && *from == '\\' && from[1]) {
            from++;
            *out++ = *from == 'n' ? '\n' : *from == 't' ? '\t' : *from;
            from++;
        } else {
            *out++ = *from++;
        }
    }
    if (*from != quote) return NULL;
    *out = 0;
    *end_p = from + 1;
    return at + 1;
}

/* An unquoted value ends before a # that follows a blank; blanks around it do not count. */
static char *bare(char *at)
{
    char *end = at;
    while (*end && !(*end == '#' && (end == at || isblank((unsigned char)end[-1])))) end++;
    while (end > at && isspace((unsigned char)end[-1])) end--;
    *end = 0;
    return at;
}

/* NAME=value in one line without its newline. NULL, or what is wrong. */
static const char *parse_line(char *at, char **name, char **value)
{
    *name = *value = NULL;
    at = skip_blanks(at);
    if (*at == 0 || *at == '#') return NULL;
    if (strncmp(at, "export ", 7) == 0) at = skip_blanks(at + 7);
    char *end = at;
    while (isalnum((unsigned char)*end) || *end == '_') end++;
    char *equals = skip_blanks(end);
    if (end == at || isdigit((unsigned char)*at) || *equals != '=') return "is not NAME=value";
    *end = 0;
    *name = at;
    at = skip_blanks(equals + 1);
    if (*at != '"' && *at != '\'') {
        *value = bare(at);
        return NULL;
    }
    *value = quoted(at, &end);
    if (!*value) return "has a quote that is not closed";
    end = skip_blanks(end);
    return *end && *end != '#' ? "has text after the closing quote" : NULL;
}

static char *copy(const char *text)
{
    return es_alloc_copy(text, strlen(text));
}

int es_env_file_read(es_env_file_t *out, const char *path, bool named, char *err, size_t err_len)
{
    *out = (es_env_file_t){0};
    char *text = slurp(path, named, err, err_len);
    if (!text) return -1;
    out->entries = es_alloc_zero(ENTRIES_MAX * sizeof *out->entries);
    unsigned line = 1;
    for (char *at = text, *next; at; at = next, line++) {
        next = strchr(at, '\n');
        if (next) *next++ = 0;
        char *name, *value;
        const char *wrong = parse_line(at, &name, &value);
        if (!wrong && name && out->count == ENTRIES_MAX) wrong = "is one setting too many (at most 1024)";
        if (wrong) {
            snprintf(err, err_len, "%s line %u %s", path, line, wrong);
            free(text);
            es_env_file_fini(out);
            return -1;
        }
        if (name) out->entries[out->count++] = (es_env_entry_t){.name = copy(name), .value = copy(value), .line = line};
    }
    free(text);
    return 0;
}

const char *es_env_file_get(const es_env_file_t *self, const char *name)
{
    for (size_t i = self->count; i > 0; i--)
        if (strcmp(self->entries[i - 1].name, name) == 0) return self->entries[i - 1].value;
    return NULL;
}

void es_env_file_fini(es_env_file_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->entries[i].name);
        free(self->entries[i].value);
    }
    free(self->entries);
    *self = (es_env_file_t){0};
}
