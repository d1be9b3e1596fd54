/* Paths between processes: each keeps its order, as a connection does, but where the schedule reorders. Connections of clients lose nothing until they end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "rooms_sim.h"

packet_t *packet_new(int from, int to, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    char envelope[ES_ENVELOPE_MAX];
    size_t n = es_encode(msg, envelope, sizeof envelope);
    packet_t *p = es_alloc(sizeof *p + key.len + n + len);
    *p = (packet_t){.from = from, .to = to, .key_len = key.len, .envelope_len = n, .body_len = len};
    if (key.len > 0) memcpy(p->data, key.ptr, key.len);
    memcpy(p->data + key.len, envelope, n);
    if (len > 0) memcpy(p->data + key.len + n, body, len);
    return p;
}

packet_t *packet_copy(const packet_t *packet)
{
    size_t size = sizeof *packet + packet->key_len + packet->envelope_len + packet->body_len;
    packet_t *twin = es_alloc(size);
    memcpy(twin, packet, size);
    twin->next = NULL;
    return twin;
}

void packet_free(packet_t *packet)
{
    free(packet);
}

es_span_t packet_key(const packet_t *packet)
{
    return es_span_of(packet->data, packet->key_len);
}

const char *packet_body(const packet_t *packet)
{
    return packet->data + packet->key_len + packet->envelope_len;
}

bool packet_open(sim_t *sim, const packet_t *packet, es_msg_t *msg)
{
    es_decode_t reason = es_decode(sim->decoder, packet->data + packet->key_len, packet->envelope_len, msg);
    es_check_t check = packet->conn > 0 ? ES_CHECK_OK : es_catalogue_check(msg, packet->body_len);
    if (reason == ES_DECODE_OK && check == ES_CHECK_OK) return true;
    world_fail(&sim->world, "a message of kind %u is refused: %s, %s", msg->kind, es_decode_reason(reason),
               es_check_reason(check));
    return false;
}

static void node_name(int node, char out[32])
{
    static const struct {
        int first;
        const char *name;
    } kinds[] = {{NODE_CLIENT, "client"}, {NODE_ACTOR, "room"}, {NODE_EDGE, "edge"}, {NODE_BROKER, "broker"}};
    size_t i = 0;
    while (node < kinds[i].first) i++;
    snprintf(out, 32, "%s-%d", kinds[i].name, node - kinds[i].first + 1);
}

static const char *kind_name(uint32_t kind)
{
    static const char *const told[] = {"bye",   "join", "leave", "text",    "caption",   "joined",
                                       "event", "gone", "said",  "refused", "captioned", "left"};
    const es_catalogue_entry_t *entry = es_catalogue_find(kind);
    if (kind >= SAY_BYE) return told[kind - SAY_BYE];
    return entry ? entry->name : "?";
}

static void trace(sim_t *sim, const char *what, const packet_t *packet)
{
    char from[32], to[32], more[96] = "";
    es_msg_t m;
    size_t at = 0;
    if (!sim->world.trace || !packet_open(sim, packet, &m) || m.kind == ES_BEACON || m.kind == ES_PING) return;
    if (m.kind == ES_HEARTBEAT) return;
    node_name(packet->from, from);
    node_name(packet->to, to);
#define SHOW(key, name, field)               \
    if (ES_HAS(&m, key) && at < sizeof more) \
    at += (size_t)snprintf(more + at, sizeof more - at, " %s=%" PRIu64, name, m.field)
    SHOW(ES_M_BASE, "base", base);
    SHOW(ES_M_FROM, "from", from_seq);
    SHOW(ES_M_TO, "to", to_seq);
    SHOW(ES_M_START, "start", start);
    SHOW(ES_M_END, "end", end);
    SHOW(ES_M_LOG, "log", log);
    SHOW(ES_M_RSEQ, "rseq", rseq);
    SHOW(ES_M_FLOOR, "floor", floor);
#undef SHOW
    es_span_t key = packet_key(packet), id = m.msg_id.len > 0 ? m.msg_id : m.reason;
    if (!es_span_eq(key, m.client) && m.client.len > 0) key = m.client;
    world_trace(&sim->world, "%-5s%s>%s %.*s %s %" PRIu64 "%s %.*s", what, from, to, (int)key.len, key.ptr,
                kind_name(m.kind), m.seq, more, (int)id.len, id.len > 0 ? id.ptr : "");
}

static void put(sim_t *sim, packet_t *packet)
{
    const plan_t *plan = &sim->plan;
    uint64_t *path = &sim->path_at[packet->from][packet->to][packet->channel];
    uint64_t at = sim->world.now + plan->delay_us;
    if (plan->jitter_us > 0) at += world_below(&sim->world, plan->jitter_us);
    bool calm = sim->world.now >= plan->calm_at;
    packet->to_life = sim->nodes[packet->to].life;
    if (!calm && packet->conn == 0 && world_chance(&sim->world, plan->reorder)) {
        at += world_below(&sim->world, MS(400));
    } else {
        if (at < *path) at = *path;
        *path = at;
    }
    world_at(&sim->world, at, EV_PACKET, packet->to, packet);
}

void network_send(sim_t *sim, packet_t *packet, int channel)
{
    bool calm = sim->world.now >= sim->plan.calm_at;
    packet->channel = channel;
    if (!calm && world_chance(&sim->world, sim->plan.dup)) put(sim, packet_copy(packet));
    if ((!calm && world_chance(&sim->world, sim->plan.loss)) || sim->world.now < sim->cut_until[packet->from]) {
        trace(sim, "lost", packet);
        free(packet);
    } else {
        put(sim, packet);
    }
}

void network_tell(sim_t *sim, int from, int to, uint64_t conn, const es_msg_t *msg, const void *body, size_t len)
{
    packet_t *packet = packet_new(from, to, (es_span_t){0}, msg, body, len);
    packet->conn = conn;
    put(sim, packet);
}

/* A connection whose end is noticed late lies on a path of its own: what follows is another connection. */
void network_close(sim_t *sim, packet_t *bye, uint64_t late_us)
{
    uint64_t *path = sim->path_at[bye->from][bye->to];
    bye->channel = late_us > 0;
    if (late_us > 0) path[1] = (path[0] > sim->world.now ? path[0] : sim->world.now) + late_us;
    put(sim, bye);
}

