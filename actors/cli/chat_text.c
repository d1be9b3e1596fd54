#include "chat_text.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "envelope.h"
#include "printable.h"

#define REPLACEMENT "\xef\xbf\xbd"
enum { REPLACEMENT_LEN = 3, LEAST_PIECE = ES_CHAT_TEXT_MAX - ES_CHAT_TEXT_MAX / 4 };

char *es_chat_text_clean(const char *line, size_t len)
{
    if (len && line[len - 1] == '\r') len--;
    size_t cap = len * REPLACEMENT_LEN;
    char *whole = es_alloc(cap + 1), *clean = es_alloc(cap + 1), *to = clean;
    size_t n = es_utf8_repair(es_span_of(line, len), whole, cap);
    whole[n] = '\0';
    for (const char *p = whole, *end = whole + n; p < end;) {
        size_t control = *p == '\t' || *p == '\n' ? 0 : es_printable_control(p);
        memcpy(to, control ? REPLACEMENT : p, control ? REPLACEMENT_LEN : 1);
        to += control ? REPLACEMENT_LEN : 1;
        p += control ? control : 1;
    }
    *to = '\0';
    free(whole);
    return clean;
}

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t es_chat_text_piece(const char *text)
{
    size_t len = strnlen(text, ES_CHAT_TEXT_MAX + 1), cut = ES_CHAT_TEXT_MAX;
    if (len <= ES_CHAT_TEXT_MAX) return len;
    while (continues(text[cut])) cut--;
    for (size_t at = cut; at > LEAST_PIECE; at--)
        if (text[at - 1] == ' ') return at;
    return cut;
}

bool es_chat_text_is_id(const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > ES_CHAT_ID_MAX || !es_utf8_valid(text, len)) return false;
    while (*text && !es_printable_control(text)) text++;
    return !*text;
}
