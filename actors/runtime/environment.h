/* The environment of processes that are given foreign bytes: settings, some of which are secrets, are none of their business. What stays is PATH, where
 * libraries are (LD_LIBRARY_PATH) and the language (LANG, LC_*), in sanitized builds the sanitizers' options too. */
#ifndef ES_ENVIRONMENT_H
#define ES_ENVIRONMENT_H

#define ES_ENVIRONMENT_BARE_MAX 32 /* entries, the NULL at the end among them */

/* What stays, for exec: pointers into ours. */
void es_environment_bare(char *out[ES_ENVIRONMENT_BARE_MAX]);
/* Leaves this process nothing else; the rest is overwritten where it is, as far as it came with exec or setenv. Without other threads only, and once nobody holds
 * what getenv gave. */
void es_environment_strip(void);

#endif
