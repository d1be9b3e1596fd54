/* The page of `earshot status --watch`: first the house in a line, then what is wrong, each with "! " before it, then the tables of `earshot status`, then jobs by
 * state. Pure. */
#ifndef ES_STATUS_PAGE_H
#define ES_STATUS_PAGE_H

#include <jansson.h>
#include <stdio.h>

#define ES_STATUS_PAGE_WRONG "! "

/* status: as es_status_live_join makes it. */
void es_status_page_print(FILE *out, const json_t *status);

#endif
