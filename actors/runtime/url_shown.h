/* Addresses that may hold a password, for logs and messages. */
#ifndef ES_URL_SHOWN_H
#define ES_URL_SHOWN_H

#include <stdbool.h>
#include <stddef.h>

/* What follows `user:` up to `@`, and the value of every `password=`, become stars. Cut to cap. */
void es_url_shown(const char *url, char *out, size_t cap);

/* Is there anything to hide in it? */
bool es_url_has_password(const char *url);

#endif
