#include "broker_metrics.h"

#include "health.h"

#define MESSAGES "Messages received, by socket."
ES_METRIC_COUNTER(es_broker_frontend_total, "earshot_broker_messages_total{socket=\"frontend\"}", MESSAGES);
ES_METRIC_COUNTER(es_broker_backend_total, "earshot_broker_messages_total{socket=\"backend\"}", MESSAGES);
ES_METRIC_COUNTER(es_broker_results_total, "earshot_broker_messages_total{socket=\"results\"}", MESSAGES);
ES_METRIC_COUNTER(es_broker_subscribe_total, "earshot_broker_messages_total{socket=\"publish\"}", MESSAGES);

#define MALFORMED "Messages dropped because they are not what the protocol allows, by socket."
ES_METRIC_COUNTER(es_broker_malformed_frontend, "earshot_broker_malformed_total{socket=\"frontend\"}", MALFORMED);
ES_METRIC_COUNTER(es_broker_malformed_backend, "earshot_broker_malformed_total{socket=\"backend\"}", MALFORMED);
ES_METRIC_COUNTER(es_broker_malformed_results, "earshot_broker_malformed_total{socket=\"results\"}", MALFORMED);
ES_METRIC_COUNTER(es_broker_malformed_subscribe, "earshot_broker_malformed_total{socket=\"publish\"}", MALFORMED);

ES_METRIC_COUNTER(es_broker_forwarded_total, "earshot_broker_forwarded_total",
                  "Frames, CLOSEs and requests given to workers.");

#define DROPPED "Messages of senders that went nowhere, by reason; they are said again."
ES_METRIC_COUNTER(es_broker_refused_total, "earshot_broker_dropped_total{reason=\"refused\"}", DROPPED);
ES_METRIC_COUNTER(es_broker_full_total, "earshot_broker_dropped_total{reason=\"full\"}", DROPPED);
ES_METRIC_COUNTER(es_broker_unreachable_total, "earshot_broker_dropped_total{reason=\"unreachable\"}", DROPPED);
ES_METRIC_COUNTER(es_broker_no_room_total, "earshot_broker_dropped_total{reason=\"no_room\"}", DROPPED);
ES_METRIC_COUNTER(es_broker_no_jobs_total, "earshot_broker_dropped_total{reason=\"no_jobs\"}", DROPPED);
static ES_METRIC_COUNTER(stale, "earshot_broker_dropped_total{reason=\"stale\"}", DROPPED);
static ES_METRIC_COUNTER(learning, "earshot_broker_dropped_total{reason=\"learning\"}", DROPPED);
static ES_METRIC_COUNTER(waits_only, "earshot_broker_dropped_total{reason=\"waiting\"}", DROPPED);
static ES_METRIC_COUNTER(limited, "earshot_broker_dropped_total{reason=\"limited\"}", DROPPED);
static ES_METRIC_COUNTER(unknown, "earshot_broker_dropped_total{reason=\"unknown\"}", DROPPED);
static ES_METRIC_COUNTER(bad_start, "earshot_broker_dropped_total{reason=\"bad_start\"}", DROPPED);
static ES_METRIC_COUNTER(no_service, "earshot_broker_dropped_total{reason=\"no_service\"}", DROPPED);

ES_METRIC_COUNTER(es_broker_publish_failed_total, "earshot_broker_publish_failed_total",
                  "Messages that could not be published; subscribers that are too slow lose theirs uncounted.");
ES_METRIC_COUNTER(es_broker_joined_total, "earshot_broker_workers_joined_total", "Workers that said HELLO first.");
ES_METRIC_COUNTER(es_broker_lost_total, "earshot_broker_workers_lost_total", "Workers lost: silent or unreachable.");
ES_METRIC_COUNTER(es_broker_goodbye_total, "earshot_broker_workers_goodbye_total", "Workers that said GOODBYE.");
ES_METRIC_COUNTER(es_broker_unknown_total, "earshot_broker_workers_unknown_total", "Times WHO_ARE_YOU was asked.");
ES_METRIC_COUNTER(es_broker_workers_refused, "earshot_broker_workers_refused_total",
                  "HELLOs refused because there are --max-workers workers, or --max-services services have some.");

#define DENIED "Messages of peers on tcp that their key does not allow them to say, by socket."
static ES_METRIC_COUNTER(denied_frontend, "earshot_broker_denied_total{socket=\"frontend\"}", DENIED);
static ES_METRIC_COUNTER(denied_backend, "earshot_broker_denied_total{socket=\"backend\"}", DENIED);
static ES_METRIC_COUNTER(denied_results, "earshot_broker_denied_total{socket=\"results\"}", DENIED);
es_metric_t *const es_broker_denied[] = {&denied_frontend, &denied_backend, &denied_results};

