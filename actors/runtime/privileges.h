/* What a process gives up: core files, new privileges, and with --user all that root has but the right to listen on a port below 1024, which is needed for as
 * long as endpoints are bound anew. */
#ifndef ES_PRIVILEGES_H
#define ES_PRIVILEGES_H

#include "config.h"

/* First thing in main: no new privileges, and neither core files nor a look from outside into memory that holds keys and speech. Children inherit it. */
void es_privileges_harden(void);
/* Once the configuration is known, before anything is made and before threads: becomes --user, to whom a --data that was not there is given, and allows core
 * files with --core-dumps. 0, or -1 with a sentence printed. */
int es_privileges_settle(const es_common_config_t *common);

#endif
