#include "table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { CELL = 80 };

struct es_table {
    char align[ES_TABLE_COLUMNS_MAX + 1];
    size_t columns, count, room;
    int width[ES_TABLE_COLUMNS_MAX];
    char (*cells)[CELL];
};

es_table_t *es_table_new(const char *align)
{
    es_table_t *self = es_alloc_zero(sizeof *self);
    self->columns = strlen(align);
    assert(self->columns > 0 && self->columns <= ES_TABLE_COLUMNS_MAX);
    memcpy(self->align, align, self->columns);
    return self;
}

void es_table_destroy(es_table_t **self_p)
{
    if (!*self_p) return;
    free((*self_p)->cells);
    free(*self_p);
    *self_p = NULL;
}

static void make_room(es_table_t *self)
{
    if (self->count < self->room) return;
    size_t room = self->room ? self->room * 2 : 64;
    char(*bigger)[CELL] = es_alloc(room * sizeof *bigger);
    if (self->count) memcpy(bigger, self->cells, self->count * sizeof *bigger);
    free(self->cells);
    self->cells = bigger;
    self->room = room;
}

void es_table_cell(es_table_t *self, const char *format, ...)
{
    make_room(self);
    char *cell = self->cells[self->count];
    va_list args;
    va_start(args, format);
    vsnprintf(cell, CELL, format, args);
    va_end(args);
    for (char *c = cell; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?'; /* names come from other processes */
    int len = (int)strlen(cell), *width = &self->width[self->count++ % self->columns];
    if (len > *width) *width = len;
}

static void print_row(const es_table_t *self, FILE *out, size_t first)
{
    for (size_t c = 0; c < self->columns; c++) {
        const char *cell = self->cells[first + c];
        bool last = c + 1 == self->columns;
        if (self->align[c] == 'r')
            fprintf(out, "%*s", self->width[c], cell);
        else if (last)
            fputs(cell, out);
        else
            fprintf(out, "%-*s", self->width[c], cell);
        fputs(last ? "\n" : "  ", out);
    }
}

void es_table_print(const es_table_t *self, FILE *out)
{
    assert(self->count % self->columns == 0);
    for (size_t i = 0; i < self->count; i += self->columns) print_row(self, out, i);
}
