#include "dead_letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char first_line[] = "earshot dead letter 1";
static const char *const kinds[ES_DEAD_KINDS] = {[ES_DEAD_MESSAGE] = "message", [ES_DEAD_AUDIO] = "audio"};

const char *es_dead_kind_name(es_dead_kind_t kind)
{
    return kinds[kind];
}

void es_dead_letter_text(char out[ES_DEAD_TEXT], es_span_t text)
{
    size_t len = es_utf8_repair(text, out, ES_DEAD_TEXT - 1);
    out[len] = 0;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 127) out[i] = '?';
}

const char *es_dead_letter_stays(const es_dead_letter_t *self)
{
    if (self->kind == ES_DEAD_AUDIO) return NULL;
    if (self->peer[0])
        return "a peer with a key said it, which may not say all that this machine may: have that peer say it again";
    if (strcmp(self->from, "frontend") != 0)
        return "the actor that said it speaks for itself there: only what came to \"frontend\" can be sent again";
    return self->fragment ? "it is only a part of what came, and would be another message" : NULL;
}

size_t es_dead_letter_head(const es_dead_letter_t *self, char out[ES_DEAD_HEAD_MAX])
{
    int n = snprintf(out, ES_DEAD_HEAD_MAX,
                     "%s\ntime_us: %" PRIu64 "\nactor: %s\nkind: %s\nfrom: %s\npeer: %s\nwhole: %s\nreason: %s\nparts:",
                     first_line, self->time_us, self->actor, kinds[self->kind], self->from, self->peer,
                     self->fragment ? "no" : "yes", self->reason);
    for (size_t i = 0; i < self->count; i++)
        n += snprintf(out + n, ES_DEAD_HEAD_MAX - (size_t)n, " %zu", self->parts[i].len);
    n += snprintf(out + n, ES_DEAD_HEAD_MAX - (size_t)n, "\n\n");
    return (size_t)n;
}

/* ---- reading */

/* The next line without its end; false where there is none. */
static bool next_line(es_span_t *rest, es_span_t *line)
{
    const char *end =
        rest->len ? memchr(rest->ptr, '\n', rest->len < ES_DEAD_HEAD_MAX ? rest->len : ES_DEAD_HEAD_MAX) : NULL;
    if (!end) return false;
    *line = es_span_of(rest->ptr, (size_t)(end - rest->ptr));
    *rest = es_span_of(end + 1, rest->len - line->len - 1);
    return true;
}

/* The value of the line "name: value". */
static bool field(es_span_t *rest, const char *name, es_span_t *value)
{
    es_span_t line;
    size_t n = strlen(name);
    if (!next_line(rest, &line) || line.len < n + 1 || memcmp(line.ptr, name, n) != 0 || line.ptr[n] != ':')
        return false;
    size_t from = n + 1 < line.len && line.ptr[n + 1] == ' ' ? n + 2 : n + 1;
    *value = es_span_of(line.ptr + from, line.len - from);
    return true;
}

static bool text_field(es_span_t *rest, const char *name, char out[ES_DEAD_TEXT])
{
    es_span_t value;
    if (!field(rest, name, &value)) return false;
    es_dead_letter_text(out, value);
    return true;
}

/* Takes a number off the front; false where there is none, or one of more than 18 digits. */
static bool take_number(es_span_t *text, uint64_t *out)
{
    size_t n = 0;
    *out = 0;
    for (; n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9' && n < 18; n++)
        *out = *out * 10 + (uint64_t)(text->ptr[n] - '0');
    *text = es_span_of(text->ptr + n, text->len - n);
    return n > 0;
}

static bool read_kind(es_dead_letter_t *out, es_span_t value)
{
    for (int i = 0; i < ES_DEAD_KINDS; i++) {
        if (!es_span_eq(value, es_span(kinds[i]))) continue;
        out->kind = (es_dead_kind_t)i;
        return true;
    }
    return false;
}

static bool read_whole(es_dead_letter_t *out, es_span_t value)
{
    out->fragment = es_span_eq(value, es_span("no"));
    return out->fragment || es_span_eq(value, es_span("yes"));
}

static bool read_parts(es_dead_letter_t *out, es_span_t sizes, es_span_t body)
{
    for (out->count = 0; sizes.len > 0; out->count++) {
        uint64_t size;
        if (out->count == ES_DEAD_PARTS || !take_number(&sizes, &size) || size > body.len) return false;
        out->parts[out->count] = es_span_of(body.ptr, (size_t)size);
        body = es_span_of(body.ptr + size, body.len - (size_t)size);
        if (sizes.len > 0 && sizes.ptr[0] != ' ') return false;
        if (sizes.len > 0) sizes = es_span_of(sizes.ptr + 1, sizes.len - 1);
    }
    return body.len == 0 && out->count > 0;
}

int es_dead_letter_parse(es_dead_letter_t *out, es_span_t file)
{
    es_span_t line, time, kind, whole, sizes;
    *out = (es_dead_letter_t){.count = 0};
    bool fine = next_line(&file, &line) && es_span_eq(line, es_span(first_line)) && field(&file, "time_us", &time) &&
                take_number(&time, &out->time_us) && time.len == 0 && text_field(&file, "actor", out->actor) &&
                field(&file, "kind", &kind) && read_kind(out, kind) && text_field(&file, "from", out->from) &&
                text_field(&file, "peer", out->peer) && field(&file, "whole", &whole) && read_whole(out, whole) &&
                text_field(&file, "reason", out->reason) && field(&file, "parts", &sizes) && next_line(&file, &line) &&
                line.len == 0;
    return fine && read_parts(out, sizes, file) ? 0 : -1;
}
