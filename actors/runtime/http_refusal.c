#include "http_refusal.h"

#include <assert.h>

#define REFUSAL(why, status_, code_, message_) [why] = {.status = (status_), .code = (code_), .message = (message_)}

static const es_http_refusal_t refusals[ES_HTTP_REFUSALS] = {
    REFUSAL(ES_HTTP_BAD_BYTE, 400, "bad_byte",
            "The head holds a control character. This port speaks plain HTTP: is the client sending TLS?"),
    REFUSAL(ES_HTTP_BAD_LINE_END, 400, "bad_line_end", "Lines of the head end with CR LF, and neither stands alone."),
    REFUSAL(ES_HTTP_BAD_REQUEST_LINE, 400, "bad_request_line",
            "The first line must be a method, an address and a version: GET /healthz HTTP/1.1."),
    REFUSAL(
        ES_HTTP_BAD_TARGET, 400, "bad_target",
        "The address must begin with / and be UTF-8 with valid percent codes, without control characters and without "
        "the segments . and .. in its path."),
    REFUSAL(ES_HTTP_BAD_FIELD, 400, "bad_field",
            "Each header line is a name, a colon right after it, and a value; none is continued on the next line. "
            "Authorization and Origin may come once."),
    REFUSAL(ES_HTTP_BAD_HOST, 400, "bad_host", "HTTP/1.1 wants exactly one Host header, a name or address and a port."),
    REFUSAL(ES_HTTP_BAD_LENGTH, 400, "bad_length", "Content-Length must be there once at most, and a number."),
    REFUSAL(ES_HTTP_BAD_FRAMING, 400, "bad_framing",
            "Send Content-Length or one Transfer-Encoding, not both; HTTP/1.0 has only Content-Length."),
    REFUSAL(ES_HTTP_BAD_CHUNK, 400, "bad_chunk",
            "The chunked body is malformed: each chunk is its size in hexadecimal, CR LF, so many bytes, CR LF."),
    REFUSAL(
        ES_HTTP_BAD_UPGRADE, 400, "bad_upgrade",
        "A WebSocket opens with a GET of HTTP/1.1 without a body, with Upgrade: websocket, Connection: Upgrade and one "
        "Sec-WebSocket-Key of 16 bytes in base64."),
    REFUSAL(ES_HTTP_METHOD_NOT_ALLOWED, 405, "method_not_allowed", "CONNECT and TRACE are answered nowhere here."),
    REFUSAL(ES_HTTP_METHOD_UNKNOWN, 501, "method_unknown",
            "This server knows GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS."),
    REFUSAL(ES_HTTP_HEAD_SLOW, 408, "head_slow", "The head of the request did not come in time; see --head-timeout."),
    REFUSAL(ES_HTTP_MUTE, 408, "mute", "Nothing was said on this connection; see --head-timeout."),
    REFUSAL(ES_HTTP_SEND_SLOW, 408, "send_slow", "Nothing of the answer was taken in time; see --send-timeout."),
    REFUSAL(ES_HTTP_BODY_SLOW, 408, "body_slow",
            "Too little of the body came in time; see --body-timeout and --body-least."),
    REFUSAL(ES_HTTP_BODY_TOO_LARGE, 413, "body_too_large",
            "The body is larger than this address takes: send less. For recordings --max-upload and --sync-max set the "
            "limit."),
    REFUSAL(ES_HTTP_TARGET_TOO_LONG, 414, "target_too_long",
            "The first line is too long: 8192 bytes are taken, or what --max-request-line says."),
    REFUSAL(ES_HTTP_EXPECT_UNKNOWN, 417, "expect_unknown", "Expect may only be 100-continue."),
    REFUSAL(ES_HTTP_UPGRADE_VERSION, 426, "upgrade_version", "WebSocket is spoken in version 13 (RFC 6455) only."),
    REFUSAL(ES_HTTP_HEAD_TOO_LARGE, 431, "head_too_large",
            "The head is too long: 16384 bytes and 100 lines are taken, or what --max-head and --max-head-lines say."),
    REFUSAL(ES_HTTP_CODING_UNKNOWN, 501, "coding_unknown", "Transfer-Encoding may only be chunked."),
    REFUSAL(ES_HTTP_VERSION_UNKNOWN, 505, "version_unknown", "HTTP/1.1 and HTTP/1.0 are spoken here."),
    REFUSAL(ES_HTTP_TOO_MANY, 503, "too_many", "This server has too many connections now; try again later."),
    REFUSAL(ES_HTTP_TOO_MANY_OF_ADDRESS, 503, "too_many_of_address",
            "Too many connections come from this address; close some."),
};

const es_http_refusal_t *es_http_refusal(es_http_why_t why)
{
    assert(why < ES_HTTP_REFUSALS);
    return &refusals[why];
}
