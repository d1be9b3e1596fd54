#include "edge_limits.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

es_client_limits_t es_edge_client_limits(const es_edge_config_t *config)
{
    return (es_client_limits_t){.max_chunk = config->max_chunk,
                                .max_message = config->max_message,
                                .max_text = config->max_text,
                                .max_fragments = config->max_fragments,
                                .max_depth = config->max_depth,
                                .max_queue = config->max_queue,
                                .max_rooms = config->max_client_rooms,
                                .say_rate = config->say_rate,
                                .say_burst = config->say_burst,
                                .join_rate = config->join_rate,
                                .join_burst = larger(config->join_burst, config->max_client_rooms),
                                .caption_us = config->caption_us,
                                .session_ms = config->session_us / 1000,
                                .auth_rate = config->auth_rate,
                                .auth_burst = config->auth_burst,
                                .auth_us = config->auth_us,
                                .max_strangers = config->max_strangers,
                                .pace = {.messages = config->message_rate,
                                         .bytes = config->byte_rate,
                                         .patience_us = config->rate_patience_us}};
}

es_server_limits_t es_edge_server_limits(const es_edge_config_t *config)
{
    return (es_server_limits_t){
        .ping_us = config->ping_us, .ping_misses = config->ping_misses, .close_us = config->close_us};
}

es_uploads_config_t es_edge_upload_limits(const es_edge_config_t *config)
{
    return (es_uploads_config_t){.max_upload = config->max_upload,
                                 .max_uploads = config->max_uploads,
                                 .max_each = config->max_address_uploads,
                                 .memory = config->upload_memory,
                                 .sync_max = config->sync_max,
                                 .wait_us = config->upload_wait_us,
                                 .stall_us = config->upload_stall_us,
                                 .sync_us = config->sync_timeout_us,
                                 .all_sync = config->async_uploads != 0};
}
