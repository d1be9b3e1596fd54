/* One HTTP request at a time to a house that has several addresses: where one does not answer the next is tried, after a wait that grows, until all were tried and patience is at its end. Blocks until
 * there is an answer; for commands. */
#ifndef ES_HOUSE_HTTP_H
#define ES_HOUSE_HTTP_H

#include <jansson.h>

#include "addresses.h"
#include "http_client.h"

typedef struct es_house_http es_house_http_t;

typedef struct {
    const es_addresses_t *addresses;
    const char *token; /* of the operator, or NULL */
    uint64_t connect_us, patience_us, stall_us;
    uint64_t seed;
    bool (*interrupted)(void); /* asked every 100 ms; true ends a call */
} es_house_http_config_t;

typedef struct {
    const char *method, *path;                        /* path with its query, from the first slash on */
    const char *header;                               /* one more, or NULL */
    const char *type;                                 /* Content-Type of what `read` gives */
    size_t (*read)(void *ctx, void *out, size_t max); /* as of http_client.h; NULL: no body */
    int64_t length;
    int (*again)(void *ctx);                               /* before each try: begin the body anew. -1 gives up */
    bool (*take)(void *ctx, const void *data, size_t len); /* as of http_client.h */
    void (*look)(void *ctx, uint64_t now_us);              /* every 100 ms while it is under way, or NULL */
    void (*trouble)(void *ctx,
                    const char *sentence); /* a try failed, and there will be another; or NULL: on standard error */
    void *ctx;
} es_house_request_t;

typedef struct {
    unsigned status;   /* 0: no answer */
    json_t *json;      /* of the body; NULL where it is none */
    char message[600]; /* status 0, or above 299: a sentence for people */
    unsigned tries;
    bool interrupted;
    const char *address; /* that answered, or was tried last */
} es_house_answer_t;

/* config and what it points to must outlive it. Dies on lack of memory. */
es_house_http_t *es_house_http_new(const es_house_http_config_t *config);
void es_house_http_destroy(es_house_http_t **self_p);
/* Fills *out, es_house_answer_fini it. 0 for a status of 2xx, else -1. */
int es_house_http_call(es_house_http_t *self, const es_house_request_t *request, es_house_answer_t *out);
void es_house_answer_fini(es_house_answer_t *answer);

/* Appends text to out (of cap bytes, with its NUL) as part of an address: all but letters, digits and -._~ as %XX. False where it does not fit. */
bool es_house_escape(char *out, size_t cap, const char *text);

#endif
