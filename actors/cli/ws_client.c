#include "ws_client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "alloc.h"

#define WAIT_MAX_US UINT64_C(3600000000)
#define HEAD_MAX 16384    /* of a request: the longest token fits */
#define ROUND_UP_US 1000u /* lws waits in whole milliseconds, rounded down: it would spin through the last one */

typedef struct outgoing {
    struct outgoing *next;
    bool binary;
    size_t len;
    uint8_t bytes[]; /* LWS_PRE of head-room, then len */
} outgoing_t;

struct es_ws_client {
    es_ws_client_ops_t ops;
    void *ctx;
    struct lws_context *context;
    struct lws *wsi;
    lws_sorted_usec_list_t timer;
    char *authorization; /* NULL: none */
    bool open, over, closing;
    outgoing_t *head, **tail;
    size_t queued;
    char *in; /* the message that is coming */
    size_t in_len, in_cap;
    unsigned close_code;
    char close_reason[124];
};

static const struct {
    const char *scheme;
    bool tls;
} schemes[] = {{"ws://", false}, {"wss://", true}, {"http://", false}, {"https://", true}};

static const char *after_scheme(const char *url, bool *tls)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t n = strlen(schemes[i].scheme);
        if (strncmp(url, schemes[i].scheme, n) != 0) continue;
        *tls = schemes[i].tls;
        return url + n;
    }
    return NULL;
}

/* [::1]:8000 or host:8000; returns false where the port is no port or the host is empty or too long. */
static bool parse_authority(es_ws_url_t *out, const char *p, size_t len)
{
    const char *end = p + len, *host = p, *host_end;
    if (len && *p == '[') {
        host++;
        host_end = memchr(p, ']', len);
        p = host_end ? host_end + 1 : end;
        if (!host_end) return false;
    } else {
        host_end = memchr(p, ':', len);
        p = host_end = host_end ? host_end : end;
    }
    size_t host_len = (size_t)(host_end - host);
    if (host_len == 0 || host_len >= sizeof out->host) return false;
    memcpy(out->host, host, host_len);
    out->host[host_len] = '\0';
    out->port = out->tls ? 443 : 80;
    if (p == end) return true;
    if (*p != ':' || end - p < 2 || end - p > 6) return false;
    uint32_t port = 0;
    for (p++; p < end; p++) {
        if (*p < '0' || *p > '9') return false;
        port = port * 10 + (uint32_t)(*p - '0');
    }
    out->port = (uint16_t)port;
    return port > 0 && port <= 65535;
}

int es_ws_url_parse(es_ws_url_t *out, const char *url, char *err, size_t err_len)
{
    const char *p = after_scheme(url, &out->tls);
    if (!p) {
        snprintf(err, err_len, "\"%s\" is not a WebSocket address; it should look like ws://127.0.0.1:8000/ws", url);
        return -1;
    }
    size_t authority = strcspn(p, "/?#");
    if (!parse_authority(out, p, authority)) {
        snprintf(err, err_len,
                 "\"%s\" has no valid HOST:PORT (port 1 to 65535); it should look like ws://127.0.0.1:8000/ws", url);
        return -1;
    }
    p += authority;
    bool bare = *p == '\0' || strcmp(p, "/") == 0;
    int n = snprintf(out->path, sizeof out->path, "%s", bare ? "/ws" : p);
    if (*p == '?' || *p == '#' || n >= (int)sizeof out->path) {
        snprintf(err, err_len, "\"%s\" has a path that begins without / or is longer than %zu bytes", url,
                 sizeof out->path - 1);
        return -1;
    }
    return 0;
}

static void finish(es_ws_client_t *self, const char *failure)
{
    if (self->over) return;
    bool was_open = self->open;
    self->over = true;
    self->open = false;
    self->wsi = NULL;
    if (was_open)
        self->ops.closed(self->ctx, self->close_code, self->close_reason);
    else
        self->ops.failed(self->ctx, failure);
}

static int on_receive(es_ws_client_t *self, struct lws *wsi, const void *in, size_t len)
{
    if (self->in_len + len + lws_remaining_packet_payload(wsi) > ES_WS_MESSAGE_MAX) {
        snprintf(self->close_reason, sizeof self->close_reason, "the server sent a message of more than %zu bytes",
                 ES_WS_MESSAGE_MAX);
        lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
        return -1;
    }
    if (self->in_len + len > self->in_cap) {
        self->in_cap = (self->in_len + len) * 2;
        char *bigger = es_alloc(self->in_cap);
        if (self->in_len) memcpy(bigger, self->in, self->in_len);
        free(self->in);
        self->in = bigger;
    }
    if (len) memcpy(self->in + self->in_len, in, len);
    self->in_len += len;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi)) return 0;
    size_t whole = self->in_len;
    self->in_len = 0;
    if (!lws_frame_is_binary(wsi)) self->ops.text(self->ctx, self->in, whole);
    return 0;
}

