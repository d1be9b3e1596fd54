/* Names and headers of answers. */
#ifndef ES_HTTP_ANSWER_H
#define ES_HTTP_ANSWER_H

/* Headers that every answer carries: name, value, name, value, ..., NULL. */
extern const char *const es_http_headers[];
/* "Not Found"; "" for a status that has no name here. */
const char *es_http_reason(unsigned status);

#endif
