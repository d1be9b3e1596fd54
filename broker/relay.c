#include "relay.h"

#include <string.h>

#include "broker_metrics.h"
#include "handover.h"
#include "log.h"
#include "wire.h"

enum { PREFIX_SHIFT = 4 * (ES_CLIENT_ID_LEN - ES_PREFIX_LEN) };

void es_relay_malformed(es_dead_letters_t *dead, es_metric_t *counter, const es_malformed_t *what, const char *reason)
{
    const char *socket = es_socket_name(what->socket);
    es_dead_letter_t letter = {.kind = ES_DEAD_MESSAGE,
                               .fragment = what->fragment || what->count > ES_DEAD_PARTS,
                               .count = what->count < ES_DEAD_PARTS ? what->count : ES_DEAD_PARTS};
    es_metric_add(counter, 1);
    es_log_warn("message dropped", ES_S("socket", socket), ES_S("reason", reason));
    if (!dead) return;
    es_dead_letter_text(letter.from, es_span(socket));
    es_dead_letter_text(letter.peer, es_span(what->speaker->who));
    es_dead_letter_text(letter.reason, es_span(reason));
    memcpy(letter.parts, what->parts, letter.count * sizeof *what->parts);
    es_dead_letters_put(dead, &letter);
}

/* ---- out ---- */

/* An edge subscribes to its prefix, which its bundles' key begins with. */
static void send_to_edge(void *ctx, uint64_t prefix, const es_bundle_t *bundle)
{
    es_relay_t *self = ctx;
    char key[17];
    es_hex16(prefix << PREFIX_SHIFT, key);
    key[ES_PREFIX_LEN] = ES_BUNDLE_KEY[0];
    if (es_wire_send_bundle(self->publish, NULL, es_span_of(key, ES_PREFIX_LEN + 1), bundle) != 0)
        es_metric_add(&es_broker_publish_failed_total, bundle->count);
}

void es_relay_init(es_relay_t *self, void *results, void *publish, es_access_t *access, es_decoder_t *decoder)
{
    *self = (es_relay_t){.results = results, .publish = publish, .access = access, .decoder = decoder};
    self->to_edges = es_bundles_new(send_to_edge, self);
}

void es_relay_fini(es_relay_t *self)
{
    es_bundles_destroy(&self->to_edges);
}

void es_relay_say(es_relay_t *self, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    uint64_t client;
    if (es_hex16_parse(key, &client)) es_bundles_flush_one(self->to_edges, client >> PREFIX_SHIFT);
    if (es_wire_send(self->publish, NULL, key, msg, body, len) != 0) es_metric_add(&es_broker_publish_failed_total, 1);
}

void es_relay_flush(es_relay_t *self)
{
    es_bundles_flush(self->to_edges);
}

/* ---- results ---- */

/* Receives the parts of one message, keeping the first three. Returns how many there were, 0: no message. */
static unsigned receive_parts(void *socket, zmq_msg_t parts[3])
{
    unsigned n = 0;
    for (bool more = true; more; n++) {
        zmq_msg_t rest, *part = n < 3 ? &parts[n] : &rest;
        zmq_msg_init(part);
        if (zmq_msg_recv(part, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(part);
            break;
        }
        es_handover_take(part);
        more = zmq_msg_more(part);
        if (part == &rest) zmq_msg_close(&rest);
    }
    return n;
}

static void close_parts(zmq_msg_t parts[3], unsigned n)
{
    for (unsigned i = 0; i < n && i < 3; i++) {
        es_handover_give(&parts[i]);
        zmq_msg_close(&parts[i]);
    }
}

static es_span_t span_of_part(zmq_msg_t *part)
{
    return es_span_of(zmq_msg_data(part), zmq_msg_size(part));
}

/* All that is asked of a result: a key, not one of ours, and an envelope that is not too long. */
static bool well_formed(const es_bundle_item_t *item)
{
    return item->key.len > 0 && item->key.len <= ES_KEY_MAX && item->envelope.len <= ES_ENVELOPE_MAX &&
           !(item->key.len >= 4 && memcmp(item->key.ptr, "sys/", 4) == 0);
}

static void refuse(es_relay_t *self, const es_speaker_t *speaker, const es_bundle_item_t *item, bool fragment,
                   const char *reason)
{
    const es_span_t parts[] = {item->key, item->envelope, item->body};
    const es_malformed_t what = {.socket = ES_AT_RESULTS,
                                 .speaker = speaker,
                                 .parts = parts,
                                 .count = sizeof parts / sizeof *parts,
                                 .fragment = fragment};
    es_relay_malformed(self->dead, &es_broker_malformed_results, &what, reason);
}

/* Who once had a stream answers it in epochs that are over, which nobody minds. */
static bool may_answer(const es_relay_t *self, const es_speaker_t *speaker, es_span_t key, const es_msg_t *msg)
{
    bool of_a_stream = msg->kind >= ES_ACK && msg->kind <= ES_PARTIAL;
    return !of_a_stream || es_access_may_answer(speaker, es_house_holder(self->house, key, msg->epoch));
}

/* May this peer say it, of that stream and in the name of that incarnation? What cannot be decoded is nothing that anybody may say. Nor is a bundle under
 * another key than ES_BUNDLE_KEY: an edge would take it apart, and nobody have looked at what is in it. */
static bool permitted(es_relay_t *self, const es_speaker_t *speaker, const es_bundle_item_t *item, bool of_bundle)
{
    es_msg_t msg;
    const char *wrong = NULL;
    if (!speaker->who) return true;
    if (es_decode(self->decoder, item->envelope.ptr, item->envelope.len, &msg) != ES_DECODE_OK)
        wrong = "not an envelope";
    else if (msg.kind == ES_BUNDLE)
        wrong = "a bundle under a key that is not the broker's";
    if (wrong) {
        refuse(self, speaker, item, of_bundle, wrong);
        return false;
    }
    if (!es_access_may(speaker, ES_AT_RESULTS, msg.kind)) return false;
    es_check_t check = es_catalogue_check(&msg, item->body.len);
    if (check != ES_CHECK_OK) {
        refuse(self, speaker, item, of_bundle, es_check_reason(check));
        return false;
    }
    if (!may_answer(self, speaker, item->key, &msg)) return false;
    return !ES_HAS(&msg, ES_M_INC) || es_access_may_be(speaker, ES_AT_RESULTS, es_house_owner(self->house, msg.inc));
}

/* Small results of streams leave together, one message an edge. False: this one must go alone, now. */
static bool bundled(es_relay_t *self, const es_bundle_item_t *item)
{
    uint64_t client;
    if (!es_hex16_parse(item->key, &client)) return false;
    if (self->observers == 0 && es_bundles_add(self->to_edges, client >> PREFIX_SHIFT, item)) return true;
    es_bundles_flush_one(self->to_edges, client >> PREFIX_SHIFT);
    return false;
}

/* Returns how many results were in it, or -1 where it is larger than one may be, or what follows them is malformed. */
static int take_bundle(es_relay_t *self, const es_speaker_t *speaker, es_span_t rest)
{
    es_bundle_item_t item;
    int n = 0;
    if (rest.len > ES_BUNDLE_MAX) return -1;
    for (int rc; (rc = es_bundle_next(&rest, &item)) != 0; n++) {
        if (rc < 0 || !well_formed(&item)) return -1;
        if (!permitted(self, speaker, &item, true) || bundled(self, &item)) continue;
        if (es_wire_send_item(self->publish, NULL, &item) != 0) es_metric_add(&es_broker_publish_failed_total, 1);
    }
    return n;
}

static void relay(es_relay_t *self, zmq_msg_t parts[3], unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0);
        es_handover_give(&parts[i]);
        if (zmq_msg_send(&parts[i], self->publish, flags) >= 0) continue;
        es_metric_add(&es_broker_publish_failed_total, 1);
        zmq_msg_close(&parts[i]);
    }
}

