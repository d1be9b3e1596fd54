/* What a client asks for beside its file: from the address, from fields of the form before or after the file, from headers; each once. Pure. Becomes the
 * JSON of an upload's head and of its late options (PROTOCOL.md, section 11.1). */
#ifndef ES_UPLOAD_OPTIONS_H
#define ES_UPLOAD_OPTIONS_H

#include "client_json.h"
#include "frame_buf.h"

#define ES_UPLOAD_FILE_NAME_MAX 255u /* bytes */
#define ES_UPLOAD_WEBHOOK_MAX 2048u
#define ES_UPLOAD_KEY_MAX 128u
#define ES_UPLOAD_TYPE_MAX 127u
#define ES_UPLOAD_PRIORITY_MAX 10 /* and -10 */
#define ES_UPLOAD_ATTEMPTS_MAX 10

typedef struct {
    unsigned given, told; /* bits of options: that the client gave; that the head has told */
    char session[ES_SESSION_MAX + 1], key[ES_UPLOAD_KEY_MAX + 1];              /* key: "" where there is none */
    char file_name[ES_UPLOAD_FILE_NAME_MAX + 1], type[ES_UPLOAD_TYPE_MAX + 1]; /* of the file; "" where there is none */
    char option_file_name[ES_UPLOAD_FILE_NAME_MAX + 1];                        /* goes before that of the file's part */
    char language[ES_LANGUAGE_MAX + 1], webhook[ES_UPLOAD_WEBHOOK_MAX + 1];
    int priority, attempts;
    bool delete_after;
} es_upload_options_t;

/* All of these: 0, or -1 with *why; an empty value is none. */
int es_upload_options_session(es_upload_options_t *self, es_span_t id, es_refusal_t *why);
/* The Idempotency-Key header; empty: none. */
int es_upload_options_key(es_upload_options_t *self, es_span_t key, es_refusal_t *why);
/* The address after its '?'. */
int es_upload_options_query(es_upload_options_t *self, es_span_t query, es_refusal_t *why);
/* A field of the form. */
int es_upload_options_field(es_upload_options_t *self, es_span_t name, es_span_t value, es_refusal_t *why);
/* Does this file's type, parameters taken off, become a job? Empty: application/octet-stream. The refusal's code is unsupported_type. */
int es_upload_options_type(es_upload_options_t *self, es_span_t content_type, es_refusal_t *why);
int es_upload_options_part_name(es_upload_options_t *self, es_span_t file_name, es_refusal_t *why);

/* Appends the head. principal: whose job it becomes, "": nobody's. size: bytes of the file, -1: not announced. What was given is told by this. */
void es_upload_options_head(es_upload_options_t *self, const char *job, const char *principal, int64_t size,
                            es_frame_buf_t *out);
/* Appends what was given since; nothing where nothing was. */
void es_upload_options_late(const es_upload_options_t *self, es_frame_buf_t *out);

#endif
