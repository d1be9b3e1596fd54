/* Who is speaking just now, and the words so far. A partial replaces the one before of its stream; it goes with its final, with its speaker, or when nothing has come
 * of it for a while: partials may be lost. Pure. */
#ifndef ES_CHAT_CAPTIONS_H
#define ES_CHAT_CAPTIONS_H

#include "message.h"

#define ES_CHAT_CAPTION_US UINT64_C(5000000)
enum { ES_CHAT_SPEAKERS = 8 }; /* kept; who has been silent for the longest gives way */

typedef struct {
    char *name, *text; /* NULL: a free place */
    char *member, *stream;
    uint64_t heard_us;
} es_chat_speaker_t;

typedef struct {
    es_chat_speaker_t speakers[ES_CHAT_SPEAKERS];
} es_chat_captions_t;

void es_chat_captions_fini(es_chat_captions_t *self);
/* Any message of the room. */
void es_chat_captions_hear(es_chat_captions_t *self, const es_message_t *message, uint64_t now_us);
/* Who spoke last, or NULL. *others: how many more speak. *wake_us is lowered to when this changes by itself. */
const es_chat_speaker_t *es_chat_captions_latest(es_chat_captions_t *self, uint64_t now_us, unsigned *others,
                                                 uint64_t *wake_us);

#endif
