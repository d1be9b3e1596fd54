#include "store_text.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "alloc.h"

enum { REPLACED = 3 }; /* bytes of U+FFFD */

char *es_job_text_repaired(es_span_t text, size_t *len)
{
    if (text.len == 0 || (!memchr(text.ptr, '\0', text.len) && es_utf8_valid(text.ptr, text.len))) return NULL;
    char *marked = es_alloc_copy(text.ptr, text.len), *out = es_alloc(REPLACED * text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        if (marked[i] == '\0') marked[i] = (char)0xff;
    *len = es_utf8_repair(es_span_of(marked, text.len), out, REPLACED * text.len);
    out[*len] = '\0';
    free(marked);
    return out;
}

/* ---- case */

/* The character at `at` of well-formed UTF-8, and its length. */
static wint_t decode(const char *at, size_t *len)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned char first = (unsigned char)*at;
    *len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    wint_t code = first & masks[*len];
    for (size_t i = 1; i < *len; i++) code = code << 6 | ((unsigned char)at[i] & 0x3fu);
    return code;
}

static size_t encode(wint_t code, char out[4])
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len; i > 1; i--, code >>= 6) out[i - 1] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(marks[len] | code);
    return len;
}

/* The C locale knows ASCII alone. Lives as long as the process. */
static locale_t letters;

static void find_letters(void)
{
    letters = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static wint_t small(wint_t code)
{
    if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
    return letters ? towlower_l(code, letters) : code;
}

char *es_job_text_folded(const char *text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_letters);
    es_span_t from = es_span(text);
    char *repaired = es_job_text_repaired(from, &from.len);
    if (repaired) from.ptr = repaired;
    char *out = es_alloc(4 * from.len + 1);
    size_t len = 0, step;
    for (size_t i = 0; i < from.len; i += step) len += encode(small(decode(from.ptr + i, &step)), out + len);
    out[len] = '\0';
    free(repaired);
    return out;
}

char *es_job_text_pattern(const char *part)
{
    char *folded = es_job_text_folded(part), *out = es_alloc(2 * strlen(folded) + 3), *to = out;
    *to++ = '%';
    for (const char *from = folded; *from; from++) {
        if (strchr("%_\\", *from)) *to++ = '\\';
        *to++ = *from;
    }
    *to++ = '%';
    *to = '\0';
    free(folded);
    return out;
}
