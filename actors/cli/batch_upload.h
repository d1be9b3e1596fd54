/* One recording on its way to the house: read as it is sent, so that its length does not matter, and sent again under the same key where the connection is lost, so that there is
 * one job whatever happens. */
#ifndef ES_BATCH_UPLOAD_H
#define ES_BATCH_UPLOAD_H

#include <stdio.h>

#include "house_http.h"

/* What is asked for; NULL and false: as the server likes. */
typedef struct {
    const char *session;
    const char *language, *webhook, *priority, *attempts;
    bool delete_after;
} es_batch_wish_t;

#define ES_BATCH_PATH_MAX 4000u /* bytes of an address without its host */

/* "/session/ID/upload?file_name=..." 0, or -1 where it is too long. */
int es_batch_upload_path(char out[ES_BATCH_PATH_MAX], const es_batch_wish_t *wish, const char *file);

/* Sends `file`; a bar goes to `bar`, or nowhere where that is NULL. key: the same for all tries. 0 and the job's id, or -1 with a message printed; *interrupted tells whether the user wanted it. */
int es_batch_upload(es_house_http_t *http, const es_batch_wish_t *wish, const char *file, const char *key, FILE *bar,
                    char job[64], bool *interrupted);

#endif
