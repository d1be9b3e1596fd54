/* What `earshot doctor` found at one thing that it looked at: is it right, what is it, and what to mend. Pure. */
#ifndef ES_FINDING_H
#define ES_FINDING_H

typedef enum { ES_VERDICT_OK, ES_VERDICT_SKIP, ES_VERDICT_WARN, ES_VERDICT_FAIL, ES_VERDICTS } es_verdict_t;

typedef struct {
    es_verdict_t verdict;
    char said[800]; /* a sentence, without its end */
    char mend[800]; /* what to do, likewise; empty: nothing */
} es_finding_t;

/* "ok", "skip", "warn", "fail" */
const char *es_verdict_name(es_verdict_t verdict);
/* Fills it, with nothing to mend. */
void es_finding_set(es_finding_t *out, es_verdict_t verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void es_finding_mend(es_finding_t *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
