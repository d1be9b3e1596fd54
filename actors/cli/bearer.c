#include "bearer.h"

#include <stdio.h>
#include <string.h>

#include "loopback.h"

int es_bearer_read(const es_bearer_t *self, char out[ES_OPERATOR_TOKEN_MAX + 1], char *err, size_t err_len)
{
    *out = '\0';
    if (self->file && *self->file) return es_operator_token_read(out, self->file, err, err_len);
    if (!self->given || !*self->given) return 0;
    if (es_operator_token_fits(self->given)) {
        snprintf(out, ES_OPERATOR_TOKEN_MAX + 1, "%s", self->given);
        return 0;
    }
    snprintf(err, err_len, "EARSHOT_TOKEN is no token: it has blanks or other characters that no token has");
    return -1;
}

void es_bearer_warn(const char *program, const char *token, const es_addresses_t *addresses)
{
    for (size_t i = 0; *token && i < addresses->count; i++)
        if (!addresses->urls[i].tls && !es_loopback_host(addresses->urls[i].host))
            fprintf(stderr, "%s: the token goes to %s for all on the way to read; wss:// or https:// hides it\n",
                    program, addresses->names[i]);
}
