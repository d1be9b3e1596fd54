/* The state of the house, as beacons bring it, for who shows it: msgpack as JSON. A library of its own, so that actors that show nothing need no JSON. */
#ifndef ES_MSGPACK_JSON_H
#define ES_MSGPACK_JSON_H

#include <jansson.h>

/* A msgpack map as JSON; NULL where it is none. What JSON does not have becomes null. To be freed with json_decref. */
json_t *es_msgpack_json(const void *data, size_t len);

#endif
