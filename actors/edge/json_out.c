#include "json_out.h"

void es_json_uint(es_frame_buf_t *buf, uint64_t value)
{
    char digits[20];
    size_t n = sizeof digits;
    do digits[--n] = (char)('0' + value % 10);
    while (value /= 10);
    es_frame_buf_append(buf, digits + n, sizeof digits - n);
}

void es_json_plain(es_frame_buf_t *buf, const char *text, size_t len)
{
    uint8_t *out = es_frame_buf_reserve(buf, len + 2);
    out[0] = '"';
    memcpy(out + 1, text, len);
    out[len + 1] = '"';
    buf->len += len + 2;
}

void es_json_milli(es_frame_buf_t *buf, uint64_t thousandths)
{
    es_json_uint(buf, thousandths / 1000);
    char tail[4] = {'.', (char)('0' + thousandths / 100 % 10), (char)('0' + thousandths / 10 % 10),
                    (char)('0' + thousandths % 10)};
    es_frame_buf_append(buf, tail, sizeof tail);
}

static void escape(es_frame_buf_t *buf, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "btn\0fr"; /* for 8..13 */
    char out[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    if (c == '"' || c == '\\') {
        out[1] = (char)c;
        es_frame_buf_append(buf, out, 2);
    } else if (c >= 8 && c <= 13 && letters[c - 8]) {
        out[1] = letters[c - 8];
        es_frame_buf_append(buf, out, 2);
    } else {
        es_frame_buf_append(buf, out, 6);
    }
}

/* Length of the character at p, 0 where it is not well-formed. */
static size_t character(const char *p, size_t left)
{
    uint8_t c = (uint8_t)*p;
    size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    return n <= left && es_utf8_valid(p, n) ? n : 0;
}

void es_json_string(es_frame_buf_t *buf, es_span_t text)
{
    es_json_raw(buf, "\"");
    size_t start = 0, i = 0;
    while (i < text.len) {
        uint8_t c = (uint8_t)text.ptr[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            i++;
            continue;
        }
        size_t n = c >= 0x80 ? character(text.ptr + i, text.len - i) : 0;
        if (n) {
            i += n;
            continue;
        }
        es_frame_buf_append(buf, text.ptr + start, i - start);
        if (c >= 0x80)
            es_json_raw(buf, "\xef\xbf\xbd");
        else
            escape(buf, c);
        start = ++i;
    }
    es_frame_buf_append(buf, text.ptr + start, i - start);
    es_json_raw(buf, "\"");
}

void es_json_base64(es_frame_buf_t *buf, es_span_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = (const uint8_t *)bytes.ptr;
    es_json_raw(buf, "\"");
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t three =
            (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? (uint32_t)in[i + 2] : 0);
        char out[4] = {digits[three >> 18], digits[three >> 12 & 63], left > 1 ? digits[three >> 6 & 63] : '=',
                       left > 2 ? digits[three & 63] : '='};
        es_frame_buf_append(buf, out, 4);
    }
    es_json_raw(buf, "\"");
}