ES_METRIC_COUNTER(es_broker_handshakes_total, "earshot_broker_handshakes_total", "Peers let in on tcp by their key.");
#define REFUSED "Handshakes on tcp that ended without a peer, by reason."
ES_METRIC_COUNTER(es_broker_refused_unknown, "earshot_broker_handshakes_refused_total{reason=\"unknown_key\"}",
                  REFUSED);
ES_METRIC_COUNTER(es_broker_refused_role, "earshot_broker_handshakes_refused_total{reason=\"role\"}", REFUSED);
ES_METRIC_COUNTER(es_broker_refused_malformed, "earshot_broker_handshakes_refused_total{reason=\"malformed\"}",
                  REFUSED);
ES_METRIC_COUNTER(es_broker_refused_protocol, "earshot_broker_handshakes_refused_total{reason=\"protocol\"}", REFUSED);
ES_METRIC_COUNTER(es_broker_refused_silent, "earshot_broker_handshakes_refused_total{reason=\"unfinished\"}", REFUSED);
ES_METRIC_COUNTER(es_broker_revoked_total, "earshot_broker_keys_revoked_total", "Keys taken out of those allowed.");
ES_METRIC_COUNTER(es_broker_shut_total, "earshot_broker_shut_total",
                  "Times that tcp was shut to newcomers because too many descriptors were in use.");

static ES_METRIC_COUNTER(stalls_total, "earshot_broker_stalls_total", "Times the broker stood still.");
static ES_METRIC_COUNTER(placed, "earshot_broker_placed_total", "Streams placed by a START.");
static ES_METRIC_COUNTER(learned, "earshot_broker_learned_total", "Streams learnt from a HELLO.");
static ES_METRIC_COUNTER(moved, "earshot_broker_moved_total", "Streams moved off a draining worker.");
static ES_METRIC_COUNTER(lost, "earshot_broker_streams_lost_total", "Streams whose worker went away.");
static ES_METRIC_COUNTER(idled, "earshot_broker_streams_idled_total", "Streams forgotten for want of frames.");
static ES_METRIC_COUNTER(unlearned, "earshot_broker_unlearned_total",
                         "Streams learnt from a HELLO that their worker lists no more.");
static ES_METRIC_COUNTER(untaught, "earshot_broker_learn_refused_total",
                         "Streams of a HELLO that were not learnt because --max-streams were known in that way.");
static ES_METRIC_COUNTER(losers, "earshot_broker_losers_total", "Streams that a HELLO claimed in vain.");
static ES_METRIC_COUNTER(waits, "earshot_broker_waits_total", "STARTs answered WAIT.");
static ES_METRIC_COUNTER(waits_full, "earshot_broker_waits_full_total",
                         "Of them, those that came while --max-streams streams were placed.");
static ES_METRIC_COUNTER(wait_refused, "earshot_broker_wait_refused_total", "STARTs that found the queue full.");
static ES_METRIC_COUNTER(wait_expired, "earshot_broker_wait_expired_total", "Waiting streams whose START stayed away.");
static ES_METRIC_COUNTER(orphaned, "earshot_broker_orphaned_total",
                         "Streams forgotten because their edge fell silent.");
ES_METRIC_COUNTER(es_broker_senders_unknown, "earshot_broker_senders_unknown_total",
                  "Reports of more edges than can be watched for their death.");
ES_METRIC_COUNTER(es_broker_senders_pushed_out, "earshot_broker_senders_pushed_out_total",
                  "Senders forgotten to be a key's because it came as more than 1024 of them.");
ES_METRIC_COUNTER(es_broker_reports_refused, "earshot_broker_reports_refused_total",
                  "REPORTs that are not shown: without a name, or of more than 256 senders.");
static ES_METRIC_COUNTER(quarantined, "earshot_broker_quarantined_total",
                         "STARTs refused because workers died of the stream.");
static ES_METRIC_COUNTER(suspected, "earshot_broker_suspected_total",
                         "Placements of streams whose workers keep dying, each at a worker without another such.");
static ES_METRIC_COUNTER(yields, "earshot_broker_yields_total",
                         "Times that a file job was asked to give its place back.");
static ES_METRIC_COUNTER(rewinds, "earshot_broker_rewinds_total", "Frames of unknown streams answered REWIND.");
static ES_METRIC_GAUGE(streams, "earshot_broker_streams", "Streams placed now.");
static ES_METRIC_GAUGE(taught, "earshot_broker_learned_streams", "Of them, those known from a worker's HELLO alone.");
static ES_METRIC_GAUGE(waiting, "earshot_broker_waiting", "Streams waiting for a place now.");
static ES_METRIC_GAUGE(batch, "earshot_broker_batch_streams", "Streams of file jobs placed now.");
static ES_METRIC_GAUGE(waiting_batch, "earshot_broker_batch_waiting", "Streams of file jobs waiting for a place now.");
static ES_METRIC_GAUGE(workers, "earshot_broker_workers", "Workers alive now.");
static ES_METRIC_GAUGE(places, "earshot_broker_places_free", "Streams that would find a place now.");
static ES_METRIC_GAUGE(wait_us, "earshot_broker_wait_microseconds",
                       "How long the live stream that came first has waited for a place.");

