#include "server.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "unread.h"
#include "unseen.h"

_Static_assert(LWS_PRE <= ES_FRAME_HEADROOM, "lws_write may use LWS_PRE bytes before the data");

enum {
    RX_BUFFER = 16384,
    WRITE_MAX = 65536, /* bytes handed over at once: what lws may have to keep for a slow client */
    HEADER_MAX = 512,
    CONTROL_MIN = 6 /* bytes of a control frame */
};

struct es_server {
    es_server_ops_t ops;
    es_server_limits_t limits;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[2];
    lws_retry_bo_t retry;     /* all zero: lws leaves the clients' lives to us */
    struct arrival *adopting; /* of the socket that is being adopted, until its wsi has it */
};

/* Who is at the other end, from the adoption on. */
typedef struct arrival {
    void *peer;
    es_guest_t *guest; /* until the WebSocket is open */
} arrival_t;

/* lws's per-connection memory. */
typedef struct {
    struct lws *wsi;
    es_server_t *server;
    es_client_t *client;
    const char *reason; /* to close with, once code is set */
    unsigned code;
    bool shut;                               /* Close is on its way: no data frame may follow it */
    bool leaving;                            /* the peer began to close */
    bool asked;                              /* for WRITEABLE, which has not come yet */
    bool cut;                                /* its end is on its way, whatever the peer does */
    uint64_t closing_since, heard_at, pings; /* pings: since it was heard */
    es_unseen_t unseen;
    es_unread_t unread;
} session_t;

static es_server_t *server_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* ---- WebSocket */

/* 0 with the header copied ("" where absent), -1 where it is longer than cap. */
static int header(struct lws *wsi, enum lws_token_indexes token, char *out, int cap)
{
    *out = 0;
    if (!lws_hdr_total_length(wsi, token)) return 0;
    return lws_hdr_copy(wsi, out, cap, token) < 0 ? -1 : 0;
}

/* lws has a clock for this too, in a list that it walks whenever a PONG comes: with thousands of clients a flood of PONGs by one would stop them all. */
static void alive(session_t *session)
{
    session->heard_at = session->client->env->now_us;
    session->pings = 0;
}

static int query_of(struct lws *wsi, char *out, size_t cap)
{
    size_t used = 0;
    *out = 0;
    for (int i = 0; lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
        size_t len = (size_t)lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (used + len + 2 > cap) return -1;
        if (used) out[used++] = '&';
        if (lws_hdr_copy_fragment(wsi, out + used, (int)(cap - used), WSI_TOKEN_HTTP_URI_ARGS, i) < 0) return -1;
        used += len;
    }
    return 0;
}

static int established(session_t *session, struct lws *wsi)
{
    es_server_t *self = server_of(wsi);
    char path[HEADER_MAX], query[HEADER_MAX];
    if (header(wsi, WSI_TOKEN_GET_URI, path, sizeof path) || query_of(wsi, query, sizeof query)) return -1;
    memset(session, 0, sizeof *session);
    session->wsi = wsi;
    session->server = self;
    arrival_t *arrival = lws_get_opaque_user_data(wsi);
    es_guest_t *guest = arrival->guest;
    arrival->guest = NULL;
    session->client = self->ops.open(self->ops.ctx, path, query, guest, session);
    if (!session->client) return -1;
    es_unseen_begin(&session->unseen, lws_get_socket_fd(wsi));
    alive(session);
    return 0;
}

/* lws closes by itself where the peer breaks WebSocket, and does not tell; what waited for the peer must not follow. */
static bool is_shut(session_t *session)
{
    if (session->shut || session->leaving || !lws_get_close_length(session->wsi)) return session->shut;
    es_ws_count_close(ES_WS_VIOLATION);
    return session->shut = true;
}

static int closed(session_t *session)
{
    if (!session->client) return 0;
    es_client_t *client = session->client;
    bool ours = is_shut(session) || session->code || session->cut;
    if (client->throttled && !ours && !session->leaving) es_ws_count_close(ES_WS_GONE); /* a write has found it */
    session->client = NULL;
    session->server->ops.gone(session->server->ops.ctx, client);
    return 0;
}

static int close_with(session_t *session, unsigned code, const char *reason)
{
    session->shut = true;
    lws_close_reason(session->wsi, (enum lws_close_status)code, (unsigned char *)(uintptr_t)reason, strlen(reason));
    return -1;
}

static int judge(session_t *session, es_ws_why_t why)
{
    return why ? close_with(session, es_ws_close(why)->code, es_ws_close(why)->reason) : 0;
}

