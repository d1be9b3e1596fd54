/* The edge: HTTP and WebSocket for people and programs in front, the house's streams behind. */
#ifndef ES_EDGE_ACTOR_H
#define ES_EDGE_ACTOR_H

#include "access/identity.h"
#include "config.h"
#include "runner.h"

typedef struct {
    es_common_config_t common;
    char *host;
    uint64_t port;
    bool reuse_port;
    char *tls_cert, *tls_key; /* both or none */
    uint64_t handshake_us;
    char *addr_file; /* where to write the address, or NULL */
    char *web;       /* directory of the page, or NULL: where it was built or installed */
    char *allow_origin;
    uint64_t max_clients, max_chunk, max_message, max_text, max_fragments, max_depth, max_queue, stream_memory;
    uint64_t message_rate, byte_rate, rate_patience_us, ping_us, ping_misses, close_us;
    uint64_t tick_us, drain_us;
    uint64_t dead_max, dead_bytes;
    uint64_t max_request_line, max_head, max_head_lines;
    uint64_t max_http, max_address, file_reserve, head_us, body_us, body_least, idle_us, send_us;
    uint64_t max_client_rooms, max_rooms, max_room_members, room_backlog;
    uint64_t say_rate, say_burst, join_rate, join_burst, caption_us;
    char *session_key; /* its file, or NULL: in the data directory */
    uint64_t session_us;
    uint64_t max_upload, max_uploads, max_address_uploads, upload_memory, upload_wait_us, upload_stall_us;
    uint64_t async_uploads, sync_max, sync_timeout_us; /* async_uploads: 0: on */
    char *operator_token;                              /* its file, or NULL: in the data directory */
    uint64_t max_watches, max_client_watches;
    /* Who may do what. */
    char *jwt_keys, *jwt_audience, *jwt_issuer, *api_keys;
    uint64_t jwt_leeway_us, ticket_us, max_tickets, tickets_each, max_connections;
    uint64_t max_strangers, auth_rate, auth_burst;
    uint64_t auth_us; /* a WebSocket that says nothing of itself has so long */
} es_edge_config_t;

extern const es_option_t *const es_edge_option_tables[];
es_config_result_t es_edge_config_load(es_edge_config_t *config, int argc, char **argv);
void es_edge_config_fini(es_edge_config_t *config);
/* What of it is about identity: its texts are the config's. */
extern const es_option_t es_identity_options[];
es_identity_config_t es_edge_identity_config(const es_edge_config_t *config, const es_operator_t *operator_token);

/* args: an es_edge_config_t that outlives the actor. */
void es_edge_actor(zsock_t *pipe, void *args);

#endif
