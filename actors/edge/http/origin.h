/* May a page of this origin connect here, or change something? Browsers send Origin, programs do not. */
#ifndef ES_ORIGIN_H
#define ES_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

/* origin: the header, "" where there is none; host: the Host header; tls: we speak TLS ourselves; allowed: as in --allow-origin, or NULL.
 * True where there is no origin, where its host and port are those of `host` (over TLS of ours only with https; else whatever the scheme, for a proxy may
 * end TLS), or where it is listed. Compared as they stand, but for case and the scheme's own port: a name with a dot at its end is another. */
bool es_origin_allowed(const char *origin, const char *host, bool tls, const char *allowed);
/* May this Host, "" where there is none, be a name of somebody else's who has pointed it at us (DNS rebinding)? Then a page under it is at home here, and browsers send no Origin when it
 * reads. Every name of the DNS is, but those of the hosts in the list, whatever scheme and port they have there; with "*" none is. An address, "localhost" and a name without a dot are nobody
 * else's. */
bool es_origin_rebound(const char *host, const char *allowed);
/* Can each origin of this list be that of a page? 0, or -1 with a sentence in err. */
int es_origin_check(const char *allowed, char *err, size_t err_len);

#endif
