#include "upload_body.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "json_fields.h"
#include "multipart.h"

static const char file_field[] = "audio";

struct es_upload_body {
    const es_upload_body_ops_t *ops;
    void *ctx;
    es_upload_options_t *options;
    es_multipart_t *form; /* NULL: the body is the file */
    uint64_t max_file, bytes;
    bool over, found, in_file;
    size_t name_len, value_len; /* of a field that comes in */
    char name[ES_JSON_SHOWN + 1], value[ES_MULTIPART_FIELD_MAX];
};

static void refuse(es_upload_body_t *self, unsigned status, const es_refusal_t *why)
{
    if (self->over) return;
    self->over = true;
    if (self->form) es_multipart_stop(self->form);
    self->ops->refuse(self->ctx, status, why);
}

void es_upload_body_too_large(uint64_t max, es_refusal_t *why)
{
    es_json_refuse(why, "too_large", "The file is larger than the %" PRIu64 " bytes that are taken.", max);
}

static void take_data(es_upload_body_t *self, const void *data, size_t len)
{
    es_refusal_t why = {0};
    if (len > self->max_file - self->bytes) {
        es_upload_body_too_large(self->max_file, &why);
        refuse(self, 413, &why);
        return;
    }
    self->bytes += len;
    self->ops->data(self->ctx, data, len);
}

static void finish(es_upload_body_t *self)
{
    es_refusal_t why = {0};
    if (self->over) return;
    if (!self->found)
        es_json_refuse(&why, "no_audio", "There is no file in the form; send it as the field \"audio\".");
    else if (!self->bytes)
        es_json_refuse(&why, "empty_file", "The file is empty.");
    if (why.code) {
        refuse(self, 400, &why);
        return;
    }
    self->over = true;
    self->ops->whole(self->ctx);
}

/* ---- a form */

static void begin_file(es_upload_body_t *self, const es_part_t *part)
{
    es_refusal_t why = {0};
    bool twice = self->found;
    self->found = self->in_file = true;
    if (twice)
        es_json_refuse(&why, "two_files", "The form has two files; send one upload for each.");
    else if (es_upload_options_part_name(self->options, part->file_name, &why) == 0)
        es_upload_options_type(self->options, part->type, &why);
    if (!why.code)
        self->ops->file(self->ctx);
    else
        refuse(self, strcmp(why.code, "unsupported_type") ? 400 : 415, &why);
}

static void on_part(void *ctx, const es_part_t *part)
{
    es_upload_body_t *self = ctx;
    bool audio = es_span_eq(part->name, es_span(file_field));
    es_refusal_t why = {0};
    if (audio && part->file) {
        begin_file(self, part);
        return;
    }
    self->in_file = false;
    self->value_len = 0;
    self->name_len = es_utf8_repair(part->name, self->name, ES_JSON_SHOWN);
    self->name[self->name_len] = 0;
    if (audio)
        es_json_refuse(&why, "no_audio", "The field \"audio\" is no file: it has no file name.");
    else if (part->file)
        es_json_refuse(&why, "unknown_option", "The form has a file \"%s\"; the one that is taken is \"audio\".",
                       self->name);
    if (why.code) refuse(self, 400, &why);
}

static void on_piece(void *ctx, const void *data, size_t len)
{
    es_upload_body_t *self = ctx;
    if (self->in_file) {
        take_data(self, data, len);
        return;
    }
    memcpy(self->value + self->value_len, data, len); /* the form bounds it */
    self->value_len += len;
}

static void on_part_end(void *ctx)
{
    es_upload_body_t *self = ctx;
    es_refusal_t why = {0};
    if (self->in_file) return;
    if (es_upload_options_field(self->options, es_span_of(self->name, self->name_len),
                                es_span_of(self->value, self->value_len), &why))
        refuse(self, 400, &why);
}

static void on_done(void *ctx)
{
    finish(ctx);
}

static void on_error(void *ctx, const char *message)
{
    es_refusal_t why = {0};
    es_json_refuse(&why, "bad_multipart", "%s", message);
    refuse(ctx, 400, &why);
}

static const es_multipart_ops_t form_ops = {
    .part = on_part, .piece = on_piece, .part_end = on_part_end, .done = on_done, .error = on_error};

/* ---- either */

es_upload_body_t *es_upload_body_new(es_span_t content_type, es_upload_options_t *options, uint64_t max_file,
                                     const es_upload_body_ops_t *ops, void *ctx, unsigned *status, es_refusal_t *why)
{
    char boundary[ES_MULTIPART_BOUNDARY_MAX + 1];
    int rc = es_multipart_boundary(content_type, boundary);
    if (rc < 0) {
        *status = 400;
        es_json_refuse(why, "bad_multipart", "The Content-Type has no proper boundary of 1 to %u characters.",
                       ES_MULTIPART_BOUNDARY_MAX);
        return NULL;
    }
    if (rc > 0 && es_upload_options_type(options, content_type, why)) {
        *status = 415;
        return NULL;
    }
    es_upload_body_t *self = es_alloc_zero(sizeof *self);
    self->ops = ops;
    self->ctx = ctx;
    self->options = options;
    self->max_file = max_file;
    if (!rc) self->form = es_multipart_new(boundary, &form_ops, self);
    return self;
}

void es_upload_body_destroy(es_upload_body_t **self_p)
{
    es_upload_body_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    es_multipart_destroy(&self->form);
    free(self);
}

bool es_upload_body_is_form(const es_upload_body_t *self)
{
    return self->form != NULL;
}

static void begin_raw(es_upload_body_t *self)
{
    if (self->form || self->found) return;
    self->found = true;
    self->ops->file(self->ctx);
}

void es_upload_body_feed(es_upload_body_t *self, const void *data, size_t len)
{
    if (self->over) return;
    begin_raw(self);
    if (self->form)
        es_multipart_feed(self->form, data, len);
    else if (len)
        take_data(self, data, len);
}

void es_upload_body_end(es_upload_body_t *self)
{
    if (self->over) return;
    begin_raw(self);
    if (self->form)
        es_multipart_end(self->form);
    else
        finish(self);
}
