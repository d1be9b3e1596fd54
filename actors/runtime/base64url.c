#include "base64url.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void es_base64url_encode(const uint8_t *bytes, size_t len, char *out)
{
    uint32_t held = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        held = held << 8 | bytes[i];
        for (bits += 8; bits >= 6; bits -= 6) *out++ = digits[held >> (bits - 6) & 63];
    }
    if (bits) *out++ = digits[held << (6 - bits) & 63];
    *out = 0;
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

long es_base64url_decode(es_span_t text, uint8_t *out)
{
    uint32_t held = 0;
    unsigned bits = 0;
    long n = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = value_of(text.ptr[i]);
        if (value < 0) return -1;
        held = held << 6 | (uint32_t)value;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        if (out) out[n] = (uint8_t)(held >> bits);
        n++;
    }
    /* A lone character carries no byte, and bits that carry nothing are zero. */
    return bits == 6 || (held & ((1u << bits) - 1)) ? -1 : n;
}
