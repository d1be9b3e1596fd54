/* Who may do what over tcp: roles, sockets, kinds of messages. Tables and nothing else.
 *
 * A peer of ipc or inproc has no key and is trusted: file permissions let it in.
 */
#ifndef ES_RIGHTS_H
#define ES_RIGHTS_H

#include "envelope.h"
#include "keys.h"

typedef enum { ES_AT_FRONTEND, ES_AT_BACKEND, ES_AT_RESULTS, ES_AT_PUBLISH, ES_SOCKETS } es_socket_t;

/* "frontend"; also the ZAP domain. Static. */
const char *es_socket_name(es_socket_t socket);
/* ES_SOCKETS where there is no such socket. */
es_socket_t es_socket_find(es_span_t name);

/* May this role connect to the socket? */
bool es_rights_connect(es_role_t role, es_socket_t socket);
/* May it say a message of this kind there? Of a BUNDLE, ask for each message in it. */
bool es_rights_say(es_role_t role, es_socket_t socket, uint32_t kind);
/* May it serve this, as HELLO says? A worker may serve whatever has no role of its own. */
bool es_rights_serve(es_role_t role, es_span_t service);

#endif
