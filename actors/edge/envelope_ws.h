/* The envelope protocol of /ws: {"type","payload","timestamp"} both ways; binary is a frame of the open stream. */
#ifndef ES_ENVELOPE_WS_H
#define ES_ENVELOPE_WS_H

#include "client.h"

#define ES_MARKS_MAX 64u /* marks that have not come back, a client */

extern const es_dialect_t es_envelope_ws;

#endif
