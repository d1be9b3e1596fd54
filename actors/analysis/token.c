#include "token.h"

#include <ctype.h>
#include <string.h>

/* Bytes of the character that begins with this byte; text is well-formed UTF-8. */
static size_t width(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Punctuation beyond ASCII that speech recognizers and people write: quotes, dashes, ellipsis (U+2000 to U+206F), and what Latin-1 has below its letters. */
static bool punctuation(const unsigned char *c)
{
    if (c[0] == 0xc2) return c[1] != 0xaa && c[1] != 0xb5 && c[1] != 0xba;
    if (c[0] == 0xc3) return c[1] == 0x97 || c[1] == 0xb7; /* times, divided by */
    if (c[0] == 0xe2) return c[1] == 0x80 || c[1] == 0x81;
    return c[0] == 0xe3 && c[1] == 0x80; /* CJK punctuation */
}

static bool letter(const unsigned char *c, size_t len)
{
    if (c[0] < 0x80) return isalnum(c[0]);
    return len >= width(c[0]) && !punctuation(c);
}

/* U+2019 is the apostrophe of typographers. */
static bool apostrophe(const unsigned char *c, size_t len, size_t *bytes)
{
    bool curly = len >= 3 && memcmp(c, "\xe2\x80\x99", 3) == 0;
    *bytes = curly ? 3 : 1;
    return curly || c[0] == '\'' || c[0] == '-';
}

/* Two bytes of a Latin, Greek or Cyrillic capital become those of the small letter. */
static void lower_two(unsigned char c[2])
{
    unsigned code = (unsigned)(c[0] & 0x1f) << 6 | (c[1] & 0x3f);
    if ((code >= 0xc0 && code <= 0xde && code != 0xd7) || (code >= 0x391 && code <= 0x3a9) ||
        (code >= 0x410 && code <= 0x42f))
        code += 0x20;
    else if (code >= 0x400 && code <= 0x40f)
        code += 0x50;
    else if (code >= 0x100 && code <= 0x17f && code != 0x130 && code != 0x138 && code != 0x149 && code != 0x178)
        /* capitals are even up to U+0137 and from U+014A to U+0177, odd between and after */
        code += (code < 0x138 || (code >= 0x14a && code <= 0x177)) ? !(code & 1) : (code & 1) && code < 0x17f;
    c[0] = (unsigned char)(0xc0 | code >> 6);
    c[1] = (unsigned char)(0x80 | (code & 0x3f));
}

static size_t copy_lower(char *out, const unsigned char *c, size_t bytes)
{
    memcpy(out, c, bytes);
    if (bytes == 1) *out = (char)tolower(*c);
    if (bytes == 2) lower_two((unsigned char *)out);
    return bytes;
}

static void skip(es_span_t *text, size_t bytes)
{
    text->ptr += bytes;
    text->len -= bytes;
}

static const unsigned char *bytes_of(const es_span_t *text)
{
    return (const unsigned char *)text->ptr;
}

static void skip_to_letter(es_span_t *text)
{
    while (text->len && !letter(bytes_of(text), text->len)) {
        size_t n = width(bytes_of(text)[0]);
        skip(text, n < text->len ? n : text->len);
    }
}

/* An apostrophe or hyphen with a letter behind it belongs to the word. */
static size_t joint(const es_span_t *text)
{
    size_t n;
    if (!apostrophe(bytes_of(text), text->len, &n) || text->len <= n) return 0;
    return letter(bytes_of(text) + n, text->len - n) ? n : 0;
}

size_t es_token_next(es_span_t *text, char *out)
{
    size_t len = 0;
    bool full = false;
    skip_to_letter(text);
    while (text->len) {
        bool is_letter = letter(bytes_of(text), text->len);
        size_t n = is_letter ? width(bytes_of(text)[0]) : joint(text);
        if (n == 0) break;
        full = full || len + n > ES_TOKEN_MAX;
        if (!full && is_letter) len += copy_lower(out + len, bytes_of(text), n);
        if (!full && !is_letter) out[len++] = *text->ptr == '-' ? '-' : '\'';
        skip(text, n);
    }
    out[len] = '\0';
    return len;
}
