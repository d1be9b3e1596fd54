/* A client's connection at its edge: the sender of its stream, and the line back to the client. What actors/edge/client.c and client_stream.c do. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* Nothing is lost or overtaken on a line until it breaks. packet->to is the number of the client's stream. */
static void tell(connection_t *self, const es_msg_t *msg)
{
    sim_t *sim = self->sim;
    packet_t *packet = packet_new(msg, NULL, 0);
    packet->from = NODE_EDGE + self->edge;
    packet->to = sim->clients[self->client].stream;
    packet->key = self->key;
    uint64_t at = sim->world.now + (sim->plan.line_us > 0 ? world_below(&sim->world, sim->plan.line_us) : 0);
    if (at < self->line_at) at = self->line_at;
    self->line_at = at;
    world_at(&sim->world, at, EV_LINE, self->key, packet);
}

static void on_transmit(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    connection_t *self = ctx;
    sim_send(self->sim, NODE_EDGE + self->edge, NODE_BROKER + self->broker, 0, self->key, msg, body, len);
}

static void on_deliver(void *ctx, const es_msg_t *final, const void *words, size_t len)
{
    connection_t *self = ctx;
    (void)words, (void)len;
    self->committed = final->to_seq;
    self->partial_to = 0;
    tell(self, final);
}

static void on_partial(void *ctx, const es_msg_t *partial)
{
    connection_t *self = ctx;
    if (partial->epoch == self->partial_epoch && partial->to_seq <= self->partial_to)
        world_fail(&self->sim->world, "key %d: partial up to %" PRIu64 " after one up to %" PRIu64, self->key,
                   partial->to_seq, self->partial_to);
    self->partial_epoch = partial->epoch;
    self->partial_to = partial->to_seq;
    tell(self, partial);
}

static void on_marked(void *ctx, uint64_t seq)
{
    es_msg_t msg = {.kind = ES_FRAME, .seq = seq};
    ES_SET(&msg, ES_M_FLAGS, flags, ES_F_MARK);
    tell(ctx, &msg);
}

static void on_done(void *ctx)
{
    tell(ctx, &(es_msg_t){.kind = ES_CLOSE});
}

static void on_refused(void *ctx, es_span_t reason)
{
    (void)reason;
    tell(ctx, &(es_msg_t){.kind = ES_REFUSED});
}

static void on_writable(void *ctx)
{
    connection_t *self = ctx;
    client_t *c = &self->sim->clients[self->client];
    if (c->key == self->key) client_wake(c, self->sim->world.now);
}

static void on_waiting(void *ctx, uint64_t place)
{
    connection_t *self = ctx;
    if (place > 0) self->sim->figures.waits++;
    if (place == 0)
        self->waiting_at = 0;
    else if (self->waiting_at == 0)
        self->waiting_at = self->sim->world.now;
}

connection_t *connection_new(sim_t *sim, int client, int edge)
{
    if (sim->keys == SIM_KEYS) {
        world_fail(&sim->world, "c%d: no key is left", client);
        sim->keys--;
    }
    connection_t *self = &sim->connections[sim->keys];
    *self = (connection_t){.sim = sim, .key = sim->keys++, .client = client, .edge = edge};
    return self;
}

void connection_begin(connection_t *self, const client_t *client)
{
    static const es_sender_ops_t ops = {.transmit = on_transmit,
                                        .deliver = on_deliver,
                                        .partial = on_partial,
                                        .marked = on_marked,
                                        .done = on_done,
                                        .refused = on_refused,
                                        .writable = on_writable,
                                        .waiting = on_waiting};
    const plan_t *plan = &self->sim->plan;
    es_sender_config_t config = es_sender_defaults();
    config.window_frames = plan->window_frames;
    config.window_bytes = plan->window_bytes;
    config.retain_frames = plan->retain_frames;
    config.partials = plan->partials && !client->batch;
    config.priority = client->batch ? 1 : 0;
    self->waiting_at = 0;
    self->timer_at = UINT64_MAX;
    self->committed = client->sent;
    self->broker = edge_broker(self->sim, self->edge, self->key);
    self->sender = es_sender_new(&config, &ops, self, self->last_epoch);
    if (self->committed == 0) return;
    bool bare = self->sim->off == SAFE_RESUME;
    es_sender_begin_at(self->sender, self->committed,
                       bare ? es_span(NULL) : es_span_of(&client->carry, sizeof client->carry));
}

