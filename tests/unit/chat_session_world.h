/* What the server says in a room. */
#ifndef ES_CHAT_SESSION_WORLD_H
#define ES_CHAT_SESSION_WORLD_H

#include "chat_world.h"

#define ID(n) "0000000000000abc-" #n
#define SAY(text, n) \
    "> {\"type\":\"room.say\",\"payload\":{\"room\":\"lobby\",\"text\":\"" text "\",\"msg_id\":\"" ID(n) "\"}\n"

static inline void entered(chat_world_t *w, const char *log, unsigned rseq, unsigned from, const char *complete)
{
    chat_hear(w, "room.joined",
              "\"room\":\"lobby\",\"log\":\"%s\",\"rseq\":%u,\"member\":\"s1\",\"name\":\"Ann\",\"members\":[],"
              "\"history\":{\"from\":%u,\"complete\":%s}",
              log, rseq, from, complete);
}

static inline void message(chat_world_t *w, unsigned rseq, const char *text, const char *msg_id)
{
    chat_hear(w, "room.message",
              "\"room\":\"lobby\",\"rseq\":%u,\"member\":\"s2\",\"name\":\"Bob\",\"text\":\"%s\",\"msg_id\":\"%s\"",
              rseq, text, msg_id);
}

static inline void error(chat_world_t *w, const char *code, const char *ref, const char *msg_id)
{
    chat_hear(w, "error", "\"code\":\"%s\",\"message\":\"No.\",\"ref\":\"%s\",\"msg_id\":\"%s\"", code, ref, msg_id);
}

#endif
