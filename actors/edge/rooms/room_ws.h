/* Rooms in the envelope protocol: what clients say of rooms, and what rooms say to them (PROTOCOL.md, section 7.5). For envelope_ws.c. */
#ifndef ES_ROOM_WS_H
#define ES_ROOM_WS_H

#include "client.h"

enum { ES_ROOM_PENDING_MAX = 64 }; /* messages of a client without room.said */

void es_room_ws_join(es_client_t *self, const es_client_says_t *says);
void es_room_ws_leave(es_client_t *self, const es_client_says_t *says);
void es_room_ws_say(es_client_t *self, const es_client_says_t *says);
void es_room_ws_history(es_client_t *self, const es_client_says_t *says);
void es_room_ws_who(es_client_t *self, const es_client_says_t *says);
/* The client may less than before: out of rooms that are not for it any more. */
void es_room_ws_rights(es_client_t *self);
/* The client is gone: out of all its rooms. */
void es_room_ws_fini(es_client_t *self);

/* audio.start names a room: its words will go there. -1: refused, the client was told. */
int es_room_ws_speak(es_client_t *self, const char *room);
/* Words of the stream: to the room that was named, if any. Returns the operation that has to be done before the speaker is told, 0: none. */
uint64_t es_room_ws_final(es_client_t *self, const es_msg_t *final, const void *words, size_t len);
void es_room_ws_partial(es_client_t *self, const es_msg_t *partial);

/* For es_dialect_t. */
void es_room_ws_answer(es_client_t *self, const es_msg_t *msg, const void *body, size_t len);
size_t es_room_ws_pending(es_client_t *self, const uint8_t **out);
void es_room_ws_written(es_client_t *self, size_t n);

#endif
