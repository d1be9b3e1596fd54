/* Texts as the store keeps and seeks them. */
#ifndef ES_STORE_TEXT_H
#define ES_STORE_TEXT_H

#include "envelope.h"

/* A copy (free it) in well-formed UTF-8 without NUL: what is neither is U+FFFD. *len is its length. NULL where the text is fine as it is. */
char *es_job_text_repaired(es_span_t text, size_t *len);
/* The same in small letters, of any script, so that case makes no difference. Free it. NULL counts as empty. */
char *es_job_text_folded(const char *text);
/* A pattern for LIKE that finds a part of a folded text, whatever case. Free it. */
char *es_job_text_pattern(const char *part);

#endif
