/* Webhooks: POSTs that tell that a job is over, from the deliveries that the store has due. PROTOCOL.md, section 12.
 *
 *      store: a delivery is due --taken for a while--> POST --> 2xx: forgotten
 *                                                       '--> else: tried again later, ten times over about a day
 *
 * Sixteen at once, four of them to one host (webhook_share.h): those of a host that has its share stay in the store until one of its calls is over, and others go before them.
 */
#ifndef ES_WEBHOOKS_H
#define ES_WEBHOOKS_H

#include "metrics.h"
#include "store_thread.h"
#include "webhook_key.h"

typedef struct es_webhooks es_webhooks_t;

typedef struct {
    es_loop_t *loop;
    es_store_thread_t *store;
    es_webhook_key_t key;
    bool private_too; /* addresses that are not public */
} es_webhooks_config_t;

es_webhooks_t *es_webhooks_new(const es_webhooks_config_t *config);
/* Ends what is under way: it is due again in a minute. Before the store's thread is destroyed; the loop does not run any more. */
void es_webhooks_stop(es_webhooks_t *self);
/* After the store's thread is destroyed. */
void es_webhooks_destroy(es_webhooks_t **self_p);
/* A delivery may be due now. */
void es_webhooks_wake(es_webhooks_t *self, uint64_t now_us);
/* Returns the time of the next call. */
uint64_t es_webhooks_tick(es_webhooks_t *self, uint64_t now_us);
/* How long after the try number `tries` (from 1) comes the next one; 0: there is none. */
uint64_t es_webhooks_pause_ms(uint32_t tries);

/* NULL-terminated list for es_metrics_print. */
es_metric_t *const *es_webhooks_metrics(void);

#endif
