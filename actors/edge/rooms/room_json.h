/* Events and members of rooms in the words of /ws. Appends to a frame buffer between es_frame_begin and es_frame_end. */
#ifndef ES_ROOM_JSON_H
#define ES_ROOM_JSON_H

#include "json_out.h"
#include "room_wire.h"

/* {"type":"room.message","payload":{...},"timestamp":n}. An event of a type that this edge does not know is a room.event. */
void es_room_json_event(es_frame_buf_t *out, es_span_t room, const es_room_event_t *event, uint64_t wall_ms);
/* {"type":"room.history",...}: events from..to are gone. */
void es_room_json_gap(es_frame_buf_t *out, es_span_t room, uint64_t log, uint64_t from, uint64_t to, uint64_t wall_ms);
/* [{"type":"room.message","rseq":...},...] */
void es_room_json_events(es_frame_buf_t *out, const es_room_event_t *events, size_t n);
/* [{"member":"...","name":"..."},...] */
void es_room_json_members(es_frame_buf_t *out, const es_room_member_t *members, size_t n);
/* ,"log":"9f..." */
void es_room_json_log(es_frame_buf_t *out, uint64_t log);

#endif
