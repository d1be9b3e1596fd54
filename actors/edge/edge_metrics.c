#include "edge_metrics.h"

#include <stddef.h>
#include <string.h>

#include "health.h"

ES_METRIC_GAUGE(es_edge_clients, "earshot_edge_clients", "WebSocket clients connected now");
ES_METRIC_GAUGE(es_edge_streams, "earshot_edge_streams", "streams open now");
ES_METRIC_GAUGE(es_edge_lag_us, "earshot_edge_lag_microseconds", "age of the oldest audio no transcriber has taken");
ES_METRIC_COUNTER(es_edge_traces_taken, "earshot_edge_traces_total{what=\"taken\"}",
                  "Requests that named a trace (traceparent)");
ES_METRIC_COUNTER(es_edge_traces_ignored, "earshot_edge_traces_total{what=\"malformed\"}", "");
ES_METRIC_COUNTER(es_edge_connections, "earshot_edge_connections_total", "WebSocket clients that have connected");
ES_METRIC_COUNTER(es_edge_frames, "earshot_edge_frames_total", "chunks of audio taken");
ES_METRIC_COUNTER(es_edge_bytes, "earshot_edge_bytes_total", "bytes of audio taken");
ES_METRIC_COUNTER(es_edge_finals, "earshot_edge_finals_total", "finals delivered, silence included");
ES_METRIC_COUNTER(es_edge_partials, "earshot_edge_partials_total", "partials delivered");
static ES_METRIC_COUNTER(chunk_too_large, "earshot_edge_errors_total{code=\"chunk_too_large\"}",
                         "errors said to clients");
static ES_METRIC_COUNTER(json_too_deep, "earshot_edge_errors_total{code=\"json_too_deep\"}", "errors said to clients");
static ES_METRIC_COUNTER(invalid_json, "earshot_edge_errors_total{code=\"invalid_json\"}", "errors said to clients");
static ES_METRIC_COUNTER(too_many_marks, "earshot_edge_errors_total{code=\"too_many_marks\"}",
                         "errors said to clients");
static ES_METRIC_COUNTER(segment_failed, "earshot_edge_errors_total{code=\"segment_failed\"}",
                         "errors said to clients");
static ES_METRIC_COUNTER(too_many_rooms, "earshot_edge_errors_total{code=\"too_many_rooms\"}",
                         "errors said to clients");
static ES_METRIC_COUNTER(room_full, "earshot_edge_errors_total{code=\"room_full\"}", "errors said to clients");
static ES_METRIC_COUNTER(room_unavailable, "earshot_edge_errors_total{code=\"room_unavailable\"}",
                         "errors said to clients");
static ES_METRIC_COUNTER(too_many_pending, "earshot_edge_errors_total{code=\"too_many_pending\"}",
                         "errors said to clients");
static ES_METRIC_COUNTER(rate_limited, "earshot_edge_errors_total{code=\"rate_limited\"}", "errors said to clients");
static ES_METRIC_COUNTER(other_errors, "earshot_edge_errors_total{code=\"other\"}", "errors said to clients");
ES_METRIC_COUNTER(es_edge_throttled, "earshot_edge_throttled_total", "times that a client's socket was no longer read");
ES_METRIC_GAUGE(es_edge_stream_memory, "earshot_edge_stream_memory_bytes",
                "bytes that the streams of clients hold until their words are final");
ES_METRIC_COUNTER(
    es_edge_streams_paused, "earshot_edge_streams_paused_total",
    "times that a client's socket was no longer read because its stream had its share of --stream-memory");
ES_METRIC_COUNTER(es_edge_overruns, "earshot_edge_overruns_total",
                  "chunks refused because a throttled client's came on");
ES_METRIC_COUNTER(es_edge_held, "earshot_edge_held_total",
                  "times that a client was read no more because it sent faster than --message-rate or --byte-rate");
ES_METRIC_COUNTER(es_edge_deaf, "earshot_edge_unheard_total", "messages for clients that are gone");
ES_METRIC_GAUGE(es_edge_http_connections, "earshot_edge_http_connections",
                "connections that are no WebSocket, or not yet");
ES_METRIC_COUNTER(es_edge_requests, "earshot_edge_requests_total", "plain HTTP requests answered");
ES_METRIC_COUNTER(es_edge_http_idled, "earshot_edge_http_idled_total",
                  "connections closed because no further request came for --keep-alive");
ES_METRIC_COUNTER(es_edge_origin_refused, "earshot_edge_refused_total{reason=\"origin\"}", "connections refused");
ES_METRIC_COUNTER(es_edge_host_refused, "earshot_edge_refused_total{reason=\"host\"}", "connections refused");
ES_METRIC_COUNTER(es_edge_full_refused, "earshot_edge_refused_total{reason=\"full\"}", "connections refused");
ES_METRIC_COUNTER(es_edge_drain_refused, "earshot_edge_refused_total{reason=\"draining\"}", "connections refused");
ES_METRIC_COUNTER(es_edge_key_refused, "earshot_edge_refused_total{reason=\"key\"}", "connections refused");
ES_METRIC_COUNTER(es_edge_path_refused, "earshot_edge_refused_total{reason=\"path\"}", "connections refused");
ES_METRIC_COUNTER(es_edge_accept_failed, "earshot_edge_refused_total{reason=\"descriptors\"}", "connections refused");
ES_METRIC_GAUGE(es_edge_strangers, "earshot_edge_strangers", "WebSocket clients that have not said who they are");
ES_METRIC_COUNTER(es_edge_strangers_refused, "earshot_edge_strangers_refused_total",
                  "messages of clients that had not said who they are");