static void free_sender(connection_t *self)
{
    es_sender_stats_t stats;
    es_sender_stats(self->sender, &stats);
    self->sim->figures.raises += stats.raises;
    self->sim->figures.probes += stats.probes;
    self->sim->figures.yields += stats.yields;
    self->last_epoch = stats.epoch;
    es_sender_destroy(&self->sender);
}

void connection_end(connection_t *self)
{
    if (!self->sender) return;
    es_sender_stats_t stats;
    es_sender_stats(self->sender, &stats);
    if (stats.done && self->committed == stats.next_seq - 1 &&
        (stats.retained_frames > 0 || stats.retained_bytes > 0 || es_sender_deadline(self->sender) != UINT64_MAX))
        world_fail(&self->sim->world, "key %d: done, yet %zu frames retained", self->key, stats.retained_frames);
    es_sender_close(self->sender);
    free_sender(self);
}

void connection_drop(connection_t *self)
{
    self->gone = true;
    if (self->sender) free_sender(self);
}

void connection_hangup(sim_t *sim, int key)
{
    connection_t *self = &sim->connections[key];
    if (sim->nodes[NODE_EDGE + self->edge].state == STOPPED)
        world_at(&sim->world, sim->world.now + MS(20), EV_HANGUP, key, NULL);
    else
        connection_end(self);
}

void connection_rearm(connection_t *self)
{
    if (!self->sender) return;
    uint64_t at = self->sim->off == SAFE_RETRANSMIT ? UINT64_MAX : es_sender_deadline(self->sender);
    if (at >= self->timer_at) return; /* one event is on its way; too early is harmless */
    self->timer_at = at < self->sim->world.now ? self->sim->world.now : at;
    world_at(&self->sim->world, self->timer_at, EV_SENDER, self->key, NULL);
}

void connection_timer(sim_t *sim, int key)
{
    connection_t *self = &sim->connections[key];
    if (!self->sender || sim->world.now != self->timer_at) return;
    self->timer_at = UINT64_MAX;
    if (sim->nodes[NODE_EDGE + self->edge].state != RUNNING) {
        self->timer_at = sim->world.now + MS(20);
        world_at(&sim->world, self->timer_at, EV_SENDER, key, NULL);
        return;
    }
    es_sender_tick(self->sender, sim->world.now);
    connection_rearm(self);
}

static void check_bounds(const connection_t *self)
{
    es_sender_stats_t stats;
    es_sender_stats(self->sender, &stats);
    if (stats.received > stats.sent || stats.committed > stats.received || stats.sent >= stats.next_seq ||
        stats.committed != self->committed || stats.retained_frames != stats.next_seq - 1 - stats.committed ||
        stats.retained_frames > self->sim->plan.retain_frames + SIM_KEEP_MORE)
        world_fail(&self->sim->world, "key %d: the sender's numbers contradict one another", self->key);
}

void connection_receive(sim_t *sim, const packet_t *packet)
{
    connection_t *self = &sim->connections[packet->key];
    es_msg_t msg = packet->msg;
    if (!self->sender || !bend_to_sender(sim, self, &msg)) return;
    if (packet->from == NODE_BROKER + self->broker || sim->off == SAFE_OWN_BROKER)
        es_sender_receive(self->sender, &msg, packet->data, packet->len, sim->world.now);
    else
        es_sender_overhear(self->sender, &msg, sim->world.now);
    check_bounds(self);
    if (msg.kind == ES_WAIT && self->waiting_at > 0 && !sim->clients[self->client].batch) check_live_first(self);
    connection_rearm(self);
}

void connection_rebroker(connection_t *self)
{
    if (!self->sender) return;
    int broker = edge_broker(self->sim, self->edge, self->key);
    if (broker == self->broker) return;
    es_sender_stats_t stats;
    es_sender_stats(self->sender, &stats);
    sim_send(self->sim, NODE_EDGE + self->edge, NODE_BROKER + self->broker, 0, self->key,
             &(es_msg_t){.kind = ES_CLOSE, .epoch = stats.epoch}, NULL, 0);
    self->broker = broker;
    self->sim->figures.rebrokers++;
    es_sender_raise(self->sender, self->sim->world.now);
    connection_rearm(self);
}