static void handle(sim_t *sim, packet_t *packet)
{
    trace(sim, "", packet);
    int to = packet->to;
    if (to >= NODE_CLIENT)
        client_receive(sim, to - NODE_CLIENT, packet);
    else if (to >= NODE_ACTOR)
        actor_receive(sim, to - NODE_ACTOR, packet);
    else if (to >= NODE_EDGE)
        edge_receive(sim, to - NODE_EDGE, packet);
    else
        broker_receive(sim, to - NODE_BROKER, packet);
    free(packet);
}

void network_arrive(sim_t *sim, packet_t *packet)
{
    node_t *node = &sim->nodes[packet->to];
    if (node->state == DEAD || node->life != packet->to_life) {
        free(packet);
    } else if (node->state == STOPPED || node->busy) {
        *node->inbox_end = packet;
        node->inbox_end = &packet->next;
    } else {
        handle(sim, packet);
    }
}

void network_handle_inbox(sim_t *sim, int n)
{
    node_t *node = &sim->nodes[n];
    while (node->inbox && node->state == RUNNING && !node->busy) {
        packet_t *packet = node->inbox;
        node->inbox = packet->next;
        if (!node->inbox) node->inbox_end = &node->inbox;
        packet->next = NULL;
        handle(sim, packet);
    }
}

void network_forget(packet_t **list, packet_t ***end)
{
    for (packet_t *packet = *list, *next; packet; packet = next) {
        next = packet->next;
        free(packet);
    }
    *list = NULL;
    *end = list;
}

void node_arm(sim_t *sim, int n, event_kind_t kind, uint64_t at)
{
    node_t *node = &sim->nodes[n];
    if (at == NEVER) return;
    if (at < sim->world.now) at = sim->world.now;
    if (at >= node->timer_at) return;
    node->timer_at = at;
    world_at(&sim->world, at, kind, n, NULL);
}

bool node_due(sim_t *sim, int n)
{
    node_t *node = &sim->nodes[n];
    if (node->state != RUNNING || node->busy || sim->world.now < node->timer_at) return false;
    node->timer_at = NEVER;
    return true;
}
