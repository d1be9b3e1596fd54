/* How `earshot doctor` shows what it finds: a line each, as it is found, or all as one line of JSON at the end. */
#ifndef ES_DOCTOR_VIEW_H
#define ES_DOCTOR_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "finding.h"

typedef struct {
    FILE *out;
    bool colour;
    json_t *list; /* of findings, where JSON is wanted, else NULL; owned */
} es_doctor_view_t;

void es_doctor_view_init(es_doctor_view_t *self, FILE *out, bool colour, bool json);
/* A finding, of the check of that name. */
void es_doctor_view_finding(void *self, const char *check, const es_finding_t *finding);
/* How many there were of each, and the end of it. */
void es_doctor_view_end(es_doctor_view_t *self, const size_t found[ES_VERDICTS]);

#endif
