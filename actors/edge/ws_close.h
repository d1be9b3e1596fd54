/* Why the edge ends a WebSocket: each reason with its code of RFC 6455, its sentence and a counter. */
#ifndef ES_WS_CLOSE_H
#define ES_WS_CLOSE_H

#include "metrics.h"

typedef enum {
    ES_WS_FINE, /* no reason */
    ES_WS_AWAY,
    ES_WS_VIOLATION, /* libwebsockets found it, and says what by itself */
    ES_WS_NOT_UTF8,
    ES_WS_FLOOD,
    ES_WS_REFUSED, /* wrong credentials */
    ES_WS_UNKNOWN, /* no credentials in time */
    ES_WS_EXPIRED,
    ES_WS_RIGHTS, /* others than it needs for what it does */
    ES_WS_MESSAGE_TOO_LARGE,
    ES_WS_TEXT_TOO_LARGE,
    ES_WS_TOO_MANY_FRAGMENTS,
    ES_WS_SLOW,
    ES_WS_SILENT,           /* cut: it answers no PING */
    ES_WS_GONE,             /* cut: it left while it was not read */
    ES_WS_CLOSE_UNANSWERED, /* cut: it does not answer our Close */
    ES_WS_WHYS
} es_ws_why_t;

typedef struct {
    unsigned code; /* 0: nothing is said */
    const char *reason;
} es_ws_close_t;

const es_ws_close_t *es_ws_close(es_ws_why_t why);
/* earshot_edge_closed_total{reason} */
void es_ws_count_close(es_ws_why_t why);
es_metric_t *const *es_ws_close_metrics(void);

#endif
