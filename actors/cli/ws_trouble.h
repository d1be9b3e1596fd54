/* Why there is no connection, in words for people. */
#ifndef ES_WS_TROUBLE_H
#define ES_WS_TROUBLE_H

#include "ws_client.h"

/* It could not be made; why: what es_ws_client_ops_t.failed was told. Dials the address once more, for at most 300 ms, to know. True where something listens there that is no
 * server of ours. */
bool es_ws_trouble_failed(const es_ws_url_t *url, const char *why, char *out, size_t out_len);
/* It is over: what es_ws_client_ops_t.closed was told. */
void es_ws_trouble_closed(unsigned code, const char *reason, char *out, size_t out_len);

#endif
