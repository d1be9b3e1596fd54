#include <string.h>

#include "upload.h"

ES_METRIC_GAUGE(es_edge_uploads, "earshot_edge_uploads", "uploads under way now");
ES_METRIC_COUNTER(es_edge_upload_bytes, "earshot_edge_upload_bytes_total", "bytes of files taken");
ES_METRIC_COUNTER(es_edge_uploads_accepted, "earshot_edge_uploads_accepted_total", "uploads that became jobs");
ES_METRIC_COUNTER(es_edge_uploads_paused, "earshot_edge_uploads_paused_total",
                  "times that an upload's socket was no longer read");
ES_METRIC_COUNTER(es_edge_uploads_late, "earshot_edge_uploads_late_total",
                  "uploads answered 202 because their transcript was not there within --sync-timeout");

#define REFUSED(name, code) \
    ES_METRIC_COUNTER(name, "earshot_edge_uploads_refused_total{reason=\"" code "\"}", "uploads refused or broken off")
REFUSED(es_edge_uploads_gone, "gone");
static REFUSED(too_large, "too_large");
static REFUSED(too_many, "too_many_uploads");
static REFUSED(too_many_of_address, "too_many_of_address");
static REFUSED(too_many_of_subject, "too_many_of_subject");
static REFUSED(draining, "draining");
static REFUSED(unavailable, "uploads_unavailable");
static REFUSED(stalled, "upload_stalled");
static REFUSED(quarantined, "upload_quarantined");
static REFUSED(spool_full, "spool_full");
static REFUSED(unsupported_type, "unsupported_type");
static REFUSED(bad_multipart, "bad_multipart");
static REFUSED(other, "other");

es_metric_t *const *es_uploads_metrics(void)
{
    static es_metric_t *const list[] = {&es_edge_uploads,
                                        &es_edge_upload_bytes,
                                        &es_edge_uploads_accepted,
                                        &es_edge_uploads_paused,
                                        &es_edge_uploads_late,
                                        &es_edge_uploads_gone,
                                        &too_large,
                                        &too_many,
                                        &too_many_of_address,
                                        &too_many_of_subject,
                                        &draining,
                                        &unavailable,
                                        &stalled,
                                        &quarantined,
                                        &spool_full,
                                        &unsupported_type,
                                        &bad_multipart,
                                        &other,
                                        NULL};
    return list;
}

void es_upload_count_refusal(const char *code)
{
    static const struct {
        const char *code;
        es_metric_t *metric;
    } known[] = {{"too_large", &too_large},
                 {"too_many_uploads", &too_many},
                 {"too_many_of_address", &too_many_of_address},
                 {"too_many_of_subject", &too_many_of_subject},
                 {"draining", &draining},
                 {"uploads_unavailable", &unavailable},
                 {"upload_stalled", &stalled},
                 {"upload_quarantined", &quarantined},
                 {"spool_full", &spool_full},
                 {"unsupported_type", &unsupported_type},
                 {"bad_multipart", &bad_multipart}};
    es_metric_t *metric = &other;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].code, code)) metric = known[i].metric;
    es_metric_add(metric, 1);
}
