#include "envelope_out.h"

#include <stdio.h>
#include <string.h>

#include "edge_metrics.h"

size_t es_envelope_begin_with(es_client_t *client, const char *head, size_t len)
{
    size_t place = es_client_say(client);
    es_frame_buf_append(&client->out, head, len);
    return place;
}

void es_envelope_end(es_client_t *client, size_t place)
{
    es_json_raw(&client->out, "},\"timestamp\":");
    es_json_uint(&client->out, client->env->wall_ms);
    es_json_raw(&client->out, "}");
    es_client_said(client, place);
}

static void about(es_client_t *client, const char *field, const char *value)
{
    if (!*value) return;
    es_frame_buf_append(&client->out, field, strlen(field));
    es_json_string(&client->out, es_span(value));
}

void es_envelope_refuse(es_client_t *client, const es_refusal_t *why)
{
    es_edge_count_error(why->code);
    size_t place = es_envelope_begin(client, "error");
    es_json_raw(&client->out, "\"code\":");
    es_json_plain(&client->out, why->code, strlen(why->code));
    es_json_raw(&client->out, ",\"message\":");
    es_json_string(&client->out, es_span(why->message));
    about(client, ",\"ref\":", why->ref);
    about(client, ",\"room\":", why->room);
    about(client, ",\"msg_id\":", why->msg_id);
    about(client, ",\"job_id\":", why->job_id);
    about(client, ",\"session_id\":", why->session_id);
    es_envelope_end(client, place);
}

void es_envelope_refuse_with(es_client_t *client, const char *code, const char *ref, const char *message)
{
    es_refusal_t why = {.code = code};
    snprintf(why.message, sizeof why.message, "%s", message);
    snprintf(why.ref, sizeof why.ref, "%s", ref);
    es_envelope_refuse(client, &why);
}
