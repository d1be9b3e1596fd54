#include "rights.h"

#include <stddef.h>

#define MISSING(right_, called)                                                       \
    {                                                                                 \
        .right = (right_), .metric = {                                                \
            .name = "earshot_edge_forbidden_total{right=\"" called "\"}",             \
            .help = "what was refused because a token does not give the right to it", \
            .type = ES_COUNTER                                                        \
        }                                                                             \
    }

static struct {
    es_right_t right;
    es_metric_t metric;
} missing[] = {MISSING(ES_RIGHT_STREAM, "stream"),       MISSING(ES_RIGHT_ROOM_JOIN, "room.join"),
               MISSING(ES_RIGHT_ROOM_SAY, "room.say"),   MISSING(ES_RIGHT_JOBS, "jobs"),
               MISSING(ES_RIGHT_DASHBOARD, "dashboard"), MISSING(ES_RIGHT_ADMIN, "admin")};

void es_right_missing(es_right_t right)
{
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (missing[i].right == right) es_metric_add(&missing[i].metric, 1);
}

es_metric_t *const *es_rights_metrics(void)
{
    static es_metric_t *const list[] = {&missing[0].metric,
                                        &missing[1].metric,
                                        &missing[2].metric,
                                        &missing[3].metric,
                                        &missing[4].metric,
                                        &missing[5].metric,
                                        NULL};
    return list;
}
