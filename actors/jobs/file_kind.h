/* What a file is, by how it begins: to tell people why it was not taken. Pure. */
#ifndef ES_FILE_KIND_H
#define ES_FILE_KIND_H

#include <stddef.h>

#define ES_FILE_KIND_HEAD 64u /* bytes that are enough */

/* "an MP4 file (AAC, m4a)"; NULL: nobody knows. Static. */
const char *es_file_kind(const void *head, size_t len);

#endif
