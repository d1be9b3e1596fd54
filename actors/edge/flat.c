#include "flat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge_metrics.h"
#include "json_out.h"

/* The value of `name` in "a=1&b=2", at most cap-1 bytes; false where it is absent. Not percent-decoded: no value needs it. */
static bool parameter(const char *query, const char *name, char *out, size_t cap)
{
    size_t n = strlen(name);
    while (*query) {
        size_t len = strcspn(query, "&");
        if (len > n && !strncmp(query, name, n) && query[n] == '=') {
            snprintf(out, cap, "%.*s", (int)(len - n - 1), query + n + 1);
            return true;
        }
        query += len + (query[len] == '&');
    }
    return false;
}

static void refuse(es_client_t *self, const es_refusal_t *why)
{
    es_edge_count_error(why->code);
    size_t place = es_client_say(self);
    es_json_raw(&self->out, "{\"error\":");
    es_json_string(&self->out, es_span(why->message));
    es_json_raw(&self->out, "}");
    es_client_said(self, place);
}

static void refuse_settings(es_client_t *self)
{
    es_refusal_t why = {.code = "bad_query"};
    snprintf(why.message, sizeof why.message,
             "The address is wrong: rate must be " ES_RATES_TEXT
             ", partials 0 or 1, language a tag such as en; connect "
             "again with these.");
    refuse(self, &why);
}

static void open_flat(es_client_t *self, const char *query)
{
    es_flat_t *flat = &self->flat;
    char value[ES_LANGUAGE_MAX + 2];
    flat->rate = ES_RATE;
    if (parameter(query, "rate", value, sizeof value)) {
        char *end = value;
        uint64_t rate = value[0] >= '1' && value[0] <= '9' ? strtoull(value, &end, 10) : 0;
        flat->bad = *end || !es_rate_supported(rate);
        if (!flat->bad) flat->rate = (uint32_t)rate;
    }
    if (parameter(query, "partials", value, sizeof value)) {
        flat->partials = !strcmp(value, "1");
        if (!flat->partials && strcmp(value, "0") != 0) flat->bad = true;
    }
    if (parameter(query, "language", value, sizeof value)) {
        if (es_language_valid(value, strlen(value)))
            memcpy(flat->language, value, strlen(value) + 1);
        else
            flat->bad = true;
    }
    if (flat->bad) refuse_settings(self);
}

static void acknowledge(es_client_t *self, uint64_t seq, size_t len)
{
    size_t place = es_client_say(self);
    es_json_raw(&self->out, "{\"client_id\":");
    es_json_plain(&self->out, self->id, ES_CLIENT_ID_LEN);
    es_json_raw(&self->out, ",\"seq\":");
    es_json_uint(&self->out, seq);
    es_json_raw(&self->out, ",\"chunk_size\":");
    es_json_uint(&self->out, len);
    es_json_raw(&self->out, "}");
    es_client_said(self, place);
}

static void chunk(es_client_t *self, const void *data, size_t len)
{
    es_flat_t *flat = &self->flat;
    if (flat->bad) {
        refuse_settings(self);
        return;
    }
    if (!self->sender && !es_client_allowed(self, ES_RIGHT_STREAM, es_span(NULL), "")) return;
    if (!self->sender) {
        const es_client_start_t start = {.rate = flat->rate, .language = flat->language, .partials = flat->partials};
        es_client_stream_begin(self, &start);
    }
    if (!es_client_stream_push(self, data, len)) return;
    flat->chunks++;
    acknowledge(self, flat->offset + flat->chunks, len);
}

static void done(es_client_t *self)
{
    es_flat_t *flat = &self->flat;
    flat->offset += flat->chunks;
    flat->chunks = 0;
    size_t place = es_client_say(self);
    es_json_raw(&self->out, "{\"done\":true,\"seq\":");
    es_json_uint(&self->out, flat->offset);
    es_json_raw(&self->out, "}");
    es_client_said(self, place);
}

static void text(es_client_t *self, const char *said, size_t len)
{
    es_client_says_t says;
    es_refusal_t why;
    if (es_client_json_flat(said, len, self->env->limits.max_depth, &says, &why)) {
        refuse(self, &why);
    } else if (!es_client_token_passes(self, &says, said, len)) {
        return;
    } else if (says.type == ES_SAYS_AUTH) {
        es_client_authenticate(self, says.token);
    } else if (!es_client_known(self)) {
        es_client_want_credentials(self, "");
    } else if (says.type == ES_SAYS_PING) {
        size_t place = es_client_say(self);
        es_json_raw(&self->out, "{\"type\":\"pong\"}");
        es_client_said(self, place);
    } else if (self->sender) {
        es_client_stream_end(self);
    } else {
        done(self);
    }
}

static void result(es_client_t *self, const es_msg_t *msg, bool final)
{
    const es_flat_t *flat = &self->flat;
    /* EOS is a frame, but no chunk. */
    uint64_t seq = flat->offset + (msg->to_seq < flat->chunks ? msg->to_seq : flat->chunks);
    size_t place = es_client_say(self);
    es_json_raw(&self->out, "{\"seq\":");
    es_json_uint(&self->out, seq);
    if (final)
        es_json_raw(&self->out, ",\"transcription\":");
    else
        es_json_raw(&self->out, ",\"partial\":");
    es_json_string(&self->out, msg->text);
    es_json_raw(&self->out, "}");
    es_client_said(self, place);
}

static void failed(es_client_t *self, const es_msg_t *final)
{
    es_refusal_t why = {.code = "segment_failed"};
    snprintf(why.message, sizeof why.message, "A piece of audio could not be transcribed: %.*s",
             (int)(final->reason.len < 200 ? final->reason.len : 200), final->reason.len ? final->reason.ptr : "");
    refuse(self, &why);
}

static void final(es_client_t *self, const es_msg_t *msg, const void *words, size_t len)
{
    (void)words;
    (void)len;
    if (msg->flags & ES_F_FAILED) failed(self, msg);
    if (msg->text.len && !(msg->flags & ES_F_SILENCE)) result(self, msg, true);
}

static void partial(es_client_t *self, const es_msg_t *msg)
{
    if (self->flat.partials) result(self, msg, false);
}

static void marked(es_client_t *self, uint64_t seq)
{
    (void)self;
    (void)seq;
}

static void known(es_client_t *self)
{
    size_t place = es_client_say(self);
    es_json_raw(&self->out, "{\"type\":\"authenticated\"");
    es_client_say_principal(self);
    es_json_raw(&self->out, "}");
    es_client_said(self, place);
}

static void rights(es_client_t *self, unsigned lost)
{
    if (self->sender && lost & ES_RIGHT_STREAM) es_client_stream_end(self);
}

static void waiting(es_client_t *self, uint64_t place)
{
    (void)self;
    (void)place;
}

const es_dialect_t es_flat = {.open = open_flat,
                              .chunk = chunk,
                              .text = text,
                              .refuse = refuse,
                              .final = final,
                              .partial = partial,
                              .marked = marked,
                              .done = done,
                              .known = known,
                              .rights = rights,
                              .waiting = waiting};
