/* May a page of this origin open a WebSocket here? Browsers send Origin, programs do not. */
#ifndef ES_ORIGIN_H
#define ES_ORIGIN_H

#include <stdbool.h>

/* origin: the header, "" where there is none; host: the Host header; allowed: comma-separated origins, or "*", or NULL.
 * True where there is no origin, where its host and port are those of `host` (whatever the scheme: a proxy may end TLS), or
 * where it is listed. */
bool es_origin_allowed(const char *origin, const char *host, const char *allowed);

#endif
