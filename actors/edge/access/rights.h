/* What was refused because a right was missing, counted by right. */
#ifndef ES_RIGHTS_H
#define ES_RIGHTS_H

#include "principal.h"

/* right: one of them. */
void es_right_missing(es_right_t right);
/* earshot_edge_forbidden_total{right="room.say"} */
es_metric_t *const *es_rights_metrics(void);

#endif
