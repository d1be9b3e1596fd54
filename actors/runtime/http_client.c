/*   curl: which sockets to watch, when to be called --> es_loop: fds, tick --> curl_multi_socket_action --> finished calls --> done
 *
 * `done` may send and cancel, so finished calls are taken out of curl one by one before each is told. */
#include "http_client.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "alloc.h"
#include "wire.h"

#define CONNECT_US UINT64_C(10000000)
#define UPLOAD_BUFFER 262144L
#define NEVER UINT64_MAX

static ES_METRIC_COUNTER(calls_sent, "earshot_http_client_calls_total", "HTTP requests sent to other servers.");
static ES_METRIC_COUNTER(calls_failed, "earshot_http_client_failed_total",
                         "Of them those that got no answer, or none that was whole.");
static ES_METRIC_COUNTER(calls_long, "earshot_http_client_too_long_total", "Answers that were longer than allowed.");

es_metric_t *const *es_http_client_metrics(void)
{
    static es_metric_t *const list[] = {&calls_sent, &calls_failed, &calls_long, NULL};
    return list;
}

typedef struct call {
    struct call *next;
    es_http_client_t *client;
    uint64_t number;
    CURL *easy;
    struct curl_slist *headers;
    char *sent; /* the body */
    char *got;  /* gathered */
    size_t got_len, got_cap, answer_max;
    bool too_long, given_up, refused;
    es_http_call_t wish; /* its pointers to data are not valid any more */
    es_http_done_fn done;
    void *ctx;
    char error[CURL_ERROR_SIZE + 64];
} call_t;

struct es_http_client {
    es_loop_t *loop;
    CURLM *multi;
    call_t *calls;
    size_t count;
    uint64_t numbers;
    uint64_t due_us; /* when curl wants to be called */
};

/* ---- answers */

static bool grow(call_t *call, size_t more)
{
    size_t need = call->got_len + more + 1;
    if (need > call->answer_max + 1) return false;
    if (need <= call->got_cap) return true;
    size_t cap = call->got_cap ? call->got_cap : 4096;
    while (cap < need) cap *= 2;
    char *bigger = es_alloc(cap);
    if (call->got_len) memcpy(bigger, call->got, call->got_len);
    free(call->got);
    call->got = bigger;
    call->got_cap = cap;
    return true;
}

static long status_of(const call_t *call)
{
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static size_t on_answer(char *data, size_t size, size_t count, void *ctx)
{
    call_t *call = ctx;
    size_t len = size * count;
    if (call->wish.take && status_of(call) / 100 == 2) {
        if (call->wish.take(call->ctx, data, len)) return len;
        call->given_up = true;
        return CURL_WRITEFUNC_ERROR;
    }
    if (!grow(call, len)) {
        call->too_long = true;
        es_metric_add(&calls_long, 1);
        return CURL_WRITEFUNC_ERROR;
    }
    memcpy(call->got + call->got_len, data, len);
    call->got_len += len;
    return len;
}

static size_t on_body(char *out, size_t size, size_t count, void *ctx)
{
    call_t *call = ctx;
    size_t got = call->wish.read(call->ctx, out, size * count);
    if (got != SIZE_MAX) return got;
    call->given_up = true;
    return CURL_READFUNC_ABORT;
}

/* The address that is about to be connected to, whatever the name was said to stand for. */
static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    call_t *call = ctx;
    (void)purpose;
    if (call->wish.may_reach(&address->addr))
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    call->refused = true;
    return CURL_SOCKET_BAD;
}

static const char *failure(call_t *call, CURLcode code)
{
    size_t max = sizeof call->error;
    if (call->given_up)
        snprintf(call->error, max, "given up on our side");
    else if (call->refused)
        snprintf(call->error, max, "it has an address that may not be reached");
    else if (call->too_long)
        snprintf(call->error, max, "the answer has more than %zu bytes", call->answer_max);
    else if (!call->error[0])
        snprintf(call->error, max, "%s", curl_easy_strerror(code));
    return call->error;
}

static void call_free(call_t *call)
{
    if (call->easy) curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    free(call->sent);
    free(call->got);
    free(call);
}

static void unlink_call(es_http_client_t *self, const call_t *call)
{
    for (call_t **at = &self->calls; *at; at = &(*at)->next) {
        if (*at != call) continue;
        *at = call->next;
        self->count--;
        return;
    }
}

static void finish(es_http_client_t *self, call_t *call, CURLcode code, uint64_t now_us)
{
    long connections = 0;
    curl_off_t retry = 0;
    curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &connections);
    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry);
    if (call->got) call->got[call->got_len] = '\0';
    es_http_result_t result = {.status = (unsigned)status_of(call),
                               .error = code == CURLE_OK ? NULL : failure(call, code),
                               .timed_out = code == CURLE_OPERATION_TIMEDOUT,
                               .refused = call->refused && code != CURLE_OK,
                               .body = call->got ? call->got : "",
                               .len = call->got_len,
                               .retry_after_s = retry > 0 ? (uint64_t)retry : 0};
    result.connected = connections > 0 || result.status > 0;
    if (result.error) es_metric_add(&calls_failed, 1);
    curl_multi_remove_handle(self->multi, call->easy);
    unlink_call(self, call);
    call->done(call->ctx, &result, now_us);
    call_free(call);
}

static void finish_all(es_http_client_t *self, uint64_t now_us)
{
    int left;
    for (CURLMsg *msg; (msg = curl_multi_info_read(self->multi, &left));) {
        if (msg->msg != CURLMSG_DONE) continue;
        call_t *call = NULL;
        CURLcode code = msg->data.result; /* msg is gone with the handle */
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        finish(self, call, code, now_us);
    }
}

