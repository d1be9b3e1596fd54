#include "web_dir.h"

#include <string.h>
#include <unistd.h>

const char *es_web_dir(char out[ES_WEB_DIR_MAX], const char *installed)
{
    static const char beside[] = "/../share/earshot/web";
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    out[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(out, '/');
    if (!slash) return installed;
    memcpy(slash, beside, sizeof beside);
    return access(out, R_OK) == 0 ? out : installed;
}
