/* A line is built in a buffer of fixed size, field by field; a field that no longer fits is left out whole and the line says truncated. */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "envelope.h"

enum {
    LINE_MAX_BYTES = 4096,
    VALUE_MAX_BYTES = 1024, /* longer values are cut */
    LINE_RESERVE = 40,      /* for the closing of the line and the note that it was cut */
    ACTOR_MAX = 64
};

static char process_actor[ACTOR_MAX] = "earshot";
static _Thread_local char thread_actor[ACTOR_MAX];
static _Atomic int log_level = ES_LOG_INFO;
static atomic_bool log_json;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void es_log_init(const char *actor, es_log_level_t level, bool json)
{
    snprintf(process_actor, sizeof process_actor, "%s", actor);
    atomic_store(&log_level, (int)level);
    atomic_store(&log_json, json);
}

void es_log_actor(const char *actor)
{
    snprintf(thread_actor, sizeof thread_actor, "%s", actor);
}

bool es_log_enabled(es_log_level_t level)
{
    return (int)level >= atomic_load_explicit(&log_level, memory_order_relaxed);
}

/* May this site speak in this second? *dropped gets the lines that it swallowed before. Two threads may race for the last line of a
 * window: then one more or less is written. */
static bool site_allows(es_log_site_t *site, unsigned *dropped)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint_fast64_t second = (uint_fast64_t)t.tv_sec + 1; /* 0: never spoke */
    if (atomic_exchange(&site->window, second) != second) atomic_store(&site->count, 0);
    if (atomic_fetch_add(&site->count, 1) >= ES_LOG_BURST) {
        atomic_fetch_add(&site->dropped, 1);
        return false;
    }
    *dropped = atomic_exchange(&site->dropped, 0);
    return true;
}

typedef struct {
    char data[LINE_MAX_BYTES];
    size_t len;
    bool json, started, full;
} line_t;

static void put(line_t *line, const char *data, size_t len)
{
    if (line->full || line->len + len > sizeof line->data - LINE_RESERVE) {
        line->full = true;
        return;
    }
    memcpy(line->data + line->len, data, len);
    line->len += len;
}

static void put_text(line_t *line, const char *text)
{
    put(line, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void put_format(line_t *line, const char *format, ...)
{
    char text[64];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(line, text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* Bytes of the well-formed UTF-8 character at p, or 0. */
static size_t character(const char *p, size_t left)
{
    unsigned char c = (unsigned char)*p;
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return n <= left && es_utf8_valid(p, n) ? n : 0;
}

/* The same escapes in both formats; JSON has no \x, so there an impossible byte is the visible text \xNN. */
static void put_escaped(line_t *line, const char *p, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = character(p + i, len - i);
        unsigned char c = (unsigned char)p[i];
        if (n == 0)
            put_format(line, line->json ? "\\\\x%02x" : "\\x%02x", c);
        else if (c == '"' || c == '\\')
            put_format(line, "\\%c", c);
        else if (c == '\n')
            put_text(line, "\\n");
        else if (c == '\t')
            put_text(line, "\\t");
        else if (c < 0x20 || c == 0x7f)
            put_format(line, "\\u%04x", c);
        else
            put(line, p + i, n);
        i += n ? n : 1;
    }
}

/* May a logfmt value stand without quotes? */
static bool plain(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\') return false;
    }
    return len > 0;
}

static void put_string(line_t *line, const char *p, size_t len)
{
    if (!line->json && len <= VALUE_MAX_BYTES && plain(p, len)) {
        put(line, p, len);
        return;
    }
    put_text(line, "\"");
    put_escaped(line, p, len < VALUE_MAX_BYTES ? len : VALUE_MAX_BYTES);
    put_text(line, len > VALUE_MAX_BYTES ? "...\"" : "\"");
}

static void put_key(line_t *line, const char *key)
{
    if (line->started) put_text(line, line->json ? "," : " ");
    line->started = true;
    if (line->json) put_text(line, "\"");
    put_text(line, key);
    put_text(line, line->json ? "\":" : "=");
}

static void put_value(line_t *line, const es_field_t *field)
{
    switch (field->type) {
    case ES_FIELD_STR:
        put_string(line, field->s ? field->s : "", field->s ? strlen(field->s) : 0);
        break;
    case ES_FIELD_BYTES:
        put_string(line, field->s ? field->s : "", field->s ? field->len : 0);
        break;
    case ES_FIELD_UINT:
        put_format(line, "%" PRIu64, field->u);
        break;
    case ES_FIELD_INT:
        put_format(line, "%" PRId64, field->i);
        break;
    case ES_FIELD_REAL:
        /* Infinity and NaN do not exist in JSON. */
        if (field->f - field->f == 0)
            put_format(line, "%.6g", field->f);
        else
            put_text(line, line->json ? "null" : "nan");
        break;
    }
}

static void put_field(line_t *line, const es_field_t *field)
{
    if (line->full) return;
    size_t mark = line->len;
    put_key(line, field->key);
    put_value(line, field);
    if (line->full) line->len = mark;
}

static void put_time(line_t *line)
{
    struct timespec t;
    struct tm tm;
    char text[40];
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%03ldZ", t.tv_nsec / 1000000);
    put_field(line, &ES_S("time", text));
}

static void finish(line_t *line)
{
    if (line->full) {
        line->full = false;
        const char *note = line->json ? ",\"truncated\":true" : " truncated=true";
        memcpy(line->data + line->len, note, strlen(note));
        line->len += strlen(note);
    }
    if (line->json) line->data[line->len++] = '}';
    line->data[line->len++] = '\n';
}

void es_log_write(es_log_site_t *site, es_log_level_t level, const char *msg, const es_field_t *fields)
{
    unsigned dropped = 0;
    if (site && !site_allows(site, &dropped)) return;
    line_t line;
    line.len = 0;
    line.started = line.full = false;
    line.json = atomic_load_explicit(&log_json, memory_order_relaxed);
    if (line.json) put_text(&line, "{");
    put_time(&line);
    put_field(&line, &ES_S("level", level_names[level]));
    put_field(&line, &ES_S("actor", thread_actor[0] ? thread_actor : process_actor));
    put_field(&line, &ES_S("msg", msg));
    if (dropped) put_field(&line, &ES_U("dropped", dropped));
    for (; fields->key; fields++) put_field(&line, fields);
    finish(&line);
    ssize_t n;
    do {
        n = write(STDERR_FILENO, line.data, line.len);
    } while (n < 0 && errno == EINTR);
}
