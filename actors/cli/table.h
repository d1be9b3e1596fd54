/* A table of texts, aligned. */
#ifndef ES_TABLE_H
#define ES_TABLE_H

#include <stdio.h>

#define ES_TABLE_COLUMNS_MAX 10u

typedef struct es_table es_table_t;

/* align: for each column r (right, for numbers) or l. */
es_table_t *es_table_new(const char *align);
void es_table_destroy(es_table_t **self_p);
/* Adds a cell, made as by printf; a row is full after as many cells as align has. */
void es_table_cell(es_table_t *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
void es_table_print(const es_table_t *self, FILE *out);

#endif
