/* The operator's token, as an edge leaves it in its data directory. */
#ifndef ES_OPERATOR_TOKEN_H
#define ES_OPERATOR_TOKEN_H

#include <stddef.h>

#define ES_OPERATOR_TOKEN_MAX 256u

/* DATA/operator.token */
void es_operator_token_file(char *out, size_t cap, const char *data);
/* Its first line, which must be printable and without blanks. 0, or -1 with a sentence in err. */
int es_operator_token_read(char out[ES_OPERATOR_TOKEN_MAX + 1], const char *file, char *err, size_t err_len);

#endif
