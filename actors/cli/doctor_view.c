#include "doctor_view.h"

#include "config.h"
#include "printable.h"

enum { CHECK_WIDTH = 9 };

void es_doctor_view_init(es_doctor_view_t *self, FILE *out, bool colour, bool json)
{
    *self = (es_doctor_view_t){.out = out, .colour = colour, .list = json ? json_array() : NULL};
}

static json_t *text(const char *said)
{
    json_t *value = *said ? json_string(said) : json_null();
    return value ? value : json_string("what it says is no text");
}

static void add(json_t *list, const char *check, const es_finding_t *finding)
{
    json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "check", check, "verdict",
                                          es_verdict_name(finding->verdict), "said", text(finding->said), "mend",
                                          text(finding->mend)));
}

void es_doctor_view_finding(void *ctx, const char *check, const es_finding_t *finding)
{
    static const char *const colours[ES_VERDICTS] = {"\033[32m", "\033[2m", "\033[33m", "\033[31m"};
    es_doctor_view_t *self = ctx;
    if (self->list) {
        add(self->list, check, finding);
        return;
    }
    fprintf(self->out, "%s%-4s%s  %-*s  ", self->colour ? colours[finding->verdict] : "",
            es_verdict_name(finding->verdict), self->colour ? "\033[0m" : "", CHECK_WIDTH, check);
    es_printable_write(self->out, finding->said);
    fputc('\n', self->out);
    if (*finding->mend) {
        fprintf(self->out, "%*s", 4 + 2 + CHECK_WIDTH + 2 + 2, "");
        es_printable_write(self->out, finding->mend);
        fputc('\n', self->out);
    }
    fflush(self->out);
}

void es_doctor_view_end(es_doctor_view_t *self, const size_t found[ES_VERDICTS])
{
    if (!self->list) {
        fprintf(self->out, "%zu ok, %zu to be looked at, %zu wrong\n", found[ES_VERDICT_OK], found[ES_VERDICT_WARN],
                found[ES_VERDICT_FAIL]);
        return;
    }
    json_t *all = json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "release", es_config_release(), "ok",
                            (json_int_t)found[ES_VERDICT_OK], "skip", (json_int_t)found[ES_VERDICT_SKIP], "warn",
                            (json_int_t)found[ES_VERDICT_WARN], "fail", (json_int_t)found[ES_VERDICT_FAIL], "findings",
                            self->list);
    json_dumpf(all, self->out, JSON_COMPACT);
    fputc('\n', self->out);
    json_decref(all);
    self->list = NULL;
}
