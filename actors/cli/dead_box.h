/* DATA/dead as it is read: the names of letters, and one letter whole. */
#ifndef ES_DEAD_BOX_H
#define ES_DEAD_BOX_H

#include "dead_letter.h"

enum { ES_DEAD_BOX_PATH = 1100 };

typedef struct {
    char **ids; /* names without their end, oldest first */
    size_t count;
} es_dead_ids_t;

/* A letter and the file that its parts point into. */
typedef struct {
    es_dead_letter_t letter;
    char *bytes;
    size_t len;
} es_dead_file_t;

/* 0; a directory that is not there is empty. -1 with a sentence in err. */
int es_dead_box_list(es_dead_ids_t *out, const char *data, char *err, size_t err_len);
void es_dead_box_fini(es_dead_ids_t *ids);
/* Where a letter lies. 0, or -1 with a sentence in err where no letter can have this id. */
int es_dead_box_path(char out[ES_DEAD_BOX_PATH], const char *data, const char *id, char *err, size_t err_len);
/* 0, or -1 with a sentence in err. */
int es_dead_box_read(es_dead_file_t *out, const char *data, const char *id, char *err, size_t err_len);
void es_dead_file_fini(es_dead_file_t *file);

#endif
