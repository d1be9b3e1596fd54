/* What clients may say in text: nothing may break the parser, and what it refuses is refused in proper words. */
#include <assert.h>
#include <string.h>

#include "client_json.h"
#include "envelope.h"

static void check(int rc, const es_client_says_t *says, const es_refusal_t *why)
{
    if (!rc) {
        assert(es_utf8_valid(says->id, strlen(says->id)));
        assert(strlen(says->language) <= ES_LANGUAGE_MAX);
        return;
    }
    assert(why->code && strlen(why->message) > 15);
    assert(es_utf8_valid(why->message, strlen(why->message)));
    assert(es_utf8_valid(why->ref, strlen(why->ref)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    es_client_says_t says;
    es_refusal_t why;
    if (!es_utf8_valid(data, len)) return 0; /* such text never gets this far */
    check(es_client_json_envelope((const char *)data, len, 16, &says, &why), &says, &why);
    check(es_client_json_flat((const char *)data, len, 16, &says, &why), &says, &why);
    return 0;
}
