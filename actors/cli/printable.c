#include "printable.h"

#include <string.h>

size_t es_printable_control(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    if (*u < 0x20 || *u == 0x7f) return 1;
    return *u == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0 ? 2 : 0;
}

void es_printable_write_part(FILE *out, const char *text, size_t len)
{
    for (const char *end = text + len; text < end;) {
        size_t skip = es_printable_control(text);
        fputc(skip ? ' ' : *text, out);
        text += skip ? skip : 1;
    }
}

void es_printable_write(FILE *out, const char *text)
{
    es_printable_write_part(out, text, strlen(text));
}
