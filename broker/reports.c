#include "reports.h"

#include <string.h>

static es_report_t *slot_of(es_reports_t *self, es_span_t name)
{
    for (size_t i = 0; i < self->count; i++)
        if (es_span_eq(es_span_of(self->list[i].name, self->list[i].name_len), name)) return &self->list[i];
    return self->count < ES_REPORTS_MAX ? &self->list[self->count++] : NULL;
}

void es_reports_take(es_reports_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us)
{
    bool named = msg->name.len > 0 && msg->name.len <= ES_NAME_MAX;
    es_report_t *report = named ? slot_of(self, msg->name) : NULL;
    if (!report) {
        self->refused++;
        return;
    }
    memcpy(report->name, msg->name.ptr, msg->name.len);
    report->name_len = msg->name.len;
    es_span_t service = ES_HAS(msg, ES_M_SERVICE) && msg->service.len <= ES_NAME_MAX ? msg->service : es_span("edge");
    memcpy(report->service, service.ptr, service.len);
    report->service_len = service.len;
    report->reachable = key.len == sizeof report->key;
    if (report->reachable) memcpy(report->key, key.ptr, key.len);
    report->inc = msg->inc;
    report->streams = msg->load;
    report->frames = msg->count;
    report->lag_us = msg->lag_us;
    report->heard_us = now_us;
    if (msg->flags & ES_F_LEAVING) *report = self->list[--self->count];
}

es_span_t es_reports_key(const es_reports_t *self, es_span_t name)
{
    for (size_t i = 0; i < self->count; i++) {
        const es_report_t *report = &self->list[i];
        if (report->reachable && es_span_eq(es_span_of(report->name, report->name_len), name))
            return es_span_of(report->key, sizeof report->key);
    }
    return es_span(NULL);
}

void es_reports_tick(es_reports_t *self, uint64_t now_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++)
        if (now_us - self->list[i].heard_us < ES_REPORT_SILENCE_US) self->list[kept++] = self->list[i];
    self->count = kept;
}
