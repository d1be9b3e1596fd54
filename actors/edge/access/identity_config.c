#include "edge_actor.h"

enum { SECOND = 1000000 };

const es_option_t es_identity_options[] = {
    ES_OPT_STR(
        es_edge_config_t, jwt_keys, "jwt-key", NULL, NULL, 4096,
        "files with keys that sign tokens (JWT), with commas: public keys as PEM, or secrets of at least 32 bytes; "
        "with it or --api-keys nobody does anything without a token"),
    ES_OPT_STR(es_edge_config_t, jwt_audience, "jwt-audience", NULL, NULL, 256,
               "tokens must be for this audience (aud); default: any"),
    ES_OPT_STR(es_edge_config_t, jwt_issuer, "jwt-issuer", NULL, NULL, 256,
               "tokens must be of this issuer (iss); default: any"),
    ES_OPT_DURATION(es_edge_config_t, jwt_leeway_us, "jwt-leeway", "30s", 0, UINT64_C(600000000),
                    "that the clocks of issuer and edge may differ"),
    ES_OPT_STR(es_edge_config_t, api_keys, "api-keys", NULL, NULL, 1024,
               "file with the digests of API keys and what they may do; `earshot token --api-key` writes it"),
    ES_OPT_DURATION(es_edge_config_t, ticket_us, "ticket-lifetime", "30s", SECOND, UINT64_C(3600000000),
                    "a ticket is void after it"),
    ES_OPT_UINT(es_edge_config_t, max_tickets, "max-tickets", NULL, "10000", 1, 1000000,
                "tickets that wait to be used"),
    ES_OPT_UINT(es_edge_config_t, tickets_each, "max-token-tickets", NULL, "1000", 1, 1000000,
                "of them, those of one "
                "token's subject"),
    ES_OPT_UINT(es_edge_config_t, max_connections, "max-token-connections", NULL, "1000", 0, 1000000,
                "connections of one token's subject, or of one API key, at once; 0: any number"),
    ES_OPT_DURATION(es_edge_config_t, auth_us, "auth-timeout", "10s", 100000, UINT64_C(3600000000),
                    "time for a WebSocket to show a token where one is asked for; longer closes 1008"),
    ES_OPT_UINT(es_edge_config_t, auth_rate, "auth-rate", NULL, "30", 0, 1000000,
                "signed tokens that a WebSocket may show in messages a minute; 0: any number"),
    ES_OPT_UINT(es_edge_config_t, auth_burst, "auth-burst", NULL, "10", 1, 1000000, "and at once"),
    ES_OPT_UINT(es_edge_config_t, max_strangers, "max-strangers", NULL, "1000", 1, 1000000,
                "WebSockets at once that have not shown one yet; where one more comes the oldest is closed 1008"),
    ES_OPT_END};

es_identity_config_t es_edge_identity_config(const es_edge_config_t *config, const es_operator_t *operator_token)
{
    return (es_identity_config_t){.jwt_keys = config->jwt_keys,
                                  .audience = config->jwt_audience,
                                  .issuer = config->jwt_issuer,
                                  .leeway_s = config->jwt_leeway_us / SECOND,
                                  .api_keys = config->api_keys,
                                  .operator_token = operator_token,
                                  .ticket_us = config->ticket_us,
                                  .max_tickets = config->max_tickets,
                                  .tickets_each = config->tickets_each,
                                  .max_connections = config->max_connections};
}
