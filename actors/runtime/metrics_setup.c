#include "metrics_setup.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "health.h"
#include "log.h"
#include "metrics_page.h"
#include "secret_file.h"

enum { PATH_BYTES = 768, SENTENCE = 400, SPACE_MAX = 16 };

static bool given(const char *text)
{
    return text && *text;
}

int es_metrics_setup_check(const es_common_config_t *common)
{
    es_listen_address_t at;
    char err[SENTENCE];
    if (!given(common->metrics)) return 0;
    if (es_listen_address_parse(&at, common->metrics, err, sizeof err) != 0) {
        fprintf(stderr, "earshot: --metrics: %s\n", err);
        return -1;
    }
    if (at.loopback || given(common->metrics_token_file) || common->insecure) return 0;
    fprintf(stderr,
            "earshot: --metrics %s can be read from other machines: give it a token with --metrics-token-file FILE "
            "(umask 077; openssl rand -hex 32 >FILE), stay on 127.0.0.1, or insist with --insecure\n",
            common->metrics);
    return -1;
}

static bool is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~') return false;
    return len >= ES_METRICS_TOKEN_MIN && len <= ES_METRICS_TOKEN_MAX;
}

/* White space behind it is not its own. */
static int load_token(const char *path, char out[ES_METRICS_TOKEN_MAX + 1])
{
    es_secret_file_t file;
    char err[SENTENCE] = "it must hold one token of 16 to 256 characters without spaces";
    int rc = -1;
    if (es_secret_file_load(&file, path, ES_METRICS_TOKEN_MAX + SPACE_MAX, err, sizeof err) == 0) {
        size_t len = file.len;
        while (len > 0 && isspace((unsigned char)file.bytes[len - 1])) len--;
        if (is_token(file.bytes, len) && es_secret_file_kept(&file, "a token", err, sizeof err) == 0) {
            memcpy(out, file.bytes, len);
            rc = 0;
        }
        es_secret_file_fini(&file);
    }
    if (rc != 0) es_log_error("cannot start: no token", ES_S("metrics_token_file", path), ES_S("error", err));
    return rc;
}

void es_metrics_setup_file(char *out, size_t cap, const char *data, const char *name)
{
    snprintf(out, cap, "%.512s/run/%.100s.metrics", data, name);
}

void es_metrics_setup_announce(const es_metrics_server_t *server, const es_common_config_t *common)
{
    char path[PATH_BYTES];
    if (!server) return;
    es_metrics_setup_file(path, sizeof path, common->data, common->name);
    FILE *file = fopen(path, "we");
    bool ok = file && fprintf(file, "%s\n", es_metrics_server_url(server)) > 0;
    if (file) ok = fclose(file) == 0 && ok;
    if (!ok) es_log_warn("the address of metrics is not written", ES_S("path", path), ES_S("error", strerror(errno)));
}

static es_metrics_server_t *open_server(const es_common_config_t *common, const char *token)
{
    es_listen_address_t at;
    char err[SENTENCE];
    es_metrics_server_t *server = NULL;
    if (es_listen_address_parse(&at, common->metrics, err, sizeof err) == 0)
        server = es_metrics_server_new(&at, token, err, sizeof err);
    if (!server)
        es_log_error("cannot start: --metrics cannot be served", ES_S("at", common->metrics), ES_S("error", err));
    else if (!at.loopback && !token)
        es_log_warn("metrics can be read from other machines, by anybody (--insecure)", ES_S("at", common->metrics));
    return server;
}

int es_metrics_setup_start(es_metrics_server_t **out, const es_common_config_t *common)
{
    char token[ES_METRICS_TOKEN_MAX + 1] = "";
    *out = NULL;
    if (common->health_lag_us) es_health_limit(common->health_lag_us);
    if (!given(common->metrics)) return 0;
    if (given(common->metrics_token_file) && load_token(common->metrics_token_file, token) != 0) return -1;
    *out = open_server(common, token[0] ? token : NULL);
    explicit_bzero(token, sizeof token);
    if (!*out) return -1;
    es_metrics_register(es_metrics_server_metrics());
    es_log_info("metrics", ES_S("url", es_metrics_server_url(*out)));
    return 0;
}

void es_metrics_setup_stop(es_metrics_server_t **self_p, const es_common_config_t *common)
{
    char path[PATH_BYTES];
    if (!*self_p) return;
    es_metrics_setup_file(path, sizeof path, common->data, common->name);
    unlink(path);
    es_metrics_server_destroy(self_p);
}
