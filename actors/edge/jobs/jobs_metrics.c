#include "jobs_metrics.h"

#include <stddef.h>

ES_METRIC_COUNTER(es_edge_asks, "earshot_edge_job_asks_total", "questions put to jobs actors");
ES_METRIC_GAUGE(es_edge_asks_open, "earshot_edge_job_asks_open", "questions to jobs actors under way");
ES_METRIC_COUNTER(es_edge_asks_again, "earshot_edge_job_asks_again_total",
                  "questions that were put again because no answer came");
ES_METRIC_COUNTER(es_edge_asks_unanswered, "earshot_edge_job_asks_unanswered_total",
                  "questions that no jobs actor has answered for 5 s");
ES_METRIC_COUNTER(es_edge_asks_refused, "earshot_edge_job_asks_refused_total",
                  "questions not put because too many were under way");
ES_METRIC_GAUGE(es_edge_job_watches, "earshot_edge_job_watches", "watches of jobs by clients");
ES_METRIC_COUNTER(es_edge_job_watches_refused, "earshot_edge_job_watches_refused_total",
                  "watches refused because there are too many");
ES_METRIC_COUNTER(es_edge_job_events, "earshot_edge_job_events_total", "events of jobs said to clients");
ES_METRIC_COUNTER(es_edge_job_events_left_out, "earshot_edge_job_events_left_out_total",
                  "events of jobs not said to clients that were behind; the next one says it all");
ES_METRIC_COUNTER(es_edge_job_malformed, "earshot_edge_job_malformed_total",
                  "news and answers of jobs actors that are not valid");
ES_METRIC_GAUGE(es_edge_house_watches, "earshot_edge_house_watches", "clients that watch the house");
ES_METRIC_COUNTER(es_edge_unauthorized, "earshot_edge_unauthorized_total",
                  "requests and watches without the operator's token");

es_metric_t *const *es_edge_jobs_metrics(void)
{
    static es_metric_t *const list[] = {&es_edge_asks,
                                        &es_edge_asks_open,
                                        &es_edge_asks_again,
                                        &es_edge_asks_unanswered,
                                        &es_edge_asks_refused,
                                        &es_edge_job_watches,
                                        &es_edge_job_watches_refused,
                                        &es_edge_job_events,
                                        &es_edge_job_events_left_out,
                                        &es_edge_job_malformed,
                                        &es_edge_house_watches,
                                        &es_edge_unauthorized,
                                        NULL};
    return list;
}
