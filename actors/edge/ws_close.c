#include "ws_close.h"

#include <assert.h>
#include <stddef.h>

#define WHY(why_, code_, label_, reason_)                                            \
    [why_] = {.close = {.code = (code_), .reason = (reason_)},                       \
              .metric = {.name = "earshot_edge_closed_total{reason=\"" label_ "\"}", \
                         .help = "WebSockets that the edge ended, by reason",        \
                         .type = ES_COUNTER}}

static struct {
    es_ws_close_t close;
    es_metric_t metric;
} whys[ES_WS_WHYS] = {
    WHY(ES_WS_AWAY, 1001, "away", "the server is going down"),
    WHY(ES_WS_VIOLATION, 1002, "violation", "this is not WebSocket"),
    WHY(ES_WS_NOT_UTF8, 1007, "not_utf8", "the text is not UTF-8"),
    WHY(ES_WS_FLOOD, 1008, "flood", "you send more than is allowed; see --message-rate and --byte-rate"),
    WHY(ES_WS_REFUSED, 1008, "refused", "these credentials are refused"),
    WHY(ES_WS_UNKNOWN, 1008, "unknown", "no token has come in time"),
    WHY(ES_WS_EXPIRED, 1008, "expired", "the token has expired"),
    WHY(ES_WS_RIGHTS, 1008, "rights", "your token gives less than before"),
    WHY(ES_WS_MESSAGE_TOO_LARGE, 1009, "message_too_large", "the message is too large"),
    WHY(ES_WS_TEXT_TOO_LARGE, 1009, "text_too_large", "the text is too large"),
    WHY(ES_WS_TOO_MANY_FRAGMENTS, 1009, "too_many_fragments", "the message has too many fragments"),
    WHY(ES_WS_SLOW, 1013, "slow", "you read too slowly"),
    WHY(ES_WS_SILENT, 0, "silent", "it answers no ping"),
    WHY(ES_WS_GONE, 0, "gone", "it left while it was not read"),
    WHY(ES_WS_CLOSE_UNANSWERED, 0, "close_unanswered", "it does not answer our Close"),
};

const es_ws_close_t *es_ws_close(es_ws_why_t why)
{
    assert(why > ES_WS_FINE && why < ES_WS_WHYS);
    return &whys[why].close;
}

void es_ws_count_close(es_ws_why_t why)
{
    assert(why > ES_WS_FINE && why < ES_WS_WHYS);
    es_metric_add(&whys[why].metric, 1);
}

es_metric_t *const *es_ws_close_metrics(void)
{
#define METRIC(why) (&whys[why].metric)
    static es_metric_t *const list[ES_WS_WHYS] = {METRIC(ES_WS_AWAY),
                                                  METRIC(ES_WS_VIOLATION),
                                                  METRIC(ES_WS_NOT_UTF8),
                                                  METRIC(ES_WS_FLOOD),
                                                  METRIC(ES_WS_REFUSED),
                                                  METRIC(ES_WS_UNKNOWN),
                                                  METRIC(ES_WS_EXPIRED),
                                                  METRIC(ES_WS_RIGHTS),
                                                  METRIC(ES_WS_MESSAGE_TOO_LARGE),
                                                  METRIC(ES_WS_TEXT_TOO_LARGE),
                                                  METRIC(ES_WS_TOO_MANY_FRAGMENTS),
                                                  METRIC(ES_WS_SLOW),
                                                  METRIC(ES_WS_SILENT),
                                                  METRIC(ES_WS_GONE),
                                                  METRIC(ES_WS_CLOSE_UNANSWERED),
                                                  NULL};
#undef METRIC
    return list;
}
