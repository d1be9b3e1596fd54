/* Files that hold secrets or keys: made once, whole, readable by their owner alone; read whole, with an eye on who else may read and write them. */
#ifndef ES_SECRET_FILE_H
#define ES_SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Makes `file` with these bytes unless it is there already; several processes may do so at once, and the first one's bytes stand. 0, or -1 with errno. */
int es_secret_file_make(const char *file, const void *bytes, size_t len);

typedef struct {
    char *bytes; /* a NUL follows them */
    size_t len;
    bool readable; /* by others than owner and group */
    bool writable; /* by others than the owner */
    char name[1100];
} es_secret_file_t;

/* Reads a regular file of at most max bytes. 0, or -1 with a sentence in err. */
int es_secret_file_load(es_secret_file_t *self, const char *file, size_t max, char *err, size_t err_len);
/* Nobody but owner and group reads it, nobody but the owner writes it: 0, or -1 with a sentence in err. `what` it holds: "API keys". */
int es_secret_file_kept(const es_secret_file_t *self, const char *what, char *err, size_t err_len);
/* The bytes are wiped before they are freed. */
void es_secret_file_fini(es_secret_file_t *self);

#endif
