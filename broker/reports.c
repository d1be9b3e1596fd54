#include "reports.h"

#include <string.h>

static es_span_t name_of(const es_report_t *report)
{
    return es_span_of(report->name, report->name_len);
}

static bool is_of(const es_report_t *report, es_span_t key)
{
    if (key.len != sizeof report->key) return !report->reachable;
    return report->reachable && memcmp(report->key, key.ptr, ES_PREFIX_LEN) == 0;
}

/* A new one has never been heard. */
static es_report_t *slot_of(es_reports_t *self, es_span_t key, es_span_t name)
{
    for (size_t i = 0; i < self->count; i++)
        if (is_of(&self->list[i], key) && es_span_eq(name_of(&self->list[i]), name)) return &self->list[i];
    if (self->count == ES_REPORTS_MAX) return NULL;
    self->list[self->count] = (es_report_t){.heard_us = UINT64_MAX};
    return &self->list[self->count++];
}

static void fill(es_report_t *report, es_span_t key, const es_msg_t *msg, uint64_t now_us)
{
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
}

/* Has another one said something between the last two reports of this one? Then both live. */
static bool has_a_twin(es_reports_t *self, es_report_t *report, uint64_t before_us)
{
    bool news = false;
    for (es_report_t *other = self->list; other < self->list + self->count; other++) {
        if (other == report || other->heard_us < before_us || !es_span_eq(name_of(other), name_of(report))) continue;
        news = news || !report->twin || !other->twin;
        report->twin = other->twin = true;
    }
    return news;
}

bool es_reports_take(es_reports_t *self, es_span_t key, const es_msg_t *msg, uint64_t now_us)
{
    bool named = msg->name.len > 0 && msg->name.len <= ES_NAME_MAX;
    es_report_t *report = named ? slot_of(self, key, msg->name) : NULL;
    if (!report) {
        self->refused++;
        return false;
    }
    uint64_t before_us = report->heard_us;
    fill(report, key, msg, now_us);
    if (!(msg->flags & ES_F_LEAVING)) return has_a_twin(self, report, before_us);
    *report = self->list[--self->count];
    return false;
}

const es_report_t *es_reports_named(const es_reports_t *self, es_span_t name, const es_report_t *after)
{
    for (size_t i = after ? (size_t)(after - self->list) + 1 : 0; i < self->count; i++)
        if (es_span_eq(name_of(&self->list[i]), name)) return &self->list[i];
    return NULL;
}

static bool is_replaced(const es_reports_t *self, const es_report_t *report)
{
    for (const es_report_t *other = NULL; (other = es_reports_named(self, name_of(report), other));)
        if (other->heard_us >= report->heard_us + ES_REPORT_REPLACED_US) return true;
    return false;
}

void es_reports_tick(es_reports_t *self, uint64_t now_us)
{
    for (size_t i = self->count; i-- > 0;) {
        const es_report_t *report = &self->list[i];
        if (now_us - report->heard_us >= ES_REPORT_SILENCE_US || is_replaced(self, report))
            self->list[i] = self->list[--self->count];
    }
}
