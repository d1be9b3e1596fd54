/* The flat protocol of /api/audio/ws: a binary chunk in, {"client_id","seq","chunk_size"} at once, {"seq","transcription"}
 * later; the text `stop` flushes. seq counts chunks over the whole connection. */
#ifndef ES_FLAT_H
#define ES_FLAT_H

#include "client.h"

extern const es_dialect_t es_flat;

#endif
