/* The body of an upload, a form or the recording itself: finds the file in it, checks the options around it. Pure.
 *
 *      feed, feed, ... end  -->  file, data, data, ..., whole     or     refuse
 */
#ifndef ES_UPLOAD_BODY_H
#define ES_UPLOAD_BODY_H

#include "upload_options.h"

typedef struct es_upload_body es_upload_body_t;

typedef struct {
    /* The file begins: its type and name are in the options, as are the fields before it. */
    void (*file)(void *ctx);
    void (*data)(void *ctx, const void *data, size_t len);
    /* All has come, a file among it that is not empty, and there was nothing wrong. Last. */
    void (*whole)(void *ctx);
    /* With a status of HTTP. Last; what comes after it is skipped. */
    void (*refuse)(void *ctx, unsigned status, const es_refusal_t *why);
} es_upload_body_ops_t;

/* options outlive it. max_file: bytes. NULL where the type is not taken: *status and *why tell. */
es_upload_body_t *es_upload_body_new(es_span_t content_type, es_upload_options_t *options, uint64_t max_file,
                                     const es_upload_body_ops_t *ops, void *ctx, unsigned *status, es_refusal_t *why);
void es_upload_body_destroy(es_upload_body_t **self_p);
void es_upload_body_feed(es_upload_body_t *self, const void *data, size_t len);
void es_upload_body_end(es_upload_body_t *self);
bool es_upload_body_is_form(const es_upload_body_t *self);
/* The refusal of a file beyond max bytes. */
void es_upload_body_too_large(uint64_t max, es_refusal_t *why);

#endif
