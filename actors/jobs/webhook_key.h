/* The key that signs webhooks, and signatures. */
#ifndef ES_WEBHOOK_KEY_H
#define ES_WEBHOOK_KEY_H

#include <stddef.h>
#include <stdint.h>

#define ES_WEBHOOK_KEY_MIN 16u
#define ES_WEBHOOK_KEY_MAX 256u
#define ES_WEBHOOK_SIGNATURE_MAX 112u /* "t=<seconds>,v1=<64 hex digits>" and NUL */

typedef struct {
    char bytes[ES_WEBHOOK_KEY_MAX];
    size_t len;
} es_webhook_key_t;

/* The text of the file, less white space at its end; where there is none one is drawn and written (64 hex digits, 0600). One that others than owner and group may read is refused. 0, or -1 with a sentence in err. */
int es_webhook_key_load(es_webhook_key_t *key, const char *file, char *err, size_t err_len);
/* Earshot-Signature: HMAC-SHA256 of `<seconds>.<body>`. */
void es_webhook_key_sign(const es_webhook_key_t *key, uint64_t seconds, const void *body, size_t len,
                         char out[ES_WEBHOOK_SIGNATURE_MAX]);

#endif
