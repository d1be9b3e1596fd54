/* The map in a BEACON's body. Keys are strings; all of them are there in every beacon; readers skip keys that they do not know.
 *
 *   "name"          str    the broker's name
 *   "uptime_ms"     uint
 *   "heartbeat_ms"  uint   interval of PING
 *   "leaving"       bool   it ends in a moment
 *   "frames_total"  uint   messages taken from senders since the start
 *   "forwarded"     uint   of them given to workers
 *   "results_total" uint   messages taken from workers and published
 *   "streams"       uint   placed now
 *   "waiting"       uint   waiting for a place now
 *   "batch"         uint   of the streams: file jobs
 *   "waiting_batch" uint   of those that wait: file jobs
 *   "free"          uint   places for streams free now, all services
 *   "dropped"       map    reason (str) -> uint: messages from senders that went nowhere, since the start
 *   "malformed"     map    socket (str) -> uint: since the start
 *   "denied"        map    socket (str) -> uint: messages that the key of who said them does not allow, since the start
 *   "handshakes_refused" map  reason (str) -> uint: peers on tcp that were not let in, since the start
 *   "version"       str    the release of the broker
 *   "workers_total" uint   live actors; may exceed the length of "workers"
 *   "workers"       array  of maps, in the order of joining, at most 512:
 *       "name" str, "inc" str (16 hex digits), "service" str, "capacity" uint, "streams" uint (placed by this broker), "load" uint (by its own
 *       count), "lag_us" uint, "count" uint (frames since its start), "heard_ms" uint (age of its last sign of life), "draining" bool
 *   "edges"         array  of maps, at most 256, those that reported within 5 s:
 *       "name" str, "inc" str (16 hex digits), "service" str ("edge", "jobs"), "streams" uint, "frames" uint, "lag_us" uint, "heard_ms" uint
 *   "quarantine"    array  of maps, at most 32, those of the last 15 min: "client" str, "reason" str, "ago_ms" uint
 */
#include "beacon.h"

#include <inttypes.h>
#include <msgpack.h>
#include <string.h>

#include "config.h"

enum { WORKERS_SHOWN = 512 };

typedef struct {
    char *at;
    size_t left;
} sink_t;

static int put(void *data, const char *bytes, size_t len)
{
    sink_t *sink = data;
    if (len > sink->left) return -1;
    memcpy(sink->at, bytes, len);
    sink->at += len;
    sink->left -= len;
    return 0;
}

/* Packs and remembers the first failure. */
typedef struct {
    msgpack_packer pk;
    int failed;
} pack_t;

static void pack_map(pack_t *p, size_t n)
{
    p->failed |= msgpack_pack_map(&p->pk, n);
}
static void pack_array(pack_t *p, size_t n)
{
    p->failed |= msgpack_pack_array(&p->pk, n);
}

static void pack_bytes(pack_t *p, const char *text, size_t len)
{
    p->failed |= msgpack_pack_str(&p->pk, len);
    p->failed |= msgpack_pack_str_body(&p->pk, text, len);
}

static void pack_str(pack_t *p, const char *key, const char *value)
{
    pack_bytes(p, key, strlen(key));
    pack_bytes(p, value, strlen(value));
}

static void pack_uint(pack_t *p, const char *key, uint64_t value)
{
    pack_bytes(p, key, strlen(key));
    p->failed |= msgpack_pack_uint64(&p->pk, value);
}

static void pack_bool(pack_t *p, const char *key, bool value)
{
    pack_bytes(p, key, strlen(key));
    p->failed |= value ? msgpack_pack_true(&p->pk) : msgpack_pack_false(&p->pk);
}

/* The metrics `family{label="x"}` as a map x -> value. */
static void pack_family(pack_t *p, const char *key, es_metric_t *const *metrics, const char *family)
{
    size_t n = 0, len = strlen(family);
    for (size_t i = 0; metrics[i]; i++)
        n += strncmp(metrics[i]->name, family, len) == 0 && metrics[i]->name[len] == '{';
    pack_bytes(p, key, strlen(key));
    pack_map(p, n);
    for (size_t i = 0; metrics[i]; i++) {
        const char *name = metrics[i]->name;
        if (strncmp(name, family, len) != 0 || name[len] != '{') continue;
        const char *label = strchr(name, '"') + 1;
        pack_bytes(p, label, strcspn(label, "\""));
        p->failed |= msgpack_pack_uint64(&p->pk, es_metric_get(metrics[i]));
    }
}

static uint64_t metric(es_metric_t *const *metrics, const char *name)
{
    for (size_t i = 0; metrics[i]; i++)
        if (strcmp(metrics[i]->name, name) == 0) return es_metric_get(metrics[i]);
    return 0;
}

