#include "stream_place.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static void replace(char **field, const char *text)
{
    char *fresh = *text ? es_alloc_copy(text, strlen(text)) : NULL;
    free(*field);
    *field = fresh;
}

void es_stream_place_fini(es_stream_place_t *self)
{
    free(self->token);
    free(self->fresh);
    free(self->stream);
    free(self->checkpoint);
    *self = (es_stream_place_t){.token = NULL};
}

void es_stream_place_welcome(es_stream_place_t *self, const char *token)
{
    replace(&self->fresh, token);
    if (!self->stream) replace(&self->token, token); /* there is nothing to take over */
}

static void begin_anew(es_stream_place_t *self)
{
    self->base = self->committed;
    self->base_position = self->position;
    replace(&self->stream, "");
    replace(&self->checkpoint, "");
    replace(&self->token, self->fresh ? self->fresh : "");
}

void es_stream_place_resumed(es_stream_place_t *self, bool ok, const char *token)
{
    if (ok)
        replace(&self->token, token);
    else
        begin_anew(self);
}

void es_stream_place_started(es_stream_place_t *self, const char *stream)
{
    replace(&self->stream, stream);
}

static bool commits(const es_message_t *message)
{
    return message->type == ES_MESSAGE_COMMITTED || (message->type == ES_MESSAGE_TRANSCRIPT && message->final);
}

bool es_stream_place_take(es_stream_place_t *self, es_message_t *message)
{
    if (self->base) es_message_shift(message, self->base, self->base_position);
    if (!commits(message)) return true;
    if (message->to_seq <= self->committed) return false;
    self->committed = message->to_seq;
    self->position = message->position;
    replace(&self->checkpoint, message->checkpoint);
    return true;
}

char *es_stream_place_resume(const es_stream_place_t *self, uint64_t now_ms)
{
    if (!self->token || !self->stream) return NULL;
    es_message_resume_t place = {.stream = self->stream,
                                 .checkpoint = self->checkpoint,
                                 .committed = self->committed - self->base,
                                 .position = self->position - self->base_position};
    return es_message_resume(self->token, &place, now_ms);
}
