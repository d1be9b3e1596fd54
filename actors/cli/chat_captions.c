#include "chat_captions.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static void clear(es_chat_speaker_t *speaker)
{
    free(speaker->name);
    free(speaker->text);
    free(speaker->member);
    free(speaker->stream);
    *speaker = (es_chat_speaker_t){.name = NULL};
}

void es_chat_captions_fini(es_chat_captions_t *self)
{
    for (size_t i = 0; i < ES_CHAT_SPEAKERS; i++) clear(&self->speakers[i]);
}

/* stream NULL: any of the member's. */
static bool speaks(const es_chat_speaker_t *speaker, const char *member, const char *stream)
{
    return speaker->text && strcmp(speaker->member, member) == 0 && (!stream || strcmp(speaker->stream, stream) == 0);
}

static void forget(es_chat_captions_t *self, const char *member, const char *stream)
{
    for (size_t i = 0; i < ES_CHAT_SPEAKERS; i++)
        if (speaks(&self->speakers[i], member, stream)) clear(&self->speakers[i]);
}

static es_chat_speaker_t *place(es_chat_captions_t *self)
{
    es_chat_speaker_t *oldest = &self->speakers[0];
    for (size_t i = 1; i < ES_CHAT_SPEAKERS; i++)
        if (self->speakers[i].heard_us < oldest->heard_us) oldest = &self->speakers[i];
    clear(oldest);
    return oldest;
}

static char *copy(const char *text)
{
    return es_alloc_copy(text, strlen(text));
}

void es_chat_captions_hear(es_chat_captions_t *self, const es_message_t *m, uint64_t now_us)
{
    if (m->type == ES_MESSAGE_LEFT) forget(self, m->member, NULL);
    if (m->type != ES_MESSAGE_CAPTION) return;
    forget(self, m->member, m->stream);
    if (m->final || !*m->text) return;
    *place(self) = (es_chat_speaker_t){.name = copy(m->name),
                                       .text = copy(m->text),
                                       .member = copy(m->member),
                                       .stream = copy(m->stream),
                                       .heard_us = now_us};
}

const es_chat_speaker_t *es_chat_captions_latest(es_chat_captions_t *self, uint64_t now_us, unsigned *others,
                                                 uint64_t *wake_us)
{
    const es_chat_speaker_t *latest = NULL;
    unsigned count = 0;
    for (size_t i = 0; i < ES_CHAT_SPEAKERS; i++) {
        es_chat_speaker_t *speaker = &self->speakers[i];
        if (!speaker->text) continue;
        uint64_t until = speaker->heard_us + ES_CHAT_CAPTION_US;
        if (now_us >= until) {
            clear(speaker);
            continue;
        }
        if (until < *wake_us) *wake_us = until;
        count++;
        if (!latest || speaker->heard_us >= latest->heard_us) latest = speaker;
    }
    *others = count ? count - 1 : 0;
    return latest;
}
