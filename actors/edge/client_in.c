#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "client.h"
#include "edge_metrics.h"

enum { AHEAD = 65536 }; /* bytes of a frame for which room is made before they come */

void es_client_park(es_client_t *self, const void *data, size_t len)
{
    if (self->parked) { /* the socket was read on although throttled */
        es_refusal_t why = {.code = "overrun", .message = "Too much audio at once; this chunk was not taken."};
        es_metric_add(&es_edge_overruns, 1);
        self->dialect->refuse(self, &why);
        return;
    }
    self->parked = es_alloc(len);
    memcpy(self->parked, data, len);
    self->parked_len = (uint32_t)len;
}

/* Bytes of a chunk that can become one frame. */
static size_t chunk_limit(const es_client_t *self)
{
    uint64_t limit = self->env->limits.max_chunk;
    if (self->rate && self->rate < ES_RATE) {
        uint64_t fits = (ES_BODY_MAX - es_resampler_bound(self->rate, 0)) / 2 * self->rate / ES_RATE * 2;
        if (fits < limit) limit = fits;
    }
    return (size_t)limit;
}

static void chunk(es_client_t *self, const void *data, size_t len)
{
    es_refusal_t why = {0};
    size_t limit = chunk_limit(self);
    if (!len) {
        why.code = "empty_chunk";
        snprintf(why.message, sizeof why.message, "The chunk is empty; send PCM16 samples, two bytes each.");
    } else if (len > limit) {
        why.code = "chunk_too_large";
        snprintf(why.message, sizeof why.message, "The chunk has %zu bytes; at most %zu are taken: send smaller ones.",
                 len, limit);
    } else if (len % 2) {
        why.code = "odd_chunk";
        snprintf(why.message, sizeof why.message,
                 "The chunk has an odd length (%zu bytes); PCM16 samples have two bytes each.", len);
    }
    if (why.code)
        self->dialect->refuse(self, &why);
    else
        self->dialect->chunk(self, data, len);
}

static es_ws_why_t message(es_client_t *self, const void *data, size_t len, bool binary)
{
    if (self->closing) return ES_WS_FINE;
    if (!binary && !es_utf8_valid(data, len)) return ES_WS_NOT_UTF8;
    if (binary && !es_client_known(self))
        es_client_want_credentials(self, "");
    else if (binary)
        chunk(self, data, len);
    else
        self->dialect->text(self, data, len);
    return ES_WS_FINE;
}

static void keep(es_client_t *self, const void *data, size_t len, size_t left)
{
    if (self->in_cap - self->in_len < len) {
        /* Doubled, or a message in tiny fragments would be copied for each; nothing much for what is only announced. */
        size_t cap = self->in_len + len + (left < AHEAD ? left : AHEAD);
        if (cap < 2 * self->in_cap) cap = 2 * self->in_cap;
        uint8_t *in = es_alloc(cap);
        if (self->in_len) memcpy(in, self->in, self->in_len);
        free(self->in);
        self->in = in;
        self->in_cap = cap;
    }
    if (len) memcpy(self->in + self->in_len, data, len);
    self->in_len += len;
}

/* A message that has come in pieces. */
static es_ws_why_t whole(es_client_t *self, bool binary)
{
    uint8_t *in = self->in;
    size_t len = self->in_len;
    self->in = NULL;
    self->in_len = self->in_cap = 0;
    self->fragments = 0;
    es_ws_why_t why = message(self, in, len, binary);
    free(in);
    return why;
}

static uint64_t size_limit(const es_client_t *self, bool binary)
{
    const es_client_limits_t *limits = &self->env->limits;
    uint64_t limit = binary ? limits->max_message : limits->max_text;
    return es_client_known(self) || limit < ES_STRANGER_MESSAGE ? limit : ES_STRANGER_MESSAGE;
}

/* Each end of a frame is an end of a message, or of a fragment of one. */
static es_ws_why_t take(es_client_t *self, const void *data, size_t len, size_t left, bool last, bool binary)
{
    if (self->in_len + len + left > size_limit(self, binary))
        return binary ? ES_WS_MESSAGE_TOO_LARGE : ES_WS_TEXT_TOO_LARGE;
    if (!left && ++self->fragments > self->env->limits.max_fragments) return ES_WS_TOO_MANY_FRAGMENTS;
    if (last && !left && !self->in) {
        self->fragments = 0;
        return message(self, data, len, binary);
    }
    keep(self, data, len, left);
    return last && !left ? whole(self, binary) : ES_WS_FINE;
}

static es_ws_why_t spend(es_client_t *self, uint64_t messages, uint64_t bytes)
{
    const es_pace_limits_t *limits = &self->env->limits.pace;
    if (!es_pace_spend(&self->pace, limits, messages, bytes, self->env->now_us)) return ES_WS_FINE;
    es_metric_add(&es_edge_held, 1);
    return es_pace_is_flood(&self->pace, limits, self->env->now_us) ? ES_WS_FLOOD : ES_WS_FINE;
}

static es_ws_why_t settled(es_client_t *self, es_ws_why_t why)
{
    if (why)
        es_ws_count_close(why);
    else
        es_client_settle(self);
    return why;
}

es_ws_why_t es_client_piece(es_client_t *self, const void *data, size_t len, size_t left, bool last, bool binary)
{
    es_ws_why_t why = spend(self, !left, len);
    if (!why) why = take(self, data, len, left, last, binary);
    return settled(self, why);
}

void es_client_control(es_client_t *self, uint64_t frames, uint64_t bytes)
{
    if (spend(self, frames, bytes)) es_client_close(self, ES_WS_FLOOD);
    es_client_settle(self);
}
