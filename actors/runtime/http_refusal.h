/* Why an HTTP server of ours answers by itself: each reason with its status and its sentence. */
#ifndef ES_HTTP_REFUSAL_H
#define ES_HTTP_REFUSAL_H

typedef enum {
    ES_HTTP_BAD_BYTE,
    ES_HTTP_BAD_LINE_END,
    ES_HTTP_BAD_REQUEST_LINE,
    ES_HTTP_BAD_TARGET,
    ES_HTTP_BAD_FIELD,
    ES_HTTP_BAD_HOST,
    ES_HTTP_BAD_LENGTH,
    ES_HTTP_BAD_FRAMING,
    ES_HTTP_BAD_CHUNK,
    ES_HTTP_BAD_UPGRADE,
    ES_HTTP_METHOD_NOT_ALLOWED,
    ES_HTTP_METHOD_UNKNOWN,
    ES_HTTP_HEAD_SLOW,
    ES_HTTP_BODY_SLOW,
    ES_HTTP_MUTE,      /* counted, not answered */
    ES_HTTP_SEND_SLOW, /* likewise */
    ES_HTTP_BODY_TOO_LARGE,
    ES_HTTP_TARGET_TOO_LONG,
    ES_HTTP_EXPECT_UNKNOWN,
    ES_HTTP_UPGRADE_VERSION,
    ES_HTTP_HEAD_TOO_LARGE,
    ES_HTTP_CODING_UNKNOWN,
    ES_HTTP_VERSION_UNKNOWN,
    ES_HTTP_TOO_MANY,
    ES_HTTP_TOO_MANY_OF_ADDRESS,
    ES_HTTP_REFUSALS
} es_http_why_t;

typedef struct {
    unsigned status;
    const char *code, *message;
} es_http_refusal_t;

const es_http_refusal_t *es_http_refusal(es_http_why_t why);

#endif