static int on_writable(es_ws_client_t *self, struct lws *wsi)
{
    outgoing_t *out = self->head;
    if (out) {
        self->head = out->next;
        if (!self->head) self->tail = &self->head;
        self->queued -= out->len;
        int n = lws_write(wsi, out->bytes + LWS_PRE, out->len, out->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
        bool failed = n < (int)out->len;
        free(out);
        if (failed) return -1;
        if (self->head || self->closing) lws_callback_on_writable(wsi);
        return 0;
    }
    if (!self->closing) return 0;
    lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
    return -1;
}

static void on_peer_close(es_ws_client_t *self, const uint8_t *in, size_t len)
{
    if (len < 2) return;
    self->close_code = (unsigned)in[0] << 8 | in[1];
    size_t n = len - 2 < sizeof self->close_reason - 1 ? len - 2 : sizeof self->close_reason - 1;
    memcpy(self->close_reason, in + 2, n);
    self->close_reason[n] = '\0';
}

static int add_authorization(es_ws_client_t *self, struct lws *wsi, unsigned char **at, size_t len)
{
    const char *value = self->authorization;
    if (!value) return 0;
    return lws_add_http_header_by_name(wsi, (const unsigned char *)"authorization:", (const unsigned char *)value,
                                       (int)strlen(value), at, *at + len);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user;
    es_ws_client_t *self = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_authorization(self, wsi, in, len);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        self->open = true;
        self->ops.open(self->ctx);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return on_receive(self, wsi, in, len);
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return on_writable(self, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        on_peer_close(self, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        finish(self, in ? (const char *)in : "no reason given");
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        finish(self, NULL);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {{.name = "earshot-cli", .callback = on_event, .rx_buffer_size = 65536},
                                                 {.name = NULL}};

static int tls_flags(const es_ws_url_t *url, const es_trust_t *trust)
{
    const int any =
        LCCSCF_ALLOW_SELFSIGNED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK | LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE;
    return url->tls ? LCCSCF_USE_SSL | (trust && trust->insecure ? any : 0) : 0;
}

static char *bearer(const char *token)
{
    static const char scheme[] = "Bearer ";
    size_t len = sizeof scheme + strlen(token);
    char *value = es_alloc(len);
    snprintf(value, len, "%s%s", scheme, token);
    return value;
}

static bool begin(es_ws_client_t *self, const es_ws_url_t *url, const es_trust_t *trust)
{
    struct lws_client_connect_info info = {.context = self->context,
                                           .address = url->host,
                                           .port = url->port,
                                           .path = url->path,
                                           .host = url->host,
                                           .origin = NULL,
                                           .ssl_connection = tls_flags(url, trust),
                                           .local_protocol_name = protocols[0].name,
                                           .pwsi = &self->wsi};
    return lws_client_connect_via_info(&info) != NULL;
}

const char *es_ws_client_library(void)
{
    return lws_get_library_version();
}

es_ws_client_t *es_ws_client_new(const es_ws_url_t *url, const es_trust_t *trust, const es_ws_client_ops_t *ops,
                                 void *ctx)
{
    es_ws_client_t *self = es_alloc_zero(sizeof *self);
    self->ops = *ops;
    self->ctx = ctx;
    self->tail = &self->head;
    if (trust && trust->bearer && *trust->bearer) self->authorization = bearer(trust->bearer);
    lws_set_log_level(0, NULL);
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
                                             .protocols = protocols,
                                             .gid = -1,
                                             .uid = -1,
                                             .user = self,
                                             .pt_serv_buf_size = HEAD_MAX,
                                             .options = url->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
                                             .client_ssl_ca_filepath = trust && url->tls ? trust->ca : NULL};
    self->context = lws_create_context(&info);
    assert(self->context); /* it takes nothing but memory */
    if (!begin(self, url, trust)) finish(self, "the address cannot be used");
    return self;
}

void es_ws_client_destroy(es_ws_client_t **self_p)
{
    es_ws_client_t *self = *self_p;
    if (!self) return;
    self->over = true;
    lws_context_destroy(self->context);
    while (self->head) {
        outgoing_t *next = self->head->next;
        free(self->head);
        self->head = next;
    }
    free(self->in);
    free(self->authorization);
    free(self);
    *self_p = NULL;
}

int es_ws_client_send(es_ws_client_t *self, bool binary, const void *data, size_t len)
{
    if (!self->open || self->closing) return -1;
    if (self->head && self->queued + len > ES_WS_QUEUE_MAX) return -1;
    outgoing_t *out = es_alloc(sizeof *out + LWS_PRE + len);
    out->next = NULL;
    out->binary = binary;
    out->len = len;
    memcpy(out->bytes + LWS_PRE, data, len);
    *self->tail = out;
    self->tail = &out->next;
    self->queued += len;
    lws_callback_on_writable(self->wsi);
    return 0;
}

int es_ws_client_watch(es_ws_client_t *self, int fd)
{
    lws_sock_file_fd_type own = {.filefd = dup(fd)}; /* lws closes what it has */
    if (own.filefd == -1) return -1;
    struct lws_vhost *vhost = lws_get_vhost_by_name(self->context, "default");
    return lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, own, protocols[0].name, NULL) ? 0 : -1;
}

size_t es_ws_client_queued(const es_ws_client_t *self)
{
    return self->queued;
}

void es_ws_client_close(es_ws_client_t *self)
{
    if (!self->open || self->closing) return;
    self->closing = true;
    lws_callback_on_writable(self->wsi);
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
    es_ws_client_t *self = lws_container_of(timer, es_ws_client_t, timer);
    /* A timer that is due already is called before the wait and does not end it: without this the wait has no end. */
    lws_cancel_service(self->context);
}

void es_ws_client_turn(es_ws_client_t *self, uint64_t wake_us, uint64_t now_us)
{
    uint64_t wait = wake_us > now_us ? wake_us - now_us : 0;
    if (wait > WAIT_MAX_US) wait = WAIT_MAX_US;
    lws_sul_schedule(self->context, 0, &self->timer, on_timer, (lws_usec_t)(wait + ROUND_UP_US));
    lws_service(self->context, 0);
}