/* Closes or sends on the parts. Returns how many results they were. */
static unsigned take_result(es_relay_t *self, zmq_msg_t parts[3], unsigned got)
{
    es_bundle_item_t item = {.key = span_of_part(&parts[0])};
    es_speaker_t speaker = es_access_speaker_of(self->access, &parts[0]);
    bool right = got == 2 || got == 3;
    if (right) item.envelope = span_of_part(&parts[1]);
    if (right && got == 3) item.body = span_of_part(&parts[2]);
    bool bundle = right && es_span_eq(item.key, es_span(ES_BUNDLE_KEY));
    int within = bundle ? take_bundle(self, &speaker, item.body) : 0;
    right = right && within >= 0 && (bundle || well_formed(&item));
    if (!right)
        refuse(self, &speaker, &item, got > 3,
               "not a key that is ours to relay, an envelope and a body, or a bundle of such");
    else if (!bundle && permitted(self, &speaker, &item, false) && !bundled(self, &item)) {
        relay(self, parts, got);
        return 1;
    }
    close_parts(parts, got);
    return within > 1 ? (unsigned)within : 1;
}

unsigned es_relay_results(es_relay_t *self)
{
    unsigned n = 0, got;
    for (zmq_msg_t parts[3]; n < ES_LOOP_BATCH && (got = receive_parts(self->results, parts)) > 0;)
        n += take_result(self, parts, got);
    es_metric_add(&es_broker_results_total, n);
    return n;
}

/* ---- subscriptions ---- */

/* Is this a subscription to a single client_id, or to a part of it longer than an edge's prefix? */
static bool of_an_observer(es_span_t topic)
{
    for (size_t i = 0; i < topic.len; i++)
        if (topic.ptr[i] == 0 || !strchr("0123456789abcdef", topic.ptr[i])) return false;
    return topic.len > ES_PREFIX_LEN && topic.len <= ES_CLIENT_ID_LEN;
}

static void refuse_subscription(es_relay_t *self, zmq_msg_t *first, bool fragment)
{
    es_speaker_t speaker = es_access_speaker_of(self->access, first);
    es_span_t part = span_of_part(first);
    const es_malformed_t what = {
        .socket = ES_AT_PUBLISH, .speaker = &speaker, .parts = &part, .count = 1, .fragment = fragment};
    es_relay_malformed(self->dead, &es_broker_malformed_subscribe, &what, "not a subscription");
}

/* XPUB keeps subscriptions itself, and tells of the first and of the end of the last one to a topic. */
unsigned es_relay_subscriptions(es_relay_t *self)
{
    unsigned n = 0, got;
    for (zmq_msg_t parts[3]; n < ES_LOOP_BATCH && (got = receive_parts(self->publish, parts)) > 0; n++) {
        const unsigned char *first = zmq_msg_data(&parts[0]);
        if (got > 1 || zmq_msg_size(&parts[0]) == 0 || first[0] > 1)
            refuse_subscription(self, &parts[0], got > 1);
        else if (of_an_observer(es_span_of(first + 1, zmq_msg_size(&parts[0]) - 1)))
            self->observers += first[0] ? 1 : (self->observers ? SIZE_MAX : 0);
        close_parts(parts, got);
    }
    es_metric_add(&es_broker_subscribe_total, n);
    return n;
}
