/* Key files of CURVE: who a process is when it speaks tcp. A pair is two files in CZMQ's format for certificates (ZPL), which other tools read too:
 *
 *     NAME.key   both halves; for its owner alone (0600)
 *     NAME.pub   the public half; goes to the broker's KEYS/allowed, or, of the broker, to everybody
 *
 * The metadata `role` and `name` say for what the key is good. What is written below KEYS/allowed is the broker's whole list of who may come.
 *
 * Any thread.
 */
#ifndef ES_KEYS_H
#define ES_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "envelope.h"

typedef enum {
    ES_ROLE_NONE,
    ES_ROLE_BROKER,
    ES_ROLE_EDGE,
    ES_ROLE_TRANSCRIBER,
    ES_ROLE_ROOM,
    ES_ROLE_JOBS,
    ES_ROLE_ANALYSIS,
    ES_ROLE_WORKER,   /* any other service */
    ES_ROLE_OBSERVER, /* hears what is published, says nothing */
    ES_ROLE_OPERATOR, /* the earshot command */
    ES_ROLES
} es_role_t;

/* "transcriber"; of ES_ROLE_NONE "none". Static. */
const char *es_role_name(es_role_t role);
/* ES_ROLE_NONE where there is no such role. */
es_role_t es_role_find(const char *name);
/* The role whose name is most like this one, for "did you mean". */
es_role_t es_role_nearest(const char *name);

#define ES_KEY_TEXT 40u  /* characters of half a pair (Z85) */
#define ES_KEY_BYTES 32u /* of the same as bytes, as CURVE tells it */

typedef struct {
    es_role_t role;
    char name[ES_NAME_MAX + 1];
    char public_key[ES_KEY_TEXT + 1];
    char secret_key[ES_KEY_TEXT + 1]; /* empty: of a .pub */
} es_key_t;

/* All that fails here returns -1 with a sentence in err: what, which file, what to do. */

/* A new pair. The name may hold letters, digits, and after the first also . _ and -. */
int es_key_make(es_key_t *out, es_role_t role, const char *name, char *err, size_t err_len);
/* Writes NAME.key and NAME.pub into dir, which is made where it is not there (0700). Does not write over files that are there unless `force`; each file appears whole
 * or not at all. As root: they belong to whom the directory does, or the one in which it is made. */
int es_key_save(const es_key_t *key, const char *dir, bool force, char *err, size_t err_len);
/* Writes the public half to this path. As es_key_save. */
int es_key_save_public(const es_key_t *key, const char *path, bool force, char *err, size_t err_len);
/* Reads a .key. Refused where others may read it, or change it. */
int es_key_load(es_key_t *out, const char *path, char *err, size_t err_len);
/* Reads a .pub (of a .key, its public half). */
int es_key_load_public(es_key_t *out, const char *path, char *err, size_t err_len);
/* Reads the text of a file: of a .key (secret), or of a .pub. `path` is for the sentence. */
int es_key_parse(es_key_t *out, const char *text, bool secret, const char *path, char *err, size_t err_len);
/* The public half as bytes. */
void es_key_public_bytes(const es_key_t *key, uint8_t out[ES_KEY_BYTES]);
/* Overwrites the secret half. */
void es_key_forget(es_key_t *key);

#define ES_KEYS_MAX 4096u /* files of a directory that are looked at */

typedef struct {
    es_key_t *list;
    size_t count;
} es_keys_t;
/* Reads every *.pub of a directory, by file name. A file that is none is left out and told to `complain` (NULL: to nobody); a directory that others may write to is
 * refused, unless its file system is read-only. A directory that is not there is empty. -1 with EMFILE or ENFILE in errno: no file can be opened now; what was known still stands. */
int es_keys_read(es_keys_t *out, const char *dir, void (*complain)(const char *sentence), char *err, size_t err_len);
void es_keys_fini(es_keys_t *keys);

/* DIR/NAMEsuffix (".key", ".pub"). -1 where it is too long. */
#define ES_KEY_PATH_MAX 768
int es_key_path(char out[ES_KEY_PATH_MAX], const char *dir, const char *name, const char *suffix);

#endif
