#include "key_text.h"

#include <stdbool.h>
#include <string.h>

enum { INDENT = 4 };

typedef struct {
    const char *at;
    size_t len;
} piece_t;

static piece_t trimmed(const char *at, size_t len)
{
    while (len > 0 && (at[0] == ' ' || at[0] == '\t')) at++, len--;
    while (len > 0 && strchr(" \t\r", at[len - 1])) len--;
    return (piece_t){at, len};
}

static bool is(piece_t piece, const char *word)
{
    return piece.len == strlen(word) && memcmp(piece.at, word, piece.len) == 0;
}

static piece_t unquoted(piece_t value)
{
    bool quoted = value.len >= 2 && strchr("\"'", value.at[0]) && value.at[0] == value.at[value.len - 1];
    return quoted ? (piece_t){value.at + 1, value.len - 2} : value;
}

static size_t indent_of(const char *line, size_t len)
{
    size_t n = 0;
    while (n < len && line[n] == ' ') n++;
    return n;
}

/* `name = value` under the section: the value. */
static bool takes(const char *line, size_t len, const char *name, piece_t *value)
{
    const char *equals = memchr(line, '=', len);
    if (!equals || !is(trimmed(line, (size_t)(equals - line)), name)) return false;
    *value = unquoted(trimmed(equals + 1, len - (size_t)(equals + 1 - line)));
    return true;
}

int es_key_text_get(const char *text, const char *section, const char *name, char *out, size_t cap)
{
    bool inside = false, found = false;
    piece_t value = {0};
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        piece_t body = trimmed(line, len);
        if (body.len > 0 && body.at[0] != '#') {
            size_t indent = indent_of(line, len);
            if (indent == 0)
                inside = is(body, section);
            else if (inside && indent == INDENT && takes(line, len, name, &value)) {
                if (found) return -1;
                found = true;
            }
        }
        line += len + (line[len] == '\n');
    }
    if (!found || value.len >= cap) return -1;
    memcpy(out, value.at, value.len);
    out[value.len] = 0;
    return 0;
}
