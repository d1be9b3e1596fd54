#include "edge_actor.h"

#include <stdio.h>

#include "dead_letters.h"
#include "http/origin.h"
#include "http_head.h"
#include "loopback.h"

#define MIB UINT64_C(1048576)

static const es_option_t edge_options[] = {
    ES_OPT_STR(es_edge_config_t, host, "host", NULL, "127.0.0.1", 255, "address to listen on; 0.0.0.0 for all"),
    ES_OPT_UINT(es_edge_config_t, port, "port", "APP_PORT", "8000", 0, 65535, "TCP port; 0 draws a free one"),
    ES_OPT_FLAG(
        es_edge_config_t, reuse_port, "reuse-port",
        "share --port with other edges of this user that are started so too: the kernel deals connections to them"),
    ES_OPT_STR(es_edge_config_t, tls_cert, "tls-cert", NULL, NULL, 1024,
               "serve TLS: PEM file with the certificate and those that lead to a root; read again on SIGHUP"),
    ES_OPT_STR(es_edge_config_t, tls_key, "tls-key", NULL, NULL, 1024, "PEM file with the certificate's private key"),
    ES_OPT_DURATION(es_edge_config_t, handshake_us, "handshake-timeout", "10s", 100000, UINT64_C(3600000000),
                    "time for the TLS handshake of a connection; then it is closed"),
    ES_OPT_STR(es_edge_config_t, addr_file, "addr-file", NULL, NULL, 1024,
               "write the address (http://... or https://...) into this file"),
    ES_OPT_STR(es_edge_config_t, web, "web", NULL, NULL, 1024,
               "directory of the page; default: the one that came along"),
    ES_OPT_STR(
        es_edge_config_t, allow_origin, "allow-origin", NULL, NULL, 2048,
        "origins whose pages may connect besides our own, and by whose hosts an edge may be called that asks nobody "
        "who comes, with commas; * for all"),
    ES_OPT_UINT(es_edge_config_t, max_clients, "max-clients", NULL, "20000", 1, 1000000, "WebSocket clients at once"),
    ES_OPT_UINT(es_edge_config_t, max_http, "max-http", NULL, "8192", 1, 1000000,
                "connections at once that are no WebSocket, or not yet; more is answered 503"),
    ES_OPT_UINT(es_edge_config_t, max_address, "max-address", NULL, "256", 0, 1000000,
                "connections of one address (IPv6: of one /64, and four times as many of one /48) at once, WebSockets "
                "included; 127.0.0.1 and ::1 are not "
                "counted; 0: any number, as behind a proxy on another machine"),
    ES_OPT_UINT(es_edge_config_t, file_reserve, "file-reserve", NULL, "256", 16, 65536,
                "file descriptors that no connection gets, half of all at most; --max-clients and --max-http are "
                "lowered to what the others allow (three each with TLS)"),
    ES_OPT_UINT(es_edge_config_t, max_request_line, "max-request-line", NULL, "8192", 256, ES_HTTP_LINE_MAX,
                "bytes of the first line of a request; more is answered 414"),
    ES_OPT_UINT(es_edge_config_t, max_head, "max-head", NULL, "16384", 1024, ES_HTTP_HEAD_MAX,
                "bytes of the head of a request; more is answered 431"),
    ES_OPT_UINT(es_edge_config_t, max_head_lines, "max-head-lines", NULL, "100", 8, ES_HTTP_FIELDS_MAX,
                "lines of a head after the first; more is answered 431"),
    ES_OPT_DURATION(es_edge_config_t, head_us, "head-timeout", "10s", 100000, UINT64_C(3600000000),
                    "time for the head of an HTTP request; longer is answered 408"),
    ES_OPT_DURATION(es_edge_config_t, body_us, "body-timeout", "30s", 100000, UINT64_C(3600000000),
                    "time for the next --body-least bytes of a request's body, or for its rest; longer is answered "
                    "408; it stands while the edge reads no faster"),
    ES_OPT_UINT(es_edge_config_t, body_least, "body-least", NULL, "16384", 0, MIB,
                "bytes of a body that are to come in each --body-timeout, so that no trickle holds a place (30 s: 4.4 "
                "kbit/s); 0: one is enough"),
    ES_OPT_DURATION(es_edge_config_t, idle_us, "keep-alive", "15s", 0, UINT64_C(3600000000),
                    "time between two requests on a connection, then it is closed; 0s: one request each"),
    ES_OPT_DURATION(es_edge_config_t, send_us, "send-timeout", "30s", 100000, UINT64_C(3600000000),
                    "time in which a client must take something of its answer; then it is cut off"),
    ES_OPT_UINT(es_edge_config_t, max_chunk, "max-chunk", NULL, "1048576", 2, MIB, "bytes of one chunk of audio"),
    ES_OPT_UINT(es_edge_config_t, max_message, "max-message", NULL, "1114112", 1024, 16 * MIB,
                "bytes of one binary message; more closes 1009"),
    ES_OPT_UINT(es_edge_config_t, max_text, "max-text-message", NULL, "65536", 1024, 16 * MIB,
                "bytes of one text message, in all its fragments; more closes 1009"),
    ES_OPT_UINT(es_edge_config_t, max_fragments, "max-fragments", NULL, "1024", 1, 1000000,
                "fragments of one message; more closes 1009"),
    ES_OPT_UINT(es_edge_config_t, max_depth, "max-depth", NULL, "16", 4, 256,
                "levels of JSON in a text message; deeper is an error"),
    ES_OPT_UINT(es_edge_config_t, message_rate, "message-rate", NULL, "50000", 0, 10000000,
                "messages a second of one client, and at once; who sends faster is read no faster; 0: any number"),
    ES_OPT_UINT(es_edge_config_t, byte_rate, "byte-rate", NULL, "67108864", 0, 1024 * MIB,
                "bytes a second of one client, and at once; likewise; 0: any number"),
    ES_OPT_DURATION(es_edge_config_t, rate_patience_us, "rate-patience", "10s", 100000, UINT64_C(3600000000),
                    "who sends faster for so long without a pause is closed 1008"),
    ES_OPT_DURATION(es_edge_config_t, ping_us, "ping-interval", "20s", 1000000, UINT64_C(3600000000),
                    "a client that says nothing for so long is sent a PING, and again after each such time"),
    ES_OPT_UINT(es_edge_config_t, ping_misses, "ping-misses", NULL, "2", 1, 100,
                "PINGs that may stay without an answer; then the client is gone"),
    ES_OPT_DURATION(es_edge_config_t, close_us, "close-timeout", "5s", 100000, UINT64_C(600000000),
                    "time for a client to take and answer Close; then it is cut off"),
    ES_OPT_UINT(es_edge_config_t, stream_memory, "stream-memory", NULL, "1073741824", MIB, MIB *MIB,
                "bytes that the streams of all clients may hold until their words are final, each at least 1 MiB and "
                "at most 8 MiB; who has its share is read no faster"),
    ES_OPT_UINT(es_edge_config_t, max_queue, "max-queue", NULL, "1048576", 4096, 256 * MIB,
                "bytes that may wait for a slow client; more closes 1013"),
    ES_OPT_UINT(es_edge_config_t, max_client_rooms, "max-client-rooms", NULL, "16", 1, 1000,
                "rooms that a client may be in"),
    ES_OPT_UINT(es_edge_config_t, max_rooms, "max-rooms", NULL, "10000", 1, 30000, "rooms with members here"),
    ES_OPT_UINT(es_edge_config_t, max_room_members, "max-room-members", NULL, "5000", 1, 8000,
                "members of one room here"),
    ES_OPT_UINT(es_edge_config_t, room_backlog, "room-backlog", NULL, "1048576", 65536, 256 * MIB,
                "bytes of a room that may wait for a slow member for 2 s, and eight times as many at once; more closes "
                "1013"),
    ES_OPT_UINT(es_edge_config_t, say_rate, "say-rate", NULL, "100", 0, 1000000,
                "messages a second that a client may say in rooms; 0: any number"),
    ES_OPT_UINT(es_edge_config_t, say_burst, "say-burst", NULL, "400", 1, 1000000, "and at once"),
    ES_OPT_UINT(es_edge_config_t, join_rate, "join-rate", NULL, "30", 0, 1000000,
                "rooms that a client may enter a minute; 0: any number"),
    ES_OPT_UINT(es_edge_config_t, join_burst, "join-burst", NULL, "32", 1, 1000000,
                "and at once; never fewer than --max-client-rooms, so that who comes back may enter all of its own"),
    ES_OPT_DURATION(es_edge_config_t, caption_us, "caption-hold", "30s", 0, UINT64_C(600000000),
                    "who speaks in a room with a resumable stream is told words as final when the room has them, or "
                    "has not answered for so long; 0ms: at once"),
    ES_OPT_STR(es_edge_config_t, session_key, "session-key", NULL, NULL, 1024,
               "file with the key that signs sessions, the same for all edges; default: session.key in --data, made "
               "where it is not there"),
    ES_OPT_DURATION(es_edge_config_t, session_us, "session-lifetime", "24h", 60000000, UINT64_C(2592000000000),
                    "a client may come back with its token for so long"),
    ES_OPT_UINT(es_edge_config_t, max_upload, "max-upload", NULL, "2147483648", 1, UINT64_C(1) << 40,
                "bytes of an uploaded file"),
    ES_OPT_UINT(es_edge_config_t, max_uploads, "max-uploads", NULL, "256", 1, 10000, "uploads at once"),
    ES_OPT_UINT(es_edge_config_t, max_address_uploads, "max-address-uploads", NULL, "64", 0, 10000,
                "of them, those of one address, counted as for --max-address, and those of one token's subject or API "
                "key; 0: any number"),
    ES_OPT_UINT(es_edge_config_t, upload_memory, "upload-memory", NULL, "268435456", MIB, MIB *MIB,
                "bytes that all uploads may be ahead of the jobs actors, each at least 256 KiB and at most 8 MiB"),
    ES_OPT_DURATION(es_edge_config_t, upload_wait_us, "upload-wait", "5s", 100000, 600000000,
                    "time for a jobs actor to take an upload; then 503"),
    ES_OPT_DURATION(es_edge_config_t, upload_stall_us, "upload-stall", "60s", 1000000, UINT64_C(3600000000),
                    "time in which the jobs actor stores nothing of what it should; then 503"),
    ES_OPT_CHOICE(es_edge_config_t, async_uploads, "async-uploads", "on", "on|off",
                  "off: upload answers with the transcript, as upload-sync does"),
    ES_OPT_UINT(es_edge_config_t, sync_max, "sync-max", NULL, "10485760", 1, UINT64_C(1) << 40,
                "bytes of a file whose transcript is waited for"),
    ES_OPT_DURATION(es_edge_config_t, sync_timeout_us, "sync-timeout", "60s", 100000, UINT64_C(3600000000),
                    "time to wait for it; then 202 as for any upload"),
    ES_OPT_STR(es_edge_config_t, operator_token, "operator-token-file", NULL, NULL, 1024,
               "file with the token that opens the dashboard and all jobs; default: operator.token in --data, made "
               "where it is not there"),
    ES_OPT_UINT(es_edge_config_t, max_watches, "max-watches", NULL, "20000", 1, 10000000,
                "watches of jobs by all clients"),
    ES_OPT_UINT(es_edge_config_t, max_client_watches, "max-client-watches", NULL, "64", 1, 10000, "and by one"),
    ES_OPT_DURATION(es_edge_config_t, tick_us, "tick", "1300us", 0, 20000,
                    "longest wait for company under load; 0ms: none"),
    ES_OPT_DURATION(es_edge_config_t, drain_us, "drain-timeout", "10s", 0, 600000000,
                    "time for the last words at the end"),
    ES_DEAD_OPTIONS(es_edge_config_t),
    ES_OPT_END};

