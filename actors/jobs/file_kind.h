/* What a file is, by how it begins: to tell people why it was not taken. Pure. */
#ifndef ES_FILE_KIND_H
#define ES_FILE_KIND_H

#include <stdbool.h>
#include <stddef.h>

#define ES_FILE_KIND_HEAD 64u /* bytes that are enough */

/* "an MP4 file (AAC, m4a or video)"; NULL: nobody knows. Static. *sound: there may be sound in it, which a program can take out. */
const char *es_file_kind(const void *head, size_t len, bool *sound);

#endif
