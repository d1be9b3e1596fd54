/* A key file from anywhere: what is taken is a key, and reads the same from what is written of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

enum { TEXT_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX + 1], err[400], again[TEXT_MAX];
    es_key_t key, other;
    if (size > TEXT_MAX) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    for (int secret = 0; secret < 2; secret++) {
        if (es_key_parse(&key, text, secret, "file", err, sizeof err) != 0) continue;
        if (key.role == ES_ROLE_NONE || key.role >= ES_ROLES || strlen(key.public_key) != ES_KEY_TEXT) abort();
        if (strlen(key.secret_key) != (secret ? ES_KEY_TEXT : 0)) abort();
        snprintf(again, sizeof again,
                 "metadata\n    role = \"%s\"\n    name = \"%s\"\ncurve\n    public-key = \"%s\"\n",
                 es_role_name(key.role), key.name, key.public_key);
        if (es_key_parse(&other, again, false, "file", err, sizeof err) != 0) abort();
        if (strcmp(other.public_key, key.public_key) != 0 || strcmp(other.name, key.name) != 0) abort();
    }
    return 0;
}
