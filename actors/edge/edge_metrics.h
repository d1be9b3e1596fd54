/* The edge's figures. Every limit has a counter here. */
#ifndef ES_EDGE_METRICS_H
#define ES_EDGE_METRICS_H

#include "metrics.h"

extern es_metric_t es_edge_clients, es_edge_streams, es_edge_connections, es_edge_traces_taken, es_edge_traces_ignored,
    es_edge_frames, es_edge_bytes, es_edge_finals, es_edge_partials, es_edge_throttled, es_edge_overruns, es_edge_held,
    es_edge_origin_refused, es_edge_host_refused, es_edge_full_refused, es_edge_drain_refused, es_edge_key_refused,
    es_edge_accept_failed, es_edge_path_refused, es_edge_strangers, es_edge_strangers_pushed, es_edge_strangers_refused,
    es_edge_strangers_late, es_edge_expired, es_edge_sessions_refused, es_edge_requests, es_edge_http_idled,
    es_edge_http_connections, es_edge_lag_us, es_edge_deaf, es_edge_rooms_open, es_edge_room_members,
    es_edge_room_events, es_edge_room_bytes, es_edge_room_fetches, es_edge_room_gaps, es_edge_room_malformed,
    es_edge_room_captions_late, es_edge_room_captions_lost, es_edge_stream_memory, es_edge_streams_paused,
    es_edge_tokens_late;

es_metric_t *const *es_edge_metrics(void);
/* An error with this code is said to a client: limits have a counter each. */
void es_edge_count_error(const char *code);
/* How late words are, to health.h: the age of the oldest audio that no transcriber has taken. */
void es_edge_tell_health(uint64_t lag_us, uint64_t transcribers);

#endif
