/* What somebody types in a room: a line to be said, or a command, which begins with a slash. Pure. */
#ifndef ES_CHAT_COMMAND_H
#define ES_CHAT_COMMAND_H

#include "chat_session.h"

/* Does what the line says. What the user is to be told goes to note, a sentence at a time. */
void es_chat_command_run(es_chat_session_t *session, const char *line, void (*note)(void *ctx, const char *text),
                         void *ctx);

#endif