static int receive(session_t *session, struct lws *wsi, const void *in, size_t len)
{
    if (!session->client) return -1;
    if (session->shut) return 0;
    alive(session);
    size_t left = lws_remaining_packet_payload(wsi);
    es_unseen_tell(&session->unseen, len, !left);
    return judge(session,
                 es_client_piece(session->client, in, len, left, lws_is_final_fragment(wsi), lws_frame_is_binary(wsi)));
}

static int receive_pong(session_t *session, size_t len)
{
    if (!session->client) return -1;
    if (session->shut) return 0;
    alive(session);
    es_unseen_tell(&session->unseen, len, 1);
    es_client_control(session->client, 1, len);
    return 0;
}

static void ask(session_t *session)
{
    session->asked = true;
    lws_callback_on_writable(session->wsi);
}

/* LWS_WRITE_RAW reads only, and copies what the socket does not take: that goes out before whatever lws has to say itself. */
static int write_raw(session_t *session, const uint8_t *data, size_t n)
{
    return lws_write(session->wsi, (unsigned char *)(uintptr_t)data, n, LWS_WRITE_RAW) < (int)n ? -1 : 0;
}

static int writeable(session_t *session, struct lws *wsi)
{
    const uint8_t *data;
    es_client_t *client = session->client;
    session->asked = false;
    if (!client) return -1;
    if (is_shut(session)) return 0;
    size_t n = es_client_next(client, WRITE_MAX, &data);
    if (n) {
        if (write_raw(session, data, n)) return -1;
        es_client_written(client, n);
    }
    bool more = client->flushing || lws_partial_buffered(wsi);
    if (session->code && !more) return close_with(session, session->code, session->reason);
    if (more || session->code) ask(session);
    return 0;
}

void es_server_flush(void *transport)
{
    ask(transport);
}

/* The first bytes of a frame are out. Where lws cannot keep the others nothing may follow, a PONG neither. */
static void leave_rest(session_t *session, const uint8_t *rest, size_t n)
{
    if (n && write_raw(session, rest, n)) (void)shutdown(lws_get_socket_fd(session->wsi), SHUT_RDWR);
}

/* WRITEABLE costs two epoll_ctl and a turn of the loop for each member of a room; a socket that is idle takes the bytes as well without. lws has nothing
 * of its own under way then, and no TLS lies between. */
