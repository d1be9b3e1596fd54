/* Writing JSON into a frame buffer: plain appends, no tree. The caller is responsible for the commas. */
#ifndef ES_JSON_OUT_H
#define ES_JSON_OUT_H

#include "envelope.h"
#include "frame_buf.h"

/* Text as it is; for keys and punctuation known at compile time. */
#define es_json_raw(buf, literal) es_frame_buf_append((buf), "" literal, sizeof(literal) - 1)
void es_json_uint(es_frame_buf_t *buf, uint64_t value);
/* A quoted string. Control characters, quotes and backslashes are escaped; bytes that are not UTF-8 become U+FFFD. */
void es_json_string(es_frame_buf_t *buf, es_span_t text);
/* A quoted string known to need no escapes (hex digits). */
void es_json_plain(es_frame_buf_t *buf, const char *text, size_t len);
/* Thousandths as a number with three decimals: 987 gives 0.987. */
void es_json_milli(es_frame_buf_t *buf, uint64_t thousandths);
/* Bytes as a quoted base64 string (RFC 4648, with padding). */
void es_json_base64(es_frame_buf_t *buf, es_span_t bytes);

#endif
