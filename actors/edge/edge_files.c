#include "edge_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

int es_edge_write_address(const char *file, const char *url)
{
    char fresh[1100];
    if (!file || !*file) return 0;
    snprintf(fresh, sizeof fresh, "%s.%d", file, (int)getpid());
    FILE *out = fopen(fresh, "we");
    if (out && fprintf(out, "%s\n", url) > 0 && !fclose(out) && !rename(fresh, file)) return 0;
    es_log_error("the address cannot be written to --addr-file", ES_S("file", file), ES_S("error", strerror(errno)));
    return -1;
}

int es_edge_load_session_key(const es_edge_config_t *config, es_session_key_t *key)
{
    char file[1100], err[1400];
    const char *named = config->session_key;
    if (named && *named)
        snprintf(file, sizeof file, "%s", named);
    else
        snprintf(file, sizeof file, "%s/session.key", config->common.data);
    if (es_session_key_load(key, file, err, sizeof err) == 0) return 0;
    es_log_error(err);
    return -1;
}
