/* A new API key, and the line by which an edge knows it: `name sha256 rights [rooms=...]`. */
#ifndef ES_API_KEY_LINE_H
#define ES_API_KEY_LINE_H

#include <stddef.h>

#define ES_API_KEY_PREFIX "earshot_" /* so that scanners for lost secrets know it */
#define ES_API_KEY_LEN 51u           /* the prefix and 32 random bytes in base64url */
#define ES_API_KEY_LINE_MAX 8192u

typedef struct {
    char key[ES_API_KEY_LEN + 1];
    char line[ES_API_KEY_LINE_MAX]; /* without a line end */
} es_api_key_t;

/* Draws one. rights and rooms: as the line has them; rooms may be NULL. 0, or -1 with a sentence in err. */
int es_api_key_make(es_api_key_t *self, const char *name, const char *rights, const char *rooms, char *err,
                    size_t err_len);
/* Appends the line to a file that is made where there is none, for its owner alone. -1 with a sentence in err where it has the name already, or others may
 * read it. */
int es_api_key_append(const es_api_key_t *self, const char *name, const char *file, char *err, size_t err_len);

#endif
