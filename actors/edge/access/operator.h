/* The operator's token: who has it sees all jobs and the house. Whoever can read its file has it; it is in no log, and answers name the file, never the token. */
#ifndef ES_OPERATOR_H
#define ES_OPERATOR_H

#include <stdbool.h>

#include "envelope.h"

#define ES_OPERATOR_MIN 16u /* characters of a token */
#define ES_OPERATOR_MAX 128u

typedef struct {
    char token[ES_OPERATOR_MAX + 1];
    char file[1100]; /* where it lies */
} es_operator_t;

/* Reads the token from `file`, a line of letters, digits and any of -._~+/=; where there is none, draws one and makes the file. A file that others
 * than owner and group may read is refused. 0, or -1 with a sentence in err. */
int es_operator_load(es_operator_t *self, const char *file, char *err, size_t err_len);
/* Is this the token? Takes the same time however much of it is right. */
bool es_operator_is(const es_operator_t *self, es_span_t token);

#endif