const es_option_t *const es_edge_option_tables[] = {edge_options, es_identity_options, es_common_options, NULL};

static const es_config_about_t about = {
    .program = "earshot-edge",
    .usage = "[OPTIONS]",
    .about = "Takes audio over WebSocket and HTTP and brings the words back.",
    .epilog = "Exit status: 0 after a clean end, 1 where it could not start or failed, 2 for wrong settings."};

static bool set(const char *text)
{
    return text && *text;
}

/* Certificate and key belong together, and who listens beyond this machine must keep secret what is said or ask who comes. */
static int check(const es_edge_config_t *config, char *err, size_t err_len)
{
    bool tls = set(config->tls_cert);
    char origin[500];
    *err = 0;
    if (es_origin_check(config->allow_origin, origin, sizeof origin))
        snprintf(err, err_len, "--allow-origin: %s", origin);
    else if (tls != set(config->tls_key))
        snprintf(err, err_len, "--tls-%s is missing: --tls-cert and --tls-key go together", tls ? "key" : "cert");
    else if (!tls && !set(config->jwt_keys) && !set(config->api_keys) && !config->common.insecure &&
             !es_loopback_host(config->host))
        snprintf(
            err, err_len,
            "--host %.255s is beyond this machine, and nothing would keep secret what is said or ask who comes: give "
            "--tls-cert FILE and --tls-key FILE, or --jwt-key FILE or --api-keys FILE; or --insecure to insist (behind "
            "a "
            "proxy that does it, say)",
            config->host);
    return *err ? -1 : 0;
}

es_config_result_t es_edge_config_load(es_edge_config_t *config, int argc, char **argv)
{
    int rest = argc;
    char err[600];
    es_config_result_t result = es_config_load(config, es_edge_option_tables, &about, argc, argv, &rest);
    if (result != ES_CONFIG_OK) return result;
    if (rest < argc) {
        fprintf(stderr, "earshot-edge: \"%s\" is too much; only options are understood, see --help\n", argv[rest]);
        return ES_CONFIG_ERROR;
    }
    if (check(config, err, sizeof err)) {
        fprintf(stderr, "earshot-edge: %s\n", err);
        return ES_CONFIG_ERROR;
    }
    return es_common_config_settle(&config->common, "edge") ? ES_CONFIG_ERROR : ES_CONFIG_OK;
}

void es_edge_config_fini(es_edge_config_t *config)
{
    es_config_fini(config, es_edge_option_tables);
}
