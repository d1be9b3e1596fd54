/* Messages of /ws to a client: {"type":..,"payload":{ ... },"timestamp":..}. Fields are appended to client->out in between. */
#ifndef ES_ENVELOPE_OUT_H
#define ES_ENVELOPE_OUT_H

#include "client.h"
#include "json_out.h"

#define es_envelope_begin(client, type)                                      \
    es_envelope_begin_with((client), "{\"type\":\"" type "\",\"payload\":{", \
                           sizeof("{\"type\":\"" type "\",\"payload\":{") - 1)
size_t es_envelope_begin_with(es_client_t *client, const char *head, size_t len);
void es_envelope_end(es_client_t *client, size_t place);

#define es_envelope_uint(client, name, value)            \
    do {                                                 \
        es_json_raw(&(client)->out, ",\"" name "\":");   \
        es_json_uint(&(client)->out, (uint64_t)(value)); \
    } while (0)

/* Says the error and counts it. */
void es_envelope_refuse(es_client_t *client, const es_refusal_t *why);
void es_envelope_refuse_with(es_client_t *client, const char *code, const char *ref, const char *message);

#endif
