#include "http_refused.h"

#include <assert.h>
#include <pthread.h>

enum { NAME_BYTES = 96 };

static es_metric_t counts[ES_HTTP_REFUSALS];
static es_metric_t *list[ES_HTTP_REFUSALS + 1];

void es_http_count_refusal(es_http_why_t why)
{
    assert(why < ES_HTTP_REFUSALS);
    es_metric_add(&counts[why], 1);
}

static void name_all(void)
{
    static char names[ES_HTTP_REFUSALS][NAME_BYTES];
    for (unsigned why = 0; why < ES_HTTP_REFUSALS; why++) {
        snprintf(names[why], NAME_BYTES, "earshot_edge_http_refused_total{reason=\"%s\"}", es_http_refusal(why)->code);
        counts[why].name = names[why];
        counts[why].help = "requests that the HTTP front refused or gave up, by reason";
        list[why] = &counts[why];
    }
}

es_metric_t *const *es_http_refusal_metrics(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, name_all);
    return list;
}