static void pack_inc(pack_t *p, uint64_t value)
{
    char inc[17];
    snprintf(inc, sizeof inc, "%016" PRIx64, value);
    pack_str(p, "inc", inc);
}

static void pack_worker(pack_t *p, const es_beacon_t *self, const es_actor_t *actor, uint64_t now_us)
{
    pack_map(p, 10);
    pack_str(p, "name", actor->name);
    pack_inc(p, actor->inc);
    pack_str(p, "service", actor->service);
    pack_uint(p, "capacity", actor->capacity);
    pack_uint(p, "streams", es_placement_worker_streams(self->placement, actor->inc));
    pack_uint(p, "load", actor->load);
    pack_uint(p, "lag_us", actor->lag_us);
    pack_uint(p, "count", actor->count);
    pack_uint(p, "heard_ms", (now_us - actor->heard_us) / 1000);
    pack_bool(p, "draining", actor->draining);
}

static void pack_workers(pack_t *p, const es_beacon_t *self, uint64_t now_us)
{
    size_t total = es_registry_count(self->registry), n = total < WORKERS_SHOWN ? total : WORKERS_SHOWN;
    pack_uint(p, "workers_total", total);
    pack_bytes(p, "workers", strlen("workers"));
    pack_array(p, n);
    for (size_t i = 0; i < n; i++) pack_worker(p, self, es_registry_at(self->registry, i), now_us);
}

static void pack_edges(pack_t *p, const es_reports_t *reports, uint64_t now_us)
{
    pack_bytes(p, "edges", strlen("edges"));
    pack_array(p, reports->count);
    for (size_t i = 0; i < reports->count; i++) {
        const es_report_t *r = &reports->list[i];
        pack_map(p, 7);
        pack_bytes(p, "name", strlen("name"));
        pack_bytes(p, r->name, r->name_len);
        pack_inc(p, r->inc);
        pack_bytes(p, "service", strlen("service"));
        pack_bytes(p, r->service, r->service_len);
        pack_uint(p, "streams", r->streams);
        pack_uint(p, "frames", r->frames);
        pack_uint(p, "lag_us", r->lag_us);
        pack_uint(p, "heard_ms", (now_us - r->heard_us) / 1000);
    }
}

static void pack_quarantine(pack_t *p, const es_quarantine_t *quarantine, uint64_t now_us)
{
    pack_bytes(p, "quarantine", strlen("quarantine"));
    pack_array(p, quarantine->count);
    for (size_t i = 0; i < quarantine->count; i++) {
        const es_quarantined_t *entry = &quarantine->list[i];
        pack_map(p, 3);
        pack_str(p, "client", entry->client);
        pack_str(p, "reason", entry->reason);
        pack_uint(p, "ago_ms", (now_us - entry->at_us) / 1000);
    }
}

size_t es_beacon_encode(const es_beacon_t *self, uint64_t now_us, void *buf, size_t cap)
{
    sink_t sink = {.at = buf, .left = cap};
    pack_t p = {.failed = 0};
    msgpack_packer_init(&p.pk, &sink, put);
    es_placement_stats_t stats;
    es_placement_stats(self->placement, &stats);
    pack_map(&p, 21);
    pack_str(&p, "name", self->name);
    pack_uint(&p, "uptime_ms", (now_us - self->start_us) / 1000);
    pack_uint(&p, "heartbeat_ms", self->heartbeat_us / 1000);
    pack_bool(&p, "leaving", self->leaving);
    pack_uint(&p, "frames_total", metric(self->metrics, "earshot_broker_messages_total{socket=\"frontend\"}"));
    pack_uint(&p, "forwarded", metric(self->metrics, "earshot_broker_forwarded_total"));
    pack_uint(&p, "results_total", metric(self->metrics, "earshot_broker_messages_total{socket=\"results\"}"));
    pack_uint(&p, "streams", stats.streams);
    pack_uint(&p, "waiting", stats.waiting);
    pack_uint(&p, "batch", stats.batch);
    pack_uint(&p, "waiting_batch", stats.waiting_batch);
    pack_uint(&p, "free", es_placement_free(self->placement, es_span(NULL), now_us));
    pack_family(&p, "dropped", self->metrics, "earshot_broker_dropped_total");
    pack_family(&p, "malformed", self->metrics, "earshot_broker_malformed_total");
    pack_family(&p, "denied", self->metrics, "earshot_broker_denied_total");
    pack_family(&p, "handshakes_refused", self->metrics, "earshot_broker_handshakes_refused_total");
    pack_str(&p, "version", es_config_release());
    pack_workers(&p, self, now_us); /* two keys */
    pack_edges(&p, self->reports, now_us);
    pack_quarantine(&p, self->quarantine, now_us);
    return p.failed ? 0 : cap - sink.left;
}
