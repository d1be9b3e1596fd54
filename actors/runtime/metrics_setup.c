#include "metrics_setup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "health.h"
#include "log.h"
#include "metrics_page.h"

enum { PATH_BYTES = 768, SENTENCE = 400 };

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
            "(openssl rand -hex 32 >FILE), stay on 127.0.0.1, or insist with --insecure\n",
            common->metrics);
    return -1;
}

/* Bytes of the token, without the white space behind it; -1: the file cannot be read. */
static int read_token(const char *path, char out[ES_METRICS_TOKEN_MAX + 2])
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, out, ES_METRICS_TOKEN_MAX + 1);
    if (fstat(fd, &st) == 0 && (st.st_mode & 07) != 0)
        es_log_warn("the file of the token is open to everybody on this machine", ES_S("file", path));
    close(fd);
    while (n > 0 && isspace((unsigned char)out[n - 1])) n--;
    out[n > 0 ? n : 0] = 0;
    return (int)n;
}

static int load_token(const char *path, char out[ES_METRICS_TOKEN_MAX + 2])
{
    int n = read_token(path, out);
    bool good = n >= ES_METRICS_TOKEN_MIN && n <= ES_METRICS_TOKEN_MAX;
    for (int i = 0; i < n && good; i++) good = out[i] > ' ' && out[i] <= '~';
    if (good) return 0;
    es_log_error("cannot start: --metrics-token-file must hold one token of 16 to 256 characters without spaces",
                 ES_S("file", path), ES_S("error", n < 0 ? strerror(errno) : "it does not"));
    return -1;
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
    char token[ES_METRICS_TOKEN_MAX + 2] = "";
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
