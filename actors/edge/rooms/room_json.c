#include "room_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES_PER_MS = 16 };

#define field_uint(out, name, value)          \
    do {                                      \
        es_json_raw((out), ",\"" name "\":"); \
        es_json_uint((out), (value));         \
    } while (0)

static const char *type_name(uint32_t type)
{
    static const char *const names[] = {[ES_EVENT_JOINED] = "room.joined",
                                        [ES_EVENT_LEFT] = "room.left",
                                        [ES_EVENT_MESSAGE] = "room.message",
                                        [ES_EVENT_CAPTION] = "room.caption",
                                        [ES_EVENT_PARTIAL] = "room.caption"};
    return type < sizeof names / sizeof *names && names[type] ? names[type] : "room.event";
}

static void caption(es_frame_buf_t *out, const es_room_event_t *e)
{
    if (e->type == ES_EVENT_CAPTION)
        es_json_raw(out, ",\"final\":true,\"stream\":");
    else
        es_json_raw(out, ",\"final\":false,\"stream\":");
    es_json_string(out, e->stream);
    field_uint(out, "start_ms", e->start / SAMPLES_PER_MS);
    field_uint(out, "end_ms", e->end / SAMPLES_PER_MS);
}

/* All but the room, from the second field on. */
static void fields(es_frame_buf_t *out, const es_room_event_t *e)
{
    if (e->rseq) field_uint(out, "rseq", e->rseq);
    field_uint(out, "time", e->at_ms);
    es_json_raw(out, ",\"member\":");
    es_json_string(out, e->member);
    es_json_raw(out, ",\"name\":");
    es_json_string(out, e->name);
    if (e->type == ES_EVENT_JOINED || e->type == ES_EVENT_LEFT) return;
    es_json_raw(out, ",\"text\":");
    es_json_string(out, e->text);
    if (e->type == ES_EVENT_MESSAGE) {
        es_json_raw(out, ",\"msg_id\":");
        es_json_string(out, e->msg_id);
    } else if (e->type == ES_EVENT_CAPTION || e->type == ES_EVENT_PARTIAL) {
        caption(out, e);
    }
}

static void begin(es_frame_buf_t *out, const char *type, es_span_t room)
{
    es_json_raw(out, "{\"type\":");
    es_json_plain(out, type, strlen(type));
    es_json_raw(out, ",\"payload\":{\"room\":");
    es_json_string(out, room);
}

static void end(es_frame_buf_t *out, uint64_t wall_ms)
{
    es_json_raw(out, "},\"timestamp\":");
    es_json_uint(out, wall_ms);
    es_json_raw(out, "}");
}

void es_room_json_event(es_frame_buf_t *out, es_span_t room, const es_room_event_t *event, uint64_t wall_ms)
{
    begin(out, type_name(event->type), room);
    fields(out, event);
    end(out, wall_ms);
}

void es_room_json_log(es_frame_buf_t *out, uint64_t log)
{
    char hex[17];
    snprintf(hex, sizeof hex, "%016" PRIx64, log);
    es_json_raw(out, ",\"log\":");
    es_json_plain(out, hex, 16);
}

void es_room_json_gap(es_frame_buf_t *out, es_span_t room, uint64_t log, uint64_t from, uint64_t to, uint64_t wall_ms)
{
    begin(out, "room.history", room);
    es_room_json_log(out, log);
    es_json_raw(out, ",\"events\":[],\"complete\":false");
    field_uint(out, "from", from);
    field_uint(out, "to", to);
    end(out, wall_ms);
}

void es_room_json_events(es_frame_buf_t *out, const es_room_event_t *events, size_t n)
{
    es_json_raw(out, "[");
    for (size_t i = 0; i < n; i++) {
        const char *type = type_name(events[i].type);
        if (i) es_json_raw(out, ",");
        es_json_raw(out, "{\"type\":");
        es_json_plain(out, type, strlen(type));
        fields(out, &events[i]);
        es_json_raw(out, "}");
    }
    es_json_raw(out, "]");
}

void es_room_json_members(es_frame_buf_t *out, const es_room_member_t *members, size_t n)
{
    es_json_raw(out, "[");
    for (size_t i = 0; i < n; i++) {
        if (i) es_json_raw(out, ",");
        es_json_raw(out, "{\"member\":");
        es_json_string(out, members[i].session);
        es_json_raw(out, ",\"name\":");
        es_json_string(out, members[i].name);
        es_json_raw(out, "}");
    }
    es_json_raw(out, "]");
}
