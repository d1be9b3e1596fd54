/* A transcript from anywhere: it is analysed or refused with a reason, its text is cut at characters, and what is told of it fits into a final. The same bytes are taken as the answer of a
 * language model. */
#include <stdlib.h>
#include <string.h>

#include "analyze.h"
#include "llm_wire.h"

enum { ANALYSIS_MAX = 65536, TEXT_MAX = 40 };

static void check_analysis(const es_document_t *doc)
{
    size_t len, all;
    json_t *analysis = es_analyze(doc);
    char *dumped = es_analyze_dump(analysis, ANALYSIS_MAX, &len);
    if (!dumped || len > ANALYSIS_MAX) abort();
    char *text = es_document_text(doc, TEXT_MAX, &all);
    if (strlen(text) > TEXT_MAX || strlen(text) > all || !es_utf8_valid(text, strlen(text))) abort();
    free(text);
    free(dumped);
    json_decref(analysis);
}

static void check_answer(const char *data, size_t size)
{
    char err[200] = "";
    char *summary = es_llm_answer(data, size, err, sizeof err);
    if (summary ? !*summary || strlen(summary) > ES_LLM_SUMMARY_MAX || !es_utf8_valid(summary, strlen(summary)) : !*err)
        abort();
    free(summary);
    es_llm_complaint(500, data, size, err, sizeof err);
    if (strlen(err) >= sizeof err || !es_utf8_valid(err, strlen(err))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    es_document_t doc;
    char err[256] = "";
    if (es_document_parse(&doc, (const char *)data, size, err, sizeof err) == 0)
        check_analysis(&doc);
    else if (!*err)
        abort();
    es_document_fini(&doc);
    check_answer((const char *)data, size);
    return 0;
}
