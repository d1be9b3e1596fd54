/* DATA/run/brokers: the brokers that the actors of `earshot up` use, so that the other commands find all of them. */
#ifndef ES_HOUSE_BROKERS_H
#define ES_HOUSE_BROKERS_H

#include "config.h"

/* Writes the list. A failure is logged: the commands then find the broker in DATA only. */
void es_house_brokers_note(const char *data, const char *brokers);
void es_house_brokers_forget(const char *data);
/* es_common_config_settle, but where no broker was named those of the `up` in DATA are. */
int es_house_brokers_name(es_common_config_t *common, const char *program);
/* The same; then takes up our key, as an operator. */
int es_house_brokers_settle(es_common_config_t *common, const char *program);
/* What else may be the reason that none of these is heard: the rest of a sentence, or "". Static. */
const char *es_house_brokers_hint(const char *brokers);

#endif
