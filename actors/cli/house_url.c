#include "house_url.h"

#include <string.h>

#include "net.h"

char *es_house_url(es_common_config_t *common, const char *program)
{
    char host[256], file[700], url[400];
    uint16_t port;
    if (es_common_config_settle(common, program) == -1) return NULL;
    snprintf(file, sizeof file, "%s/run/edge.addr", common->data);
    if (es_net_read_addr(file, host, sizeof host, &port) == -1) return strdup("ws://127.0.0.1:8000/ws");
    snprintf(url, sizeof url, strchr(host, ':') ? "ws://[%s]:%u/ws" : "ws://%s:%u/ws", host, port);
    return strdup(url);
}
