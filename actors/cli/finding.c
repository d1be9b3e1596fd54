#include "finding.h"

#include <stdarg.h>
#include <stdio.h>

const char *es_verdict_name(es_verdict_t verdict)
{
    static const char *const names[ES_VERDICTS] = {"ok", "skip", "warn", "fail"};
    return names[verdict];
}

void es_finding_set(es_finding_t *out, es_verdict_t verdict, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->said, sizeof out->said, format, args);
    va_end(args);
    out->verdict = verdict;
    out->mend[0] = '\0';
}

void es_finding_mend(es_finding_t *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->mend, sizeof out->mend, format, args);
    va_end(args);
}