static void set_all(const es_placement_stats_t *s, const es_registry_t *registry, size_t places_free, uint64_t live_us)
{
    const struct {
        es_metric_t *metric;
        uint64_t value;
    } pairs[] = {{&stale, s->drops[ES_ROUTE_STALE]},
                 {&learning, s->drops[ES_ROUTE_LEARNING]},
                 {&waits_only, s->drops[ES_ROUTE_WAITING]},
                 {&limited, s->drops[ES_ROUTE_LIMITED]},
                 {&unknown, s->drops[ES_ROUTE_UNKNOWN]},
                 {&bad_start, s->drops[ES_ROUTE_BAD_START]},
                 {&no_service, s->drops[ES_ROUTE_NO_SERVICE]},
                 {&stalls_total, es_registry_stalls(registry)},
                 {&placed, s->placed},
                 {&learned, s->learned},
                 {&moved, s->moved},
                 {&lost, s->lost},
                 {&idled, s->idled},
                 {&unlearned, s->unlearned},
                 {&untaught, s->untaught},
                 {&losers, s->losers},
                 {&waits, s->waits},
                 {&waits_full, s->waits_full},
                 {&wait_refused, s->wait_refused},
                 {&wait_expired, s->wait_expired},
                 {&rewinds, s->rewinds},
                 {&quarantined, s->quarantined},
                 {&orphaned, s->orphaned},
                 {&suspected, s->suspected},
                 {&yields, s->yields},
                 {&batch, s->batch},
                 {&waiting_batch, s->waiting_batch},
                 {&streams, s->streams},
                 {&taught, s->taught},
                 {&waiting, s->waiting},
                 {&places, places_free},
                 {&wait_us, live_us},
                 {&workers, es_registry_count(registry)}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) es_metric_set(pairs[i].metric, pairs[i].value);
}

/* Streams that wait are what a broker can be late with. */
void es_broker_metrics_tell(const es_placement_t *placement, const es_registry_t *registry, uint64_t now_us)
{
    es_placement_stats_t s;
    es_placement_stats(placement, &s);
    uint64_t live_us = s.live_since_us && s.live_since_us < now_us ? now_us - s.live_since_us : 0;
    set_all(&s, registry, es_placement_free(placement, es_span(""), now_us), live_us);
    es_health_lag(ES_HEALTH_WORK, live_us,
                  "a live stream has waited %.1f s for a place: %zu streams wait, %zu workers have none free",
                  (double)live_us / 1e6, s.waiting, s.workers);
    es_health_say("%zu streams, %zu waiting, %zu workers", s.streams, s.waiting, s.workers);
}

static es_metric_t *const list[] = {&es_broker_frontend_total,
                                    &es_broker_backend_total,
                                    &es_broker_results_total,
                                    &es_broker_subscribe_total,
                                    &es_broker_malformed_frontend,
                                    &es_broker_malformed_backend,
                                    &es_broker_malformed_results,
                                    &es_broker_malformed_subscribe,
                                    &es_broker_forwarded_total,
                                    &es_broker_refused_total,
                                    &es_broker_full_total,
                                    &es_broker_unreachable_total,
                                    &es_broker_no_room_total,
                                    &es_broker_no_jobs_total,
                                    &stale,
                                    &learning,
                                    &waits_only,
                                    &limited,
                                    &unknown,
                                    &bad_start,
                                    &no_service,
                                    &es_broker_publish_failed_total,
                                    &es_broker_joined_total,
                                    &es_broker_lost_total,
                                    &es_broker_goodbye_total,
                                    &es_broker_unknown_total,
                                    &es_broker_workers_refused,
                                    &denied_frontend,
                                    &denied_backend,
                                    &denied_results,
                                    &es_broker_handshakes_total,
                                    &es_broker_refused_unknown,
                                    &es_broker_refused_role,
                                    &es_broker_refused_malformed,
                                    &es_broker_refused_protocol,
                                    &es_broker_refused_silent,
                                    &es_broker_revoked_total,
                                    &es_broker_shut_total,
                                    &stalls_total,
                                    &placed,
                                    &learned,
                                    &moved,
                                    &lost,
                                    &idled,
                                    &unlearned,
                                    &untaught,
                                    &losers,
                                    &waits,
                                    &waits_full,
                                    &wait_refused,
                                    &wait_expired,
                                    &rewinds,
                                    &orphaned,
                                    &es_broker_senders_unknown,
                                    &es_broker_senders_pushed_out,
                                    &es_broker_reports_refused,
                                    &quarantined,
                                    &suspected,
                                    &yields,
                                    &batch,
                                    &waiting_batch,
                                    &streams,
                                    &taught,
                                    &waiting,
                                    &workers,
                                    &places,
                                    &wait_us,
                                    NULL};

es_metric_t *const *es_broker_metrics(void)
{
    return list;
}
