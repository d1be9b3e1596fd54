#include "house_url.h"

#include <string.h>

#include "net.h"
#include "up_plan.h"

#define NO_HOUSE "ws://127.0.0.1:8000/ws"
enum { URL_MAX = 300 };

/* Of edge number 1, 2, ... as `up` names their files. 0, or -1 where that one is not there. */
static int edge_url(const char *data, unsigned number, char url[URL_MAX])
{
    char file[700], name[32] = "edge";
    es_net_address_t at;
    if (number > 1) snprintf(name, sizeof name, "edge-%u", number);
    snprintf(file, sizeof file, "%s/run/%s.addr", data, name);
    if (es_net_read_addr(file, &at) == -1) return -1;
    es_net_url(url, URL_MAX, &at, "ws", "/ws");
    return 0;
}

char *es_house_urls(es_common_config_t *common, const char *program)
{
    char urls[ES_UP_EDGES_MAX * (URL_MAX + 1)] = "", url[URL_MAX];
    if (es_common_config_settle(common, program) == -1) return NULL;
    for (unsigned i = 1; i <= ES_UP_EDGES_MAX; i++) {
        size_t len = strlen(urls);
        bool fresh = edge_url(common->data, i, url) == 0 && !strstr(urls, url); /* edges may share one */
        if (fresh) snprintf(urls + len, sizeof urls - len, "%s%s", len ? "," : "", url);
    }
    return strdup(*urls ? urls : NO_HOUSE);
}
