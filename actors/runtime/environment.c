#include "environment.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const char *const staying[] = {
    "PATH=",         "LD_LIBRARY_PATH=", "LANG=",         "LC_",
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    "ASAN_OPTIONS=", "LSAN_OPTIONS=",    "TSAN_OPTIONS=", "UBSAN_OPTIONS=",
#endif
};

static bool stays(const char *entry)
{
    for (size_t i = 0; i < sizeof staying / sizeof staying[0]; i++)
        if (strncmp(entry, staying[i], strlen(staying[i])) == 0) return true;
    return false;
}

void es_environment_bare(char *out[ES_ENVIRONMENT_BARE_MAX])
{
    size_t n = 0;
    for (char **at = environ; at && *at && n < ES_ENVIRONMENT_BARE_MAX - 1; at++)
        if (stays(*at)) out[n++] = *at;
    out[n] = NULL;
}

void es_environment_strip(void)
{
    size_t n = 0;
    for (char **at = environ; at && *at; at++) {
        if (stays(*at))
            environ[n++] = *at;
        else
            explicit_bzero(*at, strlen(*at));
    }
    if (environ) environ[n] = NULL;
}
