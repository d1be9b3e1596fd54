#include "header_value.h"

#include <string.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static char lower_of(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool es_header_is(es_span_t text, const char *lower)
{
    size_t i = 0;
    while (i < text.len && lower[i] && lower_of(text.ptr[i]) == lower[i]) i++;
    return i == text.len && !lower[i];
}

bool es_header_token(es_span_t text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!token_char(text.ptr[i])) return false;
    return text.len > 0;
}

static void skip_blanks(es_header_params_t *self)
{
    while (self->at < self->end && blank(*self->at)) self->at++;
}

es_header_params_t es_header_split(char *value, size_t len, es_span_t *item)
{
    es_header_params_t self = {.at = value, .end = value + len};
    skip_blanks(&self);
    char *first = self.at;
    while (self.at < self.end && *self.at != ';') self.at++;
    char *last = self.at;
    while (last > first && blank(last[-1])) last--;
    *item = es_span_of(first, (size_t)(last - first));
    return self;
}

static int quoted(es_header_params_t *self, es_span_t *value)
{
    char *first = ++self->at, *to = first;
    while (self->at < self->end && *self->at != '"') {
        bool escape = *self->at == '\\' && self->end - self->at > 1 && (self->at[1] == '"' || self->at[1] == '\\');
        self->at += escape;
        *to++ = *self->at++;
    }
    if (self->at == self->end) return -1;
    self->at++;
    *value = es_span_of(first, (size_t)(to - first));
    return 0;
}

static int bare(es_header_params_t *self, es_span_t *value)
{
    char *first = self->at;
    while (self->at<self->end && * self->at> ' ' && *self->at < 0x7f && !strchr(";\"\\", *self->at)) self->at++;
    *value = es_span_of(first, (size_t)(self->at - first));
    return value->len ? 0 : -1;
}

int es_header_param(es_header_params_t *self, es_span_t *name, es_span_t *value)
{
    do {
        skip_blanks(self);
        if (self->at == self->end) return 0;
        if (*self->at++ != ';') return -1;
        skip_blanks(self);
    } while (self->at == self->end || *self->at == ';'); /* an empty parameter */
    char *first = self->at;
    while (self->at < self->end && token_char(*self->at)) self->at++;
    *name = es_span_of(first, (size_t)(self->at - first));
    if (!name->len || self->at == self->end || *self->at++ != '=') return -1;
    if (self->at == self->end) return -1;
    return (*self->at == '"' ? quoted(self, value) : bare(self, value)) ? -1 : 1;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = lower_of(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int es_percent_decode(es_span_t *text, char *memory)
{
    size_t to = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->ptr[i];
        if (c == '%') {
            int high = i + 2 < text->len ? digit(text->ptr[i + 1]) : -1, low = high < 0 ? -1 : digit(text->ptr[i + 2]);
            if (low < 0) return -1;
            c = (char)(high << 4 | low);
            i += 2;
        }
        memory[to++] = c;
    }
    *text = es_span_of(memory, to);
    return 0;
}
