#include "http_exchange.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "frame_buf.h"
#include "http_conn_state.h"
#include "http_text.h"
#include "json_out.h"

enum { MESSAGE_MAX = 512 };

/* ---- the request */

es_span_t es_http_method(const es_http_exchange_t *x)
{
    return es_http_head_span(&x->head, x->head.method);
}

es_span_t es_http_path(const es_http_exchange_t *x)
{
    return es_http_head_span(&x->head, x->head.path);
}

es_span_t es_http_query(const es_http_exchange_t *x)
{
    return es_http_head_span(&x->head, x->head.query);
}

es_span_t es_http_header(const es_http_exchange_t *x, const char *lower_name)
{
    return es_http_head_field(&x->head, lower_name);
}

int64_t es_http_body_length(const es_http_exchange_t *x)
{
    return x->head.length;
}

bool es_http_has_body(const es_http_exchange_t *x)
{
    return x->head.has_length || x->head.chunked;
}

static es_span_t cut(es_span_t *text, char at)
{
    const char *found = memchr(text->ptr, at, text->len);
    es_span_t first = es_span_of(text->ptr, found ? (size_t)(found - text->ptr) : text->len);
    size_t used = found ? first.len + 1 : first.len;
    *text = es_span_of(text->ptr + used, text->len - used);
    return first;
}

static bool is_named(es_span_t coded, const char *name)
{
    char decoded[64];
    size_t len = 0;
    return !es_http_decode(coded, true, decoded, sizeof decoded, &len) &&
           es_span_eq(es_span_of(decoded, len), es_span(name));
}

int es_http_parameter(const es_http_exchange_t *x, const char *name, char *out, size_t cap)
{
    es_span_t rest = es_http_query(x);
    size_t len = 0;
    *out = 0;
    while (rest.len) {
        es_span_t value = cut(&rest, '&');
        if (!value.len || !is_named(cut(&value, '='), name)) continue;
        if (es_http_decode(value, true, out, cap - 1, &len) || (len && memchr(out, 0, len))) len = cap;
        out[len < cap ? len : 0] = 0;
        return len < cap ? 1 : -1;
    }
    return 0;
}

int es_http_query_without(const es_http_exchange_t *x, const char *name, char *out, size_t cap)
{
    es_span_t rest = es_http_query(x);
    size_t used = 0;
    while (rest.len) {
        es_span_t part = cut(&rest, '&'), value = part;
        if (part.len && is_named(cut(&value, '='), name)) continue;
        if (used + part.len + 2 > cap) return -1;
        if (used) out[used++] = '&';
        if (part.len) memcpy(out + used, part.ptr, part.len);
        used += part.len;
    }
    out[used] = 0;
    return 0;
}

const char *es_http_peer(const es_http_exchange_t *x)
{
    return x->env->io_ops->peer ? x->env->io_ops->peer(x->io) : "";
}

/* ---- in whose name */

void es_http_ask_as(es_http_exchange_t *x, const char *principal, bool whoever)
{
    free(x->principal);
    x->principal = principal ? es_alloc_copy(principal, strlen(principal)) : NULL;
    x->whoever = whoever;
}

const char *es_http_principal(const es_http_exchange_t *x)
{
    return x->principal ? x->principal : "";
}

bool es_http_whoever(const es_http_exchange_t *x)
{
    return x->whoever;
}

/* ---- taking it */

void es_http_take(es_http_exchange_t *x, const es_http_handler_ops_t *ops, void *handler, uint64_t max_body)
{
    assert(!x->ops);
    x->ops = ops;
    x->handler = handler;
    x->max_body = max_body;
    if (x->head.length > 0 && (uint64_t)x->head.length > max_body) {
        es_http_answer_refusal(x, ES_HTTP_BODY_TOO_LARGE);
        return;
    }
    if (x->head.expects && !es_byte_queue_size(&x->in)) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        es_byte_queue_append(&x->out, go_on, sizeof go_on - 1);
    }
    x->head.expects = false;
    es_http_conn_mark(x);
}

void es_http_pause(es_http_exchange_t *x, bool stop)
{
    if (x->paused && !stop) x->resumed = true;
    x->paused = stop;
    es_http_conn_mark(x);
}

/* ---- answering it */

void es_http_begin(es_http_exchange_t *x, unsigned status, const char *type, const char *const *headers, int64_t length)
{
    if (x->dismissed) return;
    assert(!x->begun);
    es_http_answer_begin(x, status, type, headers, length);
    es_http_conn_mark(x);
}

static void append_chunk(es_http_exchange_t *x, const void *data, size_t len)
{
    char size[24];
    int n = snprintf(size, sizeof size, "%zx\r\n", len);
    es_byte_queue_append(&x->out, size, (size_t)n);
    es_byte_queue_append(&x->out, data, len);
    es_byte_queue_append(&x->out, "\r\n", 2);
}

bool es_http_write(es_http_exchange_t *x, const void *data, size_t len)
{
    if (x->dismissed) return true;
    assert(x->begun && !x->finished);
    if (x->left >= 0 && len > (uint64_t)x->left) es_http_abort(x);
    if (x->left >= 0) x->left -= (int64_t)len;
    if (len && !x->bare && !x->broken) {
        if (x->chunked)
            append_chunk(x, data, len);
        else
            es_byte_queue_append(&x->out, data, len);
    }
    es_http_conn_mark(x);
    x->full = x->full || es_byte_queue_size(&x->out) > ES_HTTP_QUEUE_FULL;
    return !x->full;
}

void es_http_finish(es_http_exchange_t *x)
{
    if (x->dismissed) return;
    assert(x->begun && !x->finished);
    x->finished = true;
    if (x->left > 0 && !x->bare) es_http_abort(x);
    if (x->chunked) es_byte_queue_append(&x->out, "0\r\n\r\n", 5);
    es_http_conn_mark(x);
}

void es_http_reply(es_http_exchange_t *x, unsigned status, const char *type, const char *const *headers,
                   const void *body, size_t len)
{
    es_http_begin(x, status, type, headers, (int64_t)len);
    es_http_write(x, body, len);
    es_http_finish(x);
}

void es_http_refuse(es_http_exchange_t *x, unsigned status, const char *code, const char *format, ...)
{
    char message[MESSAGE_MAX];
    es_frame_buf_t json = {0};
    va_list args;
    va_start(args, format);
    int len = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (len >= (int)sizeof message) len = (int)sizeof message - 1;
    es_json_raw(&json, "{\"error\":");
    es_json_string(&json, es_span(code));
    es_json_raw(&json, ",\"message\":");
    es_json_string(&json, es_span_of(message, (size_t)len));
    es_json_raw(&json, "}\n");
    es_http_reply(x, status, "application/json", NULL, json.data + json.head, es_frame_buf_size(&json));
    es_frame_buf_clear(&json);
}

void es_http_abort(es_http_exchange_t *x)
{
    x->broken = x->cut = true;
    es_http_conn_mark(x);
}

bool es_http_begun(const es_http_exchange_t *x)
{
    return x->begun;
}
