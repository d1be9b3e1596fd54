/* The operator's token, as an edge leaves it in its data directory, or another in a file of its own. */
#ifndef ES_OPERATOR_TOKEN_H
#define ES_OPERATOR_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#define ES_OPERATOR_TOKEN_MAX 8192u /* a server takes no longer ones */

/* DATA/operator.token */
void es_operator_token_file(char *out, size_t cap, const char *data);
/* It goes into a header and an address: printable, without blanks, neither empty nor too long. */
bool es_operator_token_fits(const char *token);
/* Its first line, which must be printable and without blanks. 0, or -1 with a sentence in err. */
int es_operator_token_read(char out[ES_OPERATOR_TOKEN_MAX + 1], const char *file, char *err, size_t err_len);

#endif
