/* File descriptors are shared out before anybody comes: clients get what is left when the edge has its own, so that a crowd is refused one by one and the streams that
 * run have theirs. */
#ifndef ES_DESCRIPTORS_H
#define ES_DESCRIPTORS_H

#include "edge_actor.h"

/* limit: descriptors of the process, of which `reserve` stay away from connections, but never more than half; each: what a connection takes. Where both numbers
 * of connections do not fit, the larger is lowered, or both to half. False then. Pure. */
bool es_descriptors_fit(uint64_t limit, uint64_t reserve, uint64_t each, uint64_t *clients, uint64_t *http);
/* The same for an edge, by RLIMIT_NOFILE: --max-clients and --max-http become what they can be; lowered ones are logged. */
void es_descriptors_share(es_edge_config_t *config);
/* The first descriptor that is for no connection. */
int es_descriptors_reserved_from(const es_edge_config_t *config);

#endif
