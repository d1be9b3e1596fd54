/* The token that a command shows to the server that it reaches. From a file or the environment: flags are seen by all. */
#ifndef ES_BEARER_H
#define ES_BEARER_H

#include "addresses.h"
#include "config.h"
#include "operator_token.h"

typedef struct {
    char *file, *given;                    /* options */
    char token[ES_OPERATOR_TOKEN_MAX + 1]; /* read; "" where none was named */
} es_bearer_t;

/* T: a config with a member `bearer`. */
#define ES_BEARER_TOKEN(T)                                         \
    ES_OPT_SECRET(T, bearer.given, "token", ES_OPERATOR_TOKEN_MAX, \
                  "a token; in the environment or --token-file, for flags are seen by all")
#define ES_BEARER_OPTIONS(T)                                                                                         \
    ES_OPT_STR(T, bearer.file, "token-file", NULL, NULL, 1024, "file with a token, for a server that asks for one"), \
        ES_BEARER_TOKEN(T)

/* Reads the token that was named. 0, or -1 with a sentence in err. */
int es_bearer_read(es_bearer_t *self, char *err, size_t err_len);
/* Says on standard error where it would go over a network as it is. */
void es_bearer_warn(const es_bearer_t *self, const char *program, const es_addresses_t *addresses);

#endif