ES_METRIC_COUNTER(es_edge_strangers_pushed, "earshot_edge_strangers_pushed_out_total",
                  "clients closed 1008 because more than --max-strangers had not said who they are");
ES_METRIC_COUNTER(es_edge_strangers_late, "earshot_edge_strangers_late_total",
                  "clients closed 1008 that had not said who they are in time");
ES_METRIC_COUNTER(es_edge_tokens_late, "earshot_edge_tokens_late_total",
                  "signed tokens that were not checked at once, because others were");
ES_METRIC_COUNTER(es_edge_expired, "earshot_edge_expired_total", "clients closed 1008 because their token has expired");
ES_METRIC_COUNTER(es_edge_sessions_refused, "earshot_edge_sessions_refused_total",
                  "session tokens that were expired, forged or another's");

ES_METRIC_GAUGE(es_edge_rooms_open, "earshot_edge_rooms", "rooms with members here");
ES_METRIC_GAUGE(es_edge_room_members, "earshot_edge_room_members", "memberships of clients in rooms");
ES_METRIC_COUNTER(es_edge_room_events, "earshot_edge_room_events_total", "events of rooms written for their members");
ES_METRIC_COUNTER(es_edge_room_bytes, "earshot_edge_room_bytes_total", "bytes of events sent to members");
ES_METRIC_COUNTER(es_edge_room_fetches, "earshot_edge_room_fetches_total", "times that missing events were asked for");
ES_METRIC_COUNTER(es_edge_room_gaps, "earshot_edge_room_gaps_total", "times that members were told of a gap");
ES_METRIC_COUNTER(es_edge_room_malformed, "earshot_edge_room_malformed_total",
                  "messages of room actors that are not valid");
ES_METRIC_COUNTER(es_edge_room_captions_late, "earshot_edge_room_captions_late_total",
                  "finals that their speaker was told before its room had them: it did not answer for --caption-hold");
ES_METRIC_COUNTER(es_edge_room_captions_lost, "earshot_edge_room_captions_lost_total",
                  "finals that their speaker was told and its room may never have: the connection ended before it "
                  "answered, or it refused them, or too many waited for it");

es_metric_t *const *es_edge_metrics(void)
{
    static es_metric_t *const list[] = {&es_edge_clients,
                                        &es_edge_streams,
                                        &es_edge_lag_us,
                                        &es_edge_traces_taken,
                                        &es_edge_traces_ignored,
                                        &es_edge_connections,
                                        &es_edge_frames,
                                        &es_edge_bytes,
                                        &es_edge_finals,
                                        &es_edge_partials,
                                        &chunk_too_large,
                                        &json_too_deep,
                                        &invalid_json,
                                        &too_many_marks,
                                        &segment_failed,
                                        &too_many_rooms,
                                        &room_full,
                                        &room_unavailable,
                                        &too_many_pending,
                                        &rate_limited,
                                        &other_errors,
                                        &es_edge_throttled,
                                        &es_edge_stream_memory,
                                        &es_edge_streams_paused,
                                        &es_edge_overruns,
                                        &es_edge_held,
                                        &es_edge_deaf,
                                        &es_edge_http_connections,
                                        &es_edge_requests,
                                        &es_edge_http_idled,
                                        &es_edge_origin_refused,
                                        &es_edge_host_refused,
                                        &es_edge_full_refused,
                                        &es_edge_drain_refused,
                                        &es_edge_key_refused,
                                        &es_edge_path_refused,
                                        &es_edge_accept_failed,
                                        &es_edge_strangers,
                                        &es_edge_strangers_refused,
                                        &es_edge_strangers_pushed,
                                        &es_edge_strangers_late,
                                        &es_edge_tokens_late,
                                        &es_edge_expired,
                                        &es_edge_sessions_refused,
                                        &es_edge_rooms_open,
                                        &es_edge_room_members,
                                        &es_edge_room_events,
                                        &es_edge_room_bytes,
                                        &es_edge_room_fetches,
                                        &es_edge_room_gaps,
                                        &es_edge_room_malformed,
                                        &es_edge_room_captions_late,
                                        &es_edge_room_captions_lost,
                                        NULL};
    return list;
}

void es_edge_count_error(const char *code)
{
    static const struct {
        const char *code;
        es_metric_t *metric;
    } limits[] = {{"chunk_too_large", &chunk_too_large},   {"json_too_deep", &json_too_deep},
                  {"invalid_json", &invalid_json},         {"too_many_marks", &too_many_marks},
                  {"too_many_rooms", &too_many_rooms},     {"room_full", &room_full},
                  {"room_unavailable", &room_unavailable}, {"too_many_pending", &too_many_pending},
                  {"rate_limited", &rate_limited},         {"segment_failed", &segment_failed}};
    es_metric_t *metric = &other_errors;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (!strcmp(limits[i].code, code)) metric = limits[i].metric;
    es_metric_add(metric, 1);
}

void es_edge_tell_health(uint64_t lag_us, uint64_t transcribers)
{
    unsigned long long streams = es_metric_get(&es_edge_streams);
    es_health_lag(ES_HEALTH_WORK, lag_us, "the oldest audio has waited %.1f s: %llu streams, %llu transcribers",
                  (double)lag_us / 1e6, streams, (unsigned long long)transcribers);
    es_health_say("%llu clients, %llu streams", (unsigned long long)es_metric_get(&es_edge_clients), streams);
}
