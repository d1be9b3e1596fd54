#include "operator_token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void es_operator_token_file(char *out, size_t cap, const char *data)
{
    snprintf(out, cap, "%s/operator.token", data);
}

bool es_operator_token_fits(const char *token)
{
    for (const char *c = token; *c; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f) return false;
    return *token != '\0' && strlen(token) <= ES_OPERATOR_TOKEN_MAX;
}

int es_operator_token_read(char out[ES_OPERATOR_TOKEN_MAX + 1], const char *file, char *err, size_t err_len)
{
    char line[ES_OPERATOR_TOKEN_MAX + 3] = "";
    FILE *f = fopen(file, "re");
    if (!f) {
        snprintf(err, err_len, "cannot read the token in %s: %s", file, strerror(errno));
        return -1;
    }
    char *got = fgets(line, sizeof line, f);
    fclose(f);
    line[strcspn(line, "\r\n")] = '\0';
    if (got && es_operator_token_fits(line)) {
        memcpy(out, line, strlen(line) + 1);
        return 0;
    }
    snprintf(err, err_len, "%s holds no token: its first line is empty, too long, or has blanks in it", file);
    return -1;
}
