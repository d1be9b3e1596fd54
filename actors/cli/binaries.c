#include "binaries.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool try(char *out, size_t out_len, const char *dir, size_t dir_len, const char *sub, const char *name)
{
    int n = snprintf(out, out_len, "%.*s/%s%s", (int)dir_len, dir, sub, name);
    return n > 0 && n < (int)out_len && access(out, X_OK) == 0;
}

static bool in_path(char *out, size_t out_len, const char *name)
{
    const char *dir = getenv("PATH");
    while (dir && *dir) {
        size_t len = strcspn(dir, ":");
        if (len && try(out, out_len, dir, len, "", name)) return true;
        dir += len + (dir[len] == ':');
    }
    return false;
}

int es_binary_find(const char *name, char *out, size_t out_len, char *err, size_t err_len)
{
    char self[ES_BINARY_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    size_t dir = slash ? (size_t)(slash - self) : 0;
    if (dir && try(out, out_len, self, dir, "", name)) return 0;
    if (dir && try(out, out_len, self, dir, "../libexec/earshot/", name)) return 0;
    if (in_path(out, out_len, name)) return 0;
    snprintf(err, err_len,
             "cannot find %s beside %s, in ../libexec/earshot or in PATH. Build it: make -f Makefile.dev build", name,
             n > 0 ? self : "this program");
    return -1;
}
