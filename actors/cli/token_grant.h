/* What a token or key that is being made shall give: --rights and --rooms, checked before anybody relies on them. Pure. */
#ifndef ES_TOKEN_GRANT_H
#define ES_TOKEN_GRANT_H

#include <jansson.h>
#include <stddef.h>

/* Are these rights, with commas, and at least one? 0, or -1 with a sentence in err. */
int es_token_check_rights(const char *rights, char *err, size_t err_len);
/* Are these rooms or patterns, with commas? NULL: none are named, all are meant. Likewise. */
int es_token_check_rooms(const char *rooms, char *err, size_t err_len);
/* The items as a JSON array; NULL for NULL. */
json_t *es_token_list(const char *items);

#endif
