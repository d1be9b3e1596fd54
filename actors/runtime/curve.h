/* Who this process is on tcp: its key (keys.h), the keys of its brokers, and whether it may go without. Every socket that binds or connects to a broker's endpoint
 * does it through here: tcp carries CURVE where there are keys; ipc and inproc, which file permissions guard, stay as they are.
 *
 *     key         --key FILE, or KEYS/NAME.key, or KEYS/ROLE.key, whichever is there first
 *     broker-key  --broker-key FILE[,FILE], or KEYS/broker.pub
 *
 * Beyond this machine (an address that is not of the loopback) nothing goes without keys, unless --insecure insists. libzmq copies a socket's options at each bind and connect,
 * so that one socket may serve ipc without and tcp with CURVE.
 *
 * A process has one identity, set up once before its threads; from then on any thread may ask.
 */
#ifndef ES_CURVE_H
#define ES_CURVE_H

#include "config.h"
#include "keys.h"

/* Reads the keys that common->broker asks for, and `also`, a further base that a broker serves (NULL: none); nothing is read where no tcp is spoken. 0, or -1 with a
 * sentence on stderr: a key that cannot be used, that is not of this role, or that is not there and must be. Operators may do with an observer's key.
 * A second call begins anew. */
int es_curve_init(const es_common_config_t *common, es_role_t role, const char *also);
/* In a process that was forked and speaks to no broker: our key is wiped. */
void es_curve_forget(void);
/* A key is in use: tcp is served and spoken with CURVE. */
bool es_curve_on(void);

/* zmq_connect and zmq_bind of a raw socket. -1 with errno; EACCES: refused for want of keys, which is logged. `domain`: what the ZAP handler calls the socket. It
 * cannot be taken back: of one socket the endpoints without CURVE are bound first. */
int es_curve_connect(void *socket, const char *endpoint);
int es_curve_bind(void *socket, const char *endpoint, const char *domain);

#endif