/* ---- curl and the loop */

static void on_fd_of(es_http_client_t *self, int fd, short revents, uint64_t now_us)
{
    int what = 0, running;
    if (revents & (POLLIN | POLLHUP)) what |= CURL_CSELECT_IN;
    if (revents & POLLOUT) what |= CURL_CSELECT_OUT;
    if (revents & (POLLERR | POLLNVAL)) what |= CURL_CSELECT_ERR;
    curl_multi_socket_action(self->multi, fd, what, &running);
    finish_all(self, now_us);
}

/* The loop's handlers do not tell which descriptor: each has a watch of its own. */
typedef struct {
    es_http_client_t *client;
    int fd;
} watch_t;

static void on_fd(void *ctx, short revents, uint64_t now_us)
{
    watch_t watch = *(watch_t *)ctx; /* it may be freed inside */
    on_fd_of(watch.client, watch.fd, revents, now_us);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    es_http_client_t *self = ctx;
    watch_t *watch = socket_ctx;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        es_loop_remove_fd(self->loop, fd);
        free(watch);
        return 0;
    }
    if (!watch) {
        watch = es_alloc(sizeof *watch);
        *watch = (watch_t){.client = self, .fd = fd};
        curl_multi_assign(self->multi, fd, watch);
    }
    int events = (what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0);
    es_loop_add_fd(self->loop, fd, (short)events, on_fd, watch);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
    es_http_client_t *self = ctx;
    (void)multi;
    self->due_us = ms < 0 ? NEVER : es_now_us() + (uint64_t)ms * 1000;
    return 0;
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    es_http_client_t *self = ctx;
    int running;
    if (now_us < self->due_us) return self->due_us;
    self->due_us = NEVER;
    curl_multi_socket_action(self->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_all(self, now_us);
    return self->due_us;
}

static void start_curl(void)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    assert(code == CURLE_OK);
    (void)code;
}

es_http_client_t *es_http_client_new(es_loop_t *loop, unsigned connections)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    es_http_client_t *self = es_alloc_zero(sizeof *self);
    self->loop = loop;
    self->due_us = NEVER;
    self->multi = curl_multi_init();
    assert(self->multi);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)connections);
    es_loop_add_tick(loop, on_tick, self);
    return self;
}

void es_http_client_destroy(es_http_client_t **self_p)
{
    es_http_client_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    while (self->calls) es_http_client_cancel(self, self->calls->number);
    curl_multi_cleanup(self->multi);
    free(self);
}

/* ---- calls */

static void set_times(CURL *easy, const es_http_call_t *wish)
{
    uint64_t connect_us = wish->connect_us ? wish->connect_us : CONNECT_US;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_us / 1000));
    if (wish->timeout_us) curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(wish->timeout_us / 1000));
    if (!wish->stall_us) return;
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)(wish->stall_us / 1000000 ? wish->stall_us / 1000000 : 1));
}

static void set_body(call_t *call, const es_http_call_t *wish)
{
    if (wish->read) {
        curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(call->easy, CURLOPT_READFUNCTION, on_body);
        curl_easy_setopt(call->easy, CURLOPT_READDATA, call);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)wish->length);
        curl_easy_setopt(call->easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
        if (wish->length < 0) call->headers = curl_slist_append(call->headers, "Transfer-Encoding: chunked");
    } else if (wish->body) {
        call->sent = es_alloc_copy(wish->body, wish->len);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->sent);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)wish->len);
    }
    if (wish->method) curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, wish->method);
}

static void set_headers(call_t *call, const es_http_call_t *wish)
{
    for (const char *const *h = wish->headers; h && *h; h++) {
        struct curl_slist *longer = curl_slist_append(call->headers, *h);
        assert(longer);
        call->headers = longer;
    }
    if (call->headers) curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_options(call_t *call, const es_http_call_t *wish)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_URL, wish->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* or a call that ends while its name is looked up waits for that */
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "earshot");
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    if (wish->may_reach) {
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    if (wish->ca) curl_easy_setopt(easy, CURLOPT_CAINFO, wish->ca);
    if (wish->any_server) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    set_times(easy, wish);
    set_body(call, wish);
    set_headers(call, wish);
}

uint64_t es_http_client_send(es_http_client_t *self, const es_http_call_t *wish, es_http_done_fn done, void *ctx)
{
    call_t *call = es_alloc_zero(sizeof *call);
    *call = (call_t){.client = self, .number = ++self->numbers, .wish = *wish, .done = done, .ctx = ctx};
    call->answer_max = wish->answer_max ? wish->answer_max : ES_HTTP_CLIENT_ANSWER_MAX;
    call->easy = curl_easy_init();
    assert(call->easy);
    set_options(call, wish);
    call->next = self->calls;
    self->calls = call;
    self->count++;
    es_metric_add(&calls_sent, 1);
    curl_multi_add_handle(self->multi, call->easy); /* arms the timer: what is wrong at once is told by the next tick */
    return call->number;
}

void es_http_client_cancel(es_http_client_t *self, uint64_t number)
{
    for (call_t *call = self->calls; call; call = call->next) {
        if (call->number != number) continue;
        curl_multi_remove_handle(self->multi, call->easy);
        unlink_call(self, call);
        call_free(call);
        return;
    }
}

size_t es_http_client_calls(const es_http_client_t *self)
{
    return self->count;
}
