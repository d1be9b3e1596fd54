/* Where the other binaries are. */
#ifndef ES_BINARIES_H
#define ES_BINARIES_H

#include <stddef.h>

#define ES_BINARY_PATH_MAX 1024

/* Finds an executable beside this one, then in ../libexec/earshot, then in PATH. 0, or -1 with a sentence in err. */
int es_binary_find(const char *name, char *out, size_t out_len, char *err, size_t err_len);

#endif
