/* Files that hold a secret of the edges: made once, whole, readable by their owner alone. */
#ifndef ES_SECRET_FILE_H
#define ES_SECRET_FILE_H

#include <stddef.h>

/* Makes `file` with these bytes unless it is there already; several edges may do so at once, and the first one's bytes stand. 0, or -1 with errno. */
int es_secret_file_make(const char *file, const void *bytes, size_t len);

#endif
