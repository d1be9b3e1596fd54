/* Says what it was given: the way through all processes without the cost of listening. */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "engines.h"

enum { TEXT_MAX = 160 };

typedef struct {
    size_t len;
    char text[TEXT_MAX];
} mock_t;

static void append(mock_t *self, const char *text, size_t len)
{
    if (len > TEXT_MAX - self->len) len = TEXT_MAX - self->len;
    memcpy(self->text + self->len, text, len);
    self->len += len;
}

/* Twice for every frame of every client: printf would be a third of this engine's cost. */
static void append_number(mock_t *self, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    append(self, digits + at, sizeof digits - at);
}

static void *mock_attach(void *model)
{
    (void)model;
    return es_alloc_zero(sizeof(mock_t));
}

#define LITERAL(text) text, sizeof(text) - 1

static es_engine_status_t mock_begin(void *state, const es_segment_t *segment)
{
    mock_t *self = state;
    self->len = 0;
    append(self, LITERAL("mock transcription for client "));
    append(self, segment->client_id, strlen(segment->client_id));
    append(self, LITERAL(" msg#"));
    append_number(self, segment->seq);
    append(self, LITERAL(" (binary "));
    append_number(self, segment->bytes);
    append(self, LITERAL(" bytes)"));
    return ES_ENGINE_OK;
}

static es_engine_status_t mock_feed(void *state, const int16_t *pcm, size_t samples)
{
    (void)state;
    (void)pcm;
    (void)samples;
    return ES_ENGINE_OK;
}

static es_engine_status_t mock_end(void *state, es_engine_result_t *out)
{
    const mock_t *self = state;
    *out = (es_engine_result_t){.text = {self->text, self->len}, .confidence = 1000};
    return ES_ENGINE_OK;
}

static void mock_cancel(void *state)
{
    (void)state;
}

const es_engine_t es_engine_mock = {
    .name = "mock",
    .capabilities = ES_ENGINE_RAW_FRAMES,
    .capacity = 10000,
    .attach = mock_attach,
    .begin = mock_begin,
    .feed = mock_feed,
    .end = mock_end,
    .cancel = mock_cancel,
    .free = free,
};
