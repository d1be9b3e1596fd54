#include "stream_letter.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

typedef struct {
    char *bytes;
    size_t len, cap;
} audio_t;

static void gather(void *ctx, const void *body, size_t len)
{
    audio_t *audio = ctx;
    if (len == 0 || audio->len + len > audio->cap) return;
    memcpy(audio->bytes + audio->len, body, len);
    audio->len += len;
}

es_dead_letters_t *es_stream_letters(const es_edge_config_t *config)
{
    const es_dead_letters_config_t dead = {.data = config->common.data,
                                           .actor = config->common.name,
                                           .max = config->dead_max,
                                           .max_bytes = config->dead_bytes};
    return es_dead_letters_new(&dead);
}

void es_stream_letter(es_dead_letters_t *dead, const char *client, const es_sender_t *sender, es_span_t reason)
{
    es_sender_stats_t stats;
    es_sender_stats(sender, &stats);
    if (!dead || stats.retained_bytes == 0 || stats.retained_bytes > ES_DEAD_MAX) return;
    audio_t audio = {.bytes = es_alloc(stats.retained_bytes), .cap = stats.retained_bytes};
    es_sender_each(sender, gather, &audio);
    es_dead_letter_t letter = {.kind = ES_DEAD_AUDIO, .count = 1, .parts = {es_span_of(audio.bytes, audio.len)}};
    es_dead_letter_text(letter.from, es_span(client));
    es_dead_letter_text(letter.reason, reason);
    es_dead_letters_put(dead, &letter);
    free(audio.bytes);
}
