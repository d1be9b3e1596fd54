#include "log_mux.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log_writer.h"

enum { SOURCES_MAX = 80, NAME = 32, END_MS = 1000 };

typedef struct {
    char name[NAME];
    char *line; /* ES_LOG_MUX_LINE */
    size_t len;
} source_t;

struct es_log_mux {
    es_log_writer_t *writer;
    bool prefixed, colour;
    size_t count;
    int width;
    source_t sources[SOURCES_MAX];
};

static const int palette[] = {36, 33, 32, 35, 34, 96, 93, 92, 95, 94};

es_log_mux_t *es_log_mux_new(int fd, bool prefixed, bool colour)
{
    es_log_mux_t *self = es_alloc_zero(sizeof *self);
    self->writer = es_log_writer_new(fd);
    self->prefixed = prefixed;
    self->colour = colour;
    return self;
}

void es_log_mux_destroy(es_log_mux_t **self_p)
{
    es_log_mux_t *self = *self_p;
    if (!self) return;
    for (size_t i = 0; i < self->count; i++) {
        es_log_mux_flush(self, i);
        free(self->sources[i].line);
    }
    es_log_writer_destroy(&self->writer, END_MS);
    free(self);
    *self_p = NULL;
}

size_t es_log_mux_add(es_log_mux_t *self, const char *name)
{
    assert(self->count < SOURCES_MAX);
    source_t *source = &self->sources[self->count];
    int len = snprintf(source->name, sizeof source->name, "%s", name);
    source->line = es_alloc(ES_LOG_MUX_LINE);
    if (len > self->width) self->width = len < NAME ? len : NAME - 1;
    return self->count++;
}

static void put_line(es_log_mux_t *self, size_t index)
{
    char out[ES_LOG_MUX_LINE + 128];
    source_t *source = &self->sources[index];
    int n = 0;
    if (self->prefixed && self->colour)
        n = snprintf(out, 128, "\033[%dm%-*s |\033[0m ", palette[index % (sizeof palette / sizeof palette[0])],
                     self->width, source->name);
    else if (self->prefixed)
        n = snprintf(out, 128, "%-*s | ", self->width, source->name);
    memcpy(out + n, source->line, source->len);
    out[(size_t)n + source->len] = '\n';
    es_log_writer_put(self->writer, out, (size_t)n + source->len + 1);
    source->len = 0;
}

void es_log_mux_feed(es_log_mux_t *self, size_t index, const char *data, size_t len)
{
    assert(index < self->count);
    source_t *source = &self->sources[index];
    while (len > 0) {
        const char *end = memchr(data, '\n', len);
        size_t part = end ? (size_t)(end - data) : len, room = ES_LOG_MUX_LINE - source->len;
        size_t taken = part < room ? part : room;
        memcpy(source->line + source->len, data, taken);
        source->len += taken;
        bool whole = end && taken == part;
        if (whole || source->len == ES_LOG_MUX_LINE) put_line(self, index);
        taken += whole;
        data += taken;
        len -= taken;
    }
}

void es_log_mux_flush(es_log_mux_t *self, size_t index)
{
    assert(index < self->count);
    if (self->sources[index].len > 0) put_line(self, index);
}
