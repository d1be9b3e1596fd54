/* Fields of clients' JSON, checked with a sentence for each mistake. For client_json.c and the payloads of rooms and jobs. */
#ifndef ES_JSON_FIELDS_H
#define ES_JSON_FIELDS_H

#include <jansson.h>

#include "client_json.h"

enum { ES_JSON_SHOWN = 64 }; /* bytes of a client's text that a message repeats */

/* Is this text, JSON or not, nested deeper than this? To be asked before it is parsed: jansson recurses. */
bool es_json_deeper(const char *text, size_t len, uint64_t max_depth);
/* Always -1. */
__attribute__((format(printf, 3, 4))) int es_json_refuse(es_refusal_t *why, const char *code, const char *format, ...);
/* The start of a client's string, cut between characters, for showing it in a message. */
const char *es_json_shown(const char *text, char out[ES_JSON_SHOWN + 1]);
/* 0 where the object has no names but those listed (NULL-terminated). */
int es_json_only(const json_t *object, const char *where, const char *const *names, es_refusal_t *why);

/* A string of 1 to max bytes without control characters (but tabs and line feeds, where `lines`), copied into out. 0, or -1 with *why. */
int es_json_text(const json_t *payload, const char *type, const char *name, size_t max, bool lines, char *out,
                 es_refusal_t *why);

/* "room" of this payload into out->room. */
int es_json_room(const json_t *payload, const char *type, es_client_says_t *out, es_refusal_t *why);
/* "token" of this payload into out->token: who the client is. */
int es_json_credentials(const json_t *payload, const char *type, es_client_says_t *out, es_refusal_t *why);
/* The payloads of room.*, job.*, house.watch and session.resume. 0, or -1 with *why. */
int es_json_join(const json_t *payload, es_client_says_t *out, es_refusal_t *why);
int es_json_leave(const json_t *payload, es_client_says_t *out, es_refusal_t *why);
int es_json_say(const json_t *payload, es_client_says_t *out, es_refusal_t *why);
int es_json_history(const json_t *payload, es_client_says_t *out, es_refusal_t *why);
int es_json_who(const json_t *payload, es_client_says_t *out, es_refusal_t *why);
int es_json_watch_job(const json_t *payload, es_client_says_t *out, es_refusal_t *why);
int es_json_watch_house(const json_t *payload, es_client_says_t *out, es_refusal_t *why);
int es_json_resume(const json_t *payload, es_client_says_t *out, es_refusal_t *why);

#endif
