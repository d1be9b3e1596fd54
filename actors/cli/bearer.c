#include "bearer.h"

#include <stdio.h>
#include <string.h>

#include "loopback.h"

int es_bearer_read(es_bearer_t *self, char *err, size_t err_len)
{
    if (self->file && *self->file) return es_operator_token_read(self->token, self->file, err, err_len);
    if (!self->given || !*self->given) return 0;
    if (es_operator_token_fits(self->given)) {
        snprintf(self->token, sizeof self->token, "%s", self->given);
        return 0;
    }
    snprintf(err, err_len, "EARSHOT_TOKEN is no token: it has blanks or other characters that no token has");
    return -1;
}

void es_bearer_warn(const es_bearer_t *self, const char *program, const es_addresses_t *addresses)
{
    for (size_t i = 0; *self->token && i < addresses->count; i++)
        if (!addresses->urls[i].tls && !es_loopback_host(addresses->urls[i].host))
            fprintf(stderr, "%s: the token goes to %s for all on the way to read; wss:// or https:// hides it\n",
                    program, addresses->names[i]);
}
