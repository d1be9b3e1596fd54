#include "otlp.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "metrics_page.h"
#include "otlp_json.h"
#include "secret_file.h"
#include "wire.h"

enum { PAUSE_MS = 1000, URL_MAX = 1100, HEADER_MAX = 4096, CONNECT_MS = 2000, POST_MS = 5000, LAST_MS = 2000 };

static ES_METRIC_COUNTER(exported, "earshot_otlp_spans_total{result=\"exported\"}",
                         "Spans by what became of them at the collector.");
static ES_METRIC_COUNTER(failed, "earshot_otlp_spans_total{result=\"failed\"}", "");

es_metric_t *const *es_otlp_metrics(void)
{
    static es_metric_t *const list[] = {&exported, &failed, NULL};
    return list;
}

struct es_otlp {
    char url[URL_MAX];
    const char *service;
    char *instance;
    struct curl_slist *headers;
    CURL *easy;
    pthread_t thread;
    atomic_bool ending;
    char error[CURL_ERROR_SIZE];
    es_trace_span_t batch[ES_SPANS_BATCH];
};

/* ---- sending */

static size_t ignore(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * count;
}

static void complain(const es_otlp_t *self, CURLcode code, long status, size_t count)
{
    if (code != CURLE_OK)
        es_log_warn("spans are lost: the collector in --otlp-url cannot be reached", ES_S("url", self->url),
                    ES_S("error", self->error[0] ? self->error : curl_easy_strerror(code)), ES_U("spans", count));
    else
        es_log_warn("spans are lost: the collector in --otlp-url refuses them", ES_S("url", self->url),
                    ES_I("status", status), ES_U("spans", count));
}

static void post(es_otlp_t *self, size_t count, uint64_t within_ms)
{
    char *body = es_otlp_json(self->batch, count, self->service, self->instance);
    long status = 0;
    self->error[0] = 0;
    curl_easy_setopt(self->easy, CURLOPT_TIMEOUT_MS, (long)within_ms);
    curl_easy_setopt(self->easy, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(self->easy);
    curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &status);
    bool taken = code == CURLE_OK && status / 100 == 2;
    es_metric_add(taken ? &exported : &failed, count);
    if (!taken) complain(self, code, status, count);
    free(body);
}

static void send_what_is_left(es_otlp_t *self)
{
    const uint64_t until = es_now_us() / 1000 + LAST_MS;
    for (size_t count = ES_SPANS_BATCH; count == ES_SPANS_BATCH;) {
        uint64_t now = es_now_us() / 1000;
        count = now < until ? es_spans_take(self->batch, ES_SPANS_BATCH, 0) : 0;
        if (count > 0) post(self, count, until - now);
    }
}

static void *work(void *arg)
{
    es_otlp_t *self = arg;
    es_log_actor(self->instance);
    while (!atomic_load(&self->ending)) {
        size_t count = es_spans_take(self->batch, ES_SPANS_BATCH, PAUSE_MS);
        if (count > 0) post(self, count, atomic_load(&self->ending) ? LAST_MS : POST_MS);
    }
    send_what_is_left(self);
    return NULL;
}

/* ---- life */

static int refuse(const char *option, const char *value, const char *why)
{
    fprintf(stderr, "earshot: --%s: \"%.200s\" %s\n", option, value, why);
    return -1;
}

static int name_url(es_otlp_t *self, const char *url)
{
    const char *host = !strncmp(url, "http://", 7) ? url + 7 : !strncmp(url, "https://", 8) ? url + 8 : NULL;
    if (!host || !*host || *host == '/' || strchr(url, '@') || strpbrk(url, " ?#"))
        return refuse("otlp-url", strpbrk(url, "@?") ? "(not shown: it may hold a secret)" : url,
                      "is no collector's address; give http://HOST:4318, and secrets in --otlp-header-file");
    const char *path = strchr(host, '/');
    bool bare = !path || !path[1];
    snprintf(self->url, sizeof self->url, "%s%s", url, !bare ? "" : path ? "v1/traces" : "/v1/traces");
    return 0;
}

static int add_header(es_otlp_t *self, const char *file)
{
    char err[1400];
    es_secret_file_t read;
    if (es_secret_file_load(&read, file, HEADER_MAX, err, sizeof err) != 0 ||
        es_secret_file_kept(&read, "header", err, sizeof err) != 0)
        return refuse("otlp-header-file", file, err);
    char *line = es_alloc_copy(read.bytes, read.len);
    es_secret_file_fini(&read);
    line[strcspn(line, "\r\n")] = 0;
    bool fine = strchr(line, ':') && line[0] != ':';
    if (fine) self->headers = curl_slist_append(self->headers, line);
    explicit_bzero(line, strlen(line));
    free(line);
    return fine ? 0 : refuse("otlp-header-file", file, "holds no line like \"Authorization: Bearer TOKEN\"");
}

static void prepare(es_otlp_t *self)
{
    curl_easy_setopt(self->easy, CURLOPT_URL, self->url);
    curl_easy_setopt(self->easy, CURLOPT_HTTPHEADER, self->headers);
    curl_easy_setopt(self->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(self->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(self->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(self->easy, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(self->easy, CURLOPT_ERRORBUFFER, self->error);
}

static void discard(es_otlp_t *self)
{
    curl_easy_cleanup(self->easy);
    curl_slist_free_all(self->headers);
    free(self->instance);
    free(self);
}

int es_otlp_start(es_otlp_t **out, const es_common_config_t *common, const char *service)
{
    *out = NULL;
    if (!common->otlp_url || !*common->otlp_url) return 0;
    es_otlp_t *self = es_alloc_zero(sizeof *self);
    self->service = service;
    self->instance = es_alloc_copy(common->name, strlen(common->name));
    self->headers = curl_slist_append(NULL, "Content-Type: application/json");
    self->easy = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
    assert(self->easy); /* nothing but memory */
    const char *header = common->otlp_header;
    if (name_url(self, common->otlp_url) != 0 || (header && *header && add_header(self, header) != 0)) {
        discard(self);
        return -1;
    }
    prepare(self);
    es_metrics_register(es_otlp_metrics());
    es_metrics_register(es_spans_metrics());
    es_spans_collect(true);
    if (pthread_create(&self->thread, NULL, work, self) != 0) {
        es_spans_collect(false);
        discard(self);
        return refuse("otlp-url", common->otlp_url, "cannot be served: no thread can be started");
    }
    *out = self;
    return 0;
}

void es_otlp_stop(es_otlp_t **self_p)
{
    es_otlp_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    atomic_store(&self->ending, true);
    es_spans_wake();
    pthread_join(self->thread, NULL);
    es_spans_collect(false);
    discard(self);
}
