#include "descriptors.h"

#include <limits.h>
#include <sys/resource.h>

#include "log.h"

enum { PLAIN = 1, WITH_TLS = 3 }; /* its socket, and a pair between TLS and what is behind it */

static uint64_t for_connections(uint64_t limit, uint64_t reserve)
{
    return limit - (reserve < limit / 2 ? reserve : limit / 2);
}

bool es_descriptors_fit(uint64_t limit, uint64_t reserve, uint64_t each, uint64_t *clients, uint64_t *http)
{
    uint64_t room = for_connections(limit, reserve) / each, half = room / 2 ? room / 2 : 1;
    uint64_t *less = *clients < *http ? clients : http, *more = less == http ? clients : http;
    if (*clients + *http <= room) return true;
    if (*less > half) *less = half;
    *more = room > *less ? room - *less : 1;
    return false;
}

static uint64_t limit_now(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > INT_MAX ? INT_MAX : limit.rlim_cur;
}

void es_descriptors_share(es_edge_config_t *config)
{
    uint64_t each = config->tls_cert && *config->tls_cert ? WITH_TLS : PLAIN, limit = limit_now();
    if (es_descriptors_fit(limit, config->file_reserve, each, &config->max_clients, &config->max_http)) return;
    es_log_warn(
        "fewer connections than --max-clients and --max-http allow: there are not enough file descriptors; raise "
        "`ulimit -n` (LimitNOFILE= of a service)",
        ES_U("descriptors", limit), ES_U("each", each), ES_U("max_clients", config->max_clients),
        ES_U("max_http", config->max_http));
}

int es_descriptors_reserved_from(const es_edge_config_t *config)
{
    return (int)for_connections(limit_now(), config->file_reserve);
}
