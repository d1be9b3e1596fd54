#include "http_text.h"

#include <string.h>

enum { KEY_LEN = 24, PORT_DIGITS = 5, PORT_MAX = 65535 };

int es_http_hex(char c)
{
    if (es_http_is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool is_alnum(char c)
{
    return es_http_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool all_of(es_span_t text, const char *others)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_alnum(text.ptr[i]) && (!text.ptr[i] || !strchr(others, text.ptr[i]))) return false;
    return text.len > 0;
}

bool es_http_is_token(es_span_t text)
{
    return all_of(text, "!#$%&'*+-.^_`|~");
}

static bool is_port(es_span_t text)
{
    uint64_t port = 0;
    return !text.len || (text.len <= PORT_DIGITS && !es_http_number(text, PORT_MAX, &port));
}

static es_span_t from(es_span_t text, size_t at)
{
    return es_span_of(text.ptr + at, text.len - at);
}

bool es_http_is_host(es_span_t text)
{
    bool bracketed = text.len && text.ptr[0] == '[';
    const char *end = text.len ? memchr(text.ptr, bracketed ? ']' : ':', text.len) : NULL;
    size_t name = end ? (size_t)(end - text.ptr) : text.len;
    if (bracketed && (!end || !all_of(es_span_of(text.ptr + 1, name - 1), ":."))) return false;
    if (!bracketed && !all_of(es_span_of(text.ptr, name), "-._~!$&'()*+,;=%")) return false;
    es_span_t rest = from(text, bracketed ? name + 1 : name);
    return !rest.len || (rest.ptr[0] == ':' && is_port(from(rest, 1)));
}

bool es_http_is_websocket_key(es_span_t text)
{
    return text.len == KEY_LEN && all_of(es_span_of(text.ptr, KEY_LEN - 3), "+/") &&
           strchr("AQgw", text.ptr[KEY_LEN - 3]) && text.ptr[KEY_LEN - 3] && !memcmp(text.ptr + KEY_LEN - 2, "==", 2);
}

int es_http_number(es_span_t text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (!text.len) return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (!es_http_is_digit(text.ptr[i])) return -1;
        unsigned digit = (unsigned)(text.ptr[i] - '0');
        if (value > (max - digit) / 10) return -1;
        value = value * 10 + digit;
    }
    *out = value;
    return 0;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

es_span_t es_http_trim(es_span_t text)
{
    while (text.len && blank(text.ptr[text.len - 1])) text.len--;
    while (text.len && blank(*text.ptr)) text = from(text, 1);
    return text;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

void es_http_lower(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) text[i] = lower(text[i]);
}

bool es_http_same(es_span_t text, const char *other)
{
    size_t i = 0;
    while (i < text.len && other[i] && lower(text.ptr[i]) == other[i]) i++;
    return i == text.len && !other[i];
}

bool es_http_lists(es_span_t list, const char *member)
{
    while (list.len) {
        const char *comma = memchr(list.ptr, ',', list.len);
        size_t len = comma ? (size_t)(comma - list.ptr) : list.len;
        if (es_http_same(es_http_trim(es_span_of(list.ptr, len)), member)) return true;
        list = from(list, comma ? len + 1 : len);
    }
    return false;
}

int es_http_decode(es_span_t text, bool form, char *out, size_t cap, size_t *out_len)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++, len++) {
        char c = text.ptr[i];
        if (len == cap) return -1;
        if (c == '%') {
            int high = i + 2 < text.len ? es_http_hex(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? es_http_hex(text.ptr[i + 2]) : -1;
            if (low < 0) return -1;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (form && c == '+') {
            c = ' ';
        }
        out[len] = c;
    }
    *out_len = len;
    return 0;
}

static bool dots(const char *segment, size_t len)
{
    return (len == 1 && segment[0] == '.') || (len == 2 && segment[0] == '.' && segment[1] == '.');
}

int es_http_decode_path(char *path, size_t len, size_t *out_len)
{
    size_t begin = 0;
    if (es_http_decode(es_span_of(path, len), false, path, len, &len) || !es_utf8_valid(path, len)) return -1;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && ((unsigned char)path[i] < ' ' || path[i] == 127)) return -1;
        if (i < len && path[i] != '/') continue;
        if (dots(path + begin, i - begin)) return -1;
        begin = i + 1;
    }
    *out_len = len;
    return 0;
}