void es_server_push(void *transport)
{
    session_t *session = transport;
    es_client_t *client = session->client;
    const uint8_t *data;
    if (session->asked) return;
    if (is_shut(session) || session->code || lws_partial_buffered(session->wsi)) {
        ask(session);
        return;
    }
    size_t n = es_client_next(client, WRITE_MAX, &data);
    ssize_t sent = n ? send(lws_get_socket_fd(session->wsi), data, n, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    if (sent > 0) {
        leave_rest(session, data + sent, n - (size_t)sent);
        es_client_written(client, n);
    }
    if (client->flushing || lws_partial_buffered(session->wsi)) ask(session);
}

void es_server_throttle(void *transport, bool stop)
{
    session_t *session = transport;
    lws_rx_flow_control(session->wsi, !stop);
}

void es_server_close(void *transport, unsigned code, const char *reason)
{
    session_t *session = transport;
    session->code = code;
    session->reason = reason;
    ask(session);
}

/* lws would first send what it has kept of a frame, which a peer that reads nothing never lets it; and each word of ours would begin its patience anew. */
static void cut(session_t *session, es_ws_why_t why)
{
    if (session->cut) return;
    session->cut = true;
    es_ws_count_close(why);
    (void)shutdown(lws_get_socket_fd(session->wsi), SHUT_RDWR);
    lws_set_timeout(session->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_SYNC);
}

/* Who is not read cannot be heard: its kernel answers for it, for as long as it has not left. With TLS the pair may hold what its socket does not. */
static bool is_there(session_t *session, const es_client_t *client)
{
    const es_server_ops_t *ops = &session->server->ops;
    int adopted = lws_get_socket_fd(session->wsi), own = ops->socket(ops->ctx, adopted);
    if (es_unread_over(adopted) || es_unread_over(own)) return false;
    if (es_unread_alive(&session->unread, own) && !es_client_deaf(client)) alive(session);
    return true;
}

static void look_for_life(session_t *session, es_client_t *client, uint64_t now_us)
{
    const es_server_limits_t *limits = &session->server->limits;
    if (client->throttled && !is_there(session, client)) {
        cut(session, ES_WS_GONE);
        return;
    }
    if (now_us < session->heard_at + limits->ping_us * (session->pings + 1)) return;
    if (session->pings++ < limits->ping_misses)
        es_client_ping(client);
    else
        cut(session, ES_WS_SILENT);
}

/* A PING has six bytes at least, and costs as much as a message. */
static void look_for_control(session_t *session, es_client_t *client)
{
    uint64_t bytes = es_unseen_take(&session->unseen, lws_get_socket_fd(session->wsi));
    if (bytes) es_client_control(client, bytes / CONTROL_MIN, bytes);
}

void es_server_care(es_client_t *client, uint64_t now_us)
{
    session_t *session = client->transport;
    bool closing = is_shut(session) || session->code || session->leaving;
    if (closing && !session->closing_since) session->closing_since = now_us;
    if (!closing) {
        look_for_control(session, client);
        look_for_life(session, client, now_us);
    } else if (now_us - session->closing_since > session->server->limits.close_us) {
        cut(session, ES_WS_CLOSE_UNANSWERED);
    }
}

static int instantiated(es_server_t *self, struct lws *wsi)
{
    lws_set_opaque_user_data(wsi, self->adopting);
    self->adopting = NULL;
    return 0;
}

static void leave(es_server_t *self, arrival_t *arrival)
{
    if (!arrival) return;
    if (arrival->peer) self->ops.left(self->ops.ctx, arrival->peer);
    es_guest_destroy(&arrival->guest);
    free(arrival);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t len)
{
    session_t *session = user;
    switch (why) {
    case LWS_CALLBACK_RECEIVE:
        return receive(session, wsi, in, len);
    case LWS_CALLBACK_RECEIVE_PONG:
        return receive_pong(session, len);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        session->leaving = true;
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return writeable(session, wsi);
    case LWS_CALLBACK_ESTABLISHED:
        return established(session, wsi);
    case LWS_CALLBACK_CLOSED:
        return closed(session);
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        return instantiated(server_of(wsi), wsi);
    case LWS_CALLBACK_WSI_DESTROY:
        leave(server_of(wsi), lws_get_opaque_user_data(wsi));
        return 0;
    case LWS_CALLBACK_HTTP: /* the gate lets upgrades through only */
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX:
        return -1;
    default:
        return 0;
    }
}

/* ---- life */

static void on_log(int level, const char *line)
{
    size_t len = strlen(line);
    if (strstr(line, "adopt_socket_readbuf")) level = LLL_DEBUG; /* 4.1.6 tells of each as of an error */
    if (len && line[len - 1] == '\n') len--;
    if (level & LLL_ERR)
        es_log_error("libwebsockets", ES_B("text", line, len));
    else
        es_log_debug("libwebsockets", ES_B("text", line, len));
}

static void describe(es_server_t *self, struct lws_context_creation_info *info)
{
    self->protocols[0] = (struct lws_protocols){.name = "earshot",
                                                .callback = on_event,
                                                .per_session_data_size = sizeof(session_t),
                                                .rx_buffer_size = RX_BUFFER};
    info->port = CONTEXT_PORT_NO_LISTEN_SERVER; /* acceptor.c listens */
    info->protocols = self->protocols;
    info->gid = -1;
    info->uid = -1;
    info->options = LWS_SERVER_OPTION_LIBEV;
    info->pt_serv_buf_size = RX_BUFFER;
    info->retry_and_idle_policy = &self->retry;
    info->timeout_secs = 15;
    info->user = self;
}

es_server_t *es_server_new(const es_server_ops_t *ops, const es_server_limits_t *limits, void *ev_loop)
{
    es_server_t *self = es_alloc_zero(sizeof *self);
    struct lws_context_creation_info info = {0};
    void *loops[1] = {ev_loop};
    self->ops = *ops;
    self->limits = *limits;
    lws_set_log_level(LLL_ERR | LLL_WARN, on_log);
    describe(self, &info);
    info.foreign_loops = loops;
    self->lws = lws_create_context(&info);
    if (self->lws) self->vhost = lws_get_vhost_by_name(self->lws, "default");
    if (self->vhost) return self;
    es_log_error("libwebsockets cannot start; is the package libwebsockets-evlib-ev installed?");
    es_server_destroy(&self);
    return NULL;
}

void es_server_destroy(es_server_t **self_p)
{
    es_server_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    if (self->lws) lws_context_destroy(self->lws);
    free(self);
}

void es_server_adopt(es_server_t *self, int fd, const char *bytes, size_t len, void *peer, es_guest_t *guest)
{
    self->adopting = es_alloc(sizeof *self->adopting);
    *self->adopting = (arrival_t){.peer = peer, .guest = guest};
    /* NULL where it was refused or closed at once: either way the socket is taken care of. */
    if (!lws_adopt_socket_vhost_readbuf(self->vhost, fd, bytes, len))
        es_log_debug("libwebsockets did not take a connection");
    leave(self, self->adopting);
    self->adopting = NULL;
}
