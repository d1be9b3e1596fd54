/* Paths between nodes. Each keeps its order, as a connection does, but in schedules that reorder; what is under way to a process that dies is gone. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "sim.h"

static const char *node_name(int node)
{
    static const char *const names[NODES] = {"broker-1", "broker-2", "edge-1",   "edge-2",
                                             "worker-1", "worker-2", "worker-3", "worker-4"};
    return names[node];
}

static bool is_edge(int node)
{
    return node >= NODE_EDGE && node < NODE_WORKER;
}

void key_text(int key, char text[ES_CLIENT_ID_LEN + 1])
{
    memcpy(text, "00000000000000c0", ES_CLIENT_ID_LEN + 1);
    text[ES_CLIENT_ID_LEN - 2] = (char)('0' + key / 10);
    text[ES_CLIENT_ID_LEN - 1] = (char)('0' + key % 10);
}

int key_parse(es_span_t text)
{
    return (text.ptr[ES_CLIENT_ID_LEN - 2] - '0') * 10 + text.ptr[ES_CLIENT_ID_LEN - 1] - '0';
}

void sim_trace_msg(sim_t *sim, const char *what, const packet_t *packet)
{
    if (!sim->world.trace) return;
    const es_msg_t *m = &packet->msg;
    const es_catalogue_entry_t *entry = es_catalogue_find(m->kind);
    char more[80] = "";
    size_t at = 0;
#define SHOW(key, name, field)              \
    if (ES_HAS(m, key) && at < sizeof more) \
    at += (size_t)snprintf(more + at, sizeof more - at, " %s=%" PRIu64, name, m->field)
    SHOW(ES_M_BASE, "base", base);
    SHOW(ES_M_FROM, "from", from_seq);
    SHOW(ES_M_TO, "to", to_seq);
    SHOW(ES_M_EXPECTED, "exp", expected);
    SHOW(ES_M_COMMITTED, "com", committed);
    SHOW(ES_M_PLACE, "place", place);
    SHOW(ES_M_LOAD, "load", load);
    SHOW(ES_M_DEATHS, "deaths", deaths);
    SHOW(ES_M_SHARED, "shared", shared);
    SHOW(ES_M_INC, "inc", inc);
#undef SHOW
    world_trace(&sim->world, "%-9s %s>%s key %d %s%s%s e%" PRIu64 " s%" PRIu64 "%s", what, node_name(packet->from),
                node_name(packet->to), packet->key, entry ? entry->name : "?", m->flags & ES_F_START ? " START" : "",
                m->flags & ES_F_EOS ? " EOS" : "", m->epoch, m->seq, more);
}

static es_span_t move_span(char **at, es_span_t span)
{
    if (span.len == 0) return (es_span_t){0};
    char *to = *at;
    memcpy(to, span.ptr, span.len);
    *at += span.len;
    return es_span_of(to, span.len);
}

packet_t *packet_new(const es_msg_t *msg, const void *body, size_t len)
{
    packet_t *p = es_alloc(sizeof *p + len + msg->checkpoint.len + msg->text.len + msg->service.len);
    *p = (packet_t){.msg = *msg, .len = len};
    if (len > 0) memcpy(p->data, body, len);
    char *at = p->data + len;
    p->msg.checkpoint = move_span(&at, msg->checkpoint);
    p->msg.text = move_span(&at, msg->text);
    p->msg.service = move_span(&at, msg->service);
    return p;
}

static void put(sim_t *sim, int channel, packet_t *packet)
{
    const plan_t *plan = &sim->plan;
    uint64_t *path = &sim->path_at[packet->from][packet->to][channel];
    uint64_t at =
        sim->world.now + plan->delay_us + (plan->jitter_us > 0 ? world_below(&sim->world, plan->jitter_us) : 0);
    bool calm = sim->world.now >= plan->calm_at;
    if (!calm && world_chance(&sim->world, plan->reorder)) {
        at += world_below(&sim->world, MS(300));
    } else {
        if (at < *path) at = *path;
        *path = at;
    }
    world_at(&sim->world, at, EV_PACKET, packet->to, packet);
}

/* Results of a worker or broker (channel 1) and frames of an edge can be cut off for a while. */
static bool cut_off(const sim_t *sim, int from, int channel)
{
    return sim->world.now < sim->cut_until[from] && (channel == 1 || is_edge(from));
}

void sim_send(sim_t *sim, int from, int to, int channel, int key, const es_msg_t *msg, const void *body, size_t len)
{
    bool calm = sim->world.now >= sim->plan.calm_at;
    int copies = !calm && world_chance(&sim->world, sim->plan.dup) ? 2 : 1;
    for (int i = 0; i < copies; i++) {
        packet_t *packet = packet_new(msg, body, len);
        packet->from = from;
        packet->to = to;
        packet->key = key;
        packet->from_life = sim->nodes[from].life;
        packet->to_life = sim->nodes[to].life;
        if ((!calm && world_chance(&sim->world, sim->plan.loss)) || cut_off(sim, from, channel)) {
            sim_trace_msg(sim, "lost", packet);
            free(packet);
        } else {
            put(sim, channel, packet);
        }
    }
}

static void handle(sim_t *sim, packet_t *packet)
{
    sim_trace_msg(sim, "", packet);
    if (packet->to < NODE_EDGE)
        house_receive(sim, packet);
    else if (is_edge(packet->to))
        edge_receive(sim, packet);
    else
        worker_receive(sim, packet);
    free(packet);
}

void sim_arrive(sim_t *sim, packet_t *packet)
{
    node_t *node = &sim->nodes[packet->to];
    if (node->state == DEAD || node->life != packet->to_life) {
        sim_trace_msg(sim, "died", packet);
        free(packet);
    } else if (node->state == STOPPED) {
        *node->inbox_end = packet;
        node->inbox_end = &packet->next;
    } else {
        handle(sim, packet);
    }
}

void sim_handle_inbox(sim_t *sim, int n)
{
    node_t *node = &sim->nodes[n];
    packet_t *packet = node->inbox;
    node->inbox = NULL;
    node->inbox_end = &node->inbox;
    for (packet_t *next; packet; packet = next) {
        next = packet->next;
        packet->next = NULL;
        if (node->state == RUNNING)
            handle(sim, packet);
        else
            free(packet); /* it died of one before */
    }
}

void sim_forget_inbox(node_t *node)
{
    for (packet_t *packet = node->inbox, *next; packet; packet = next) {
        next = packet->next;
        free(packet);
    }
    node->inbox = NULL;
    node->inbox_end = &node->inbox;
}
