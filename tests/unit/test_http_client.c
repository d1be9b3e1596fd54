#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "http_client.h"
#include "wire.h"

enum { DEADLINE_US = 20000000, CLIENTS = 4, REQUEST = 65536 };

/* A server on the same loop: reads until it has `want`, then says `answer`. */
typedef struct {
    es_loop_t *loop;
    es_http_client_t *client;
    int listener, fds[CLIENTS];
    size_t accepted;
    char url[64], request[REQUEST];
    size_t request_len;
    const char *want, *answer;
    size_t answer_len;
    bool hold; /* say nothing */
    /* the call */
    unsigned done, wanted;
    es_http_result_t result;
    char body[REQUEST], error[256];
    char taken[256];
    size_t left; /* of what `read` gives */
    uint64_t deadline_us;
    uint64_t cancel;
} world_t;

static uint64_t watchdog(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    assert_true(now_us < w->deadline_us);
    return w->deadline_us;
}

static void on_peer(void *ctx, short revents, uint64_t now_us)
{
    world_t *w = ctx;
    (void)revents;
    (void)now_us;
    for (size_t i = 0; i < w->accepted; i++) {
        if (w->fds[i] < 0) continue;
        ssize_t n = recv(w->fds[i], w->request + w->request_len, sizeof w->request - 1 - w->request_len, MSG_DONTWAIT);
        if (n < 0) continue;
        w->request_len += (size_t)n;
        w->request[w->request_len] = '\0';
        bool ready = !w->hold && strstr(w->request, w->want);
        if (n > 0 && !ready) continue;
        if (ready) assert_int_equal(send(w->fds[i], w->answer, w->answer_len, MSG_NOSIGNAL), w->answer_len);
        es_loop_remove_fd(w->loop, w->fds[i]);
        close(w->fds[i]);
        w->fds[i] = -1;
    }
}

static void on_listener(void *ctx, short revents, uint64_t now_us)
{
    world_t *w = ctx;
    (void)revents;
    (void)now_us;
    int fd = accept(w->listener, NULL, NULL);
    assert_true(fd >= 0 && w->accepted < CLIENTS);
    w->fds[w->accepted++] = fd;
    es_loop_add_fd(w->loop, fd, POLLIN, on_peer, w);
}

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    assert_non_null(w);
    w->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(w->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(w->listener, CLIENTS), 0);
    getsockname(w->listener, (struct sockaddr *)&at, &len);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u/x", ntohs(at.sin_port));
    w->loop = es_loop_new();
    w->client = es_http_client_new(w->loop, 2);
    w->deadline_us = es_now_us() + DEADLINE_US;
    w->want = "\r\n\r\n";
    w->wanted = 1;
    es_loop_add_tick(w->loop, watchdog, w);
    es_loop_add_fd(w->loop, w->listener, POLLIN, on_listener, w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    es_http_client_destroy(&w->client);
    es_loop_destroy(&w->loop);
    for (size_t i = 0; i < w->accepted; i++)
        if (w->fds[i] >= 0) close(w->fds[i]);
    close(w->listener);
    free(w);
    return 0;
}

static void on_done(void *ctx, const es_http_result_t *result, uint64_t now_us)
{
    world_t *w = ctx;
    (void)now_us;
    w->result = *result;
    assert_int_equal(strlen(result->body), result->len);
    snprintf(w->body, sizeof w->body, "%s", result->body);
    snprintf(w->error, sizeof w->error, "%s", result->error ? result->error : "");
    if (w->cancel) es_http_client_cancel(w->client, w->cancel);
    if (++w->done == w->wanted) es_loop_stop(w->loop);
}

static void answer(world_t *w, const char *text)
{
    w->answer = text;
    w->answer_len = strlen(text);
}

static void run(world_t *w, es_http_call_t call)
{
    if (!call.url) call.url = w->url;
    assert_true(es_http_client_send(w->client, &call, on_done, w) > 0);
    assert_int_equal(w->done, 0);
    es_loop_run(w->loop);
    assert_int_equal(w->done, 1);
    assert_int_equal(es_http_client_calls(w->client), 0);
}

static void test_get(void **state)
{
    world_t *w = *state;
    const char *const headers[] = {"Authorization: Bearer x", NULL};
    answer(w, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    run(w, (es_http_call_t){.headers = headers});
    assert_int_equal(w->result.status, 200);
    assert_null(w->result.error);
    assert_true(w->result.connected);
    assert_string_equal(w->body, "hello");
    assert_non_null(strstr(w->request, "GET /x HTTP/1.1\r\n"));
    assert_non_null(strstr(w->request, "\r\nAuthorization: Bearer x\r\n"));
}

static void test_post_copies_what_it_sends(void **state)
{
    world_t *w = *state;
    char body[] = "{\"a\":1}", url[64];
    const char *const headers[] = {"Content-Type: application/json", NULL};
    snprintf(url, sizeof url, "%s", w->url);
    answer(w, "HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 3\r\n\r\nno\n");
    w->want = "{\"a\":1}";
    es_http_call_t call = {.url = url, .headers = headers, .body = body, .len = strlen(body)};
    es_http_client_send(w->client, &call, on_done, w);
    memset(body, 'x', sizeof body);
    memset(url, 'x', sizeof url);
    es_loop_run(w->loop);
    assert_int_equal(w->result.status, 503);
    assert_int_equal(w->result.retry_after_s, 7);
    assert_null(w->result.error); /* an answer is an answer */
    assert_non_null(strstr(w->request, "POST /x "));
}

static void test_another_method(void **state)
{
    world_t *w = *state;
    answer(w, "HTTP/1.1 204 No Content\r\n\r\n");
    run(w, (es_http_call_t){.method = "DELETE"});
    assert_int_equal(w->result.status, 204);
    assert_non_null(strstr(w->request, "DELETE /x "));
}

static size_t give(void *ctx, void *out, size_t max)
{
    world_t *w = ctx;
    size_t n = w->left < max ? w->left : max;
    memset(out, 'b', n);
    w->left -= n;
    return n;
}

static void test_a_body_that_is_read(void **state)
{
    world_t *w = *state;
    answer(w, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    w->left = 9;
    w->want = "bbbbbbbbb";
    run(w, (es_http_call_t){.read = give, .length = 9});
    assert_int_equal(w->result.status, 202);
    assert_non_null(strstr(w->request, "Content-Length: 9\r\n"));
}

static void test_a_body_of_unknown_length(void **state)
{
    world_t *w = *state;
    answer(w, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    w->left = 9;
    w->want = "\r\n9\r\nbbbbbbbbb\r\n0\r\n\r\n";
    run(w, (es_http_call_t){.read = give, .length = -1});
    assert_int_equal(w->result.status, 202);
}

static size_t give_up(void *ctx, void *out, size_t max)
{
    (void)ctx;
    (void)out;
    (void)max;
    return SIZE_MAX;
}

static void test_a_body_that_cannot_be_read(void **state)
{
    world_t *w = *state;
    w->hold = true;
    run(w, (es_http_call_t){.read = give_up, .length = 9});
    assert_int_equal(w->result.status, 0);
    assert_string_equal(w->error, "given up on our side");
}

static bool take(void *ctx, const void *data, size_t len)
{
    world_t *w = ctx;
    size_t have = strlen(w->taken);
    assert_true(have + len < sizeof w->taken);
    memcpy(w->taken + have, data, len);
    return true;
}

static void test_an_answer_that_is_taken(void **state)
{
    world_t *w = *state;
    answer(w, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    run(w, (es_http_call_t){.take = take});
    assert_string_equal(w->taken, "hello");
    assert_string_equal(w->body, "");
}

static void test_a_refusal_is_gathered_all_the_same(void **state)
{
    world_t *w = *state;
    answer(w, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnope\n");
    run(w, (es_http_call_t){.take = take});
    assert_string_equal(w->taken, "");
    assert_string_equal(w->body, "nope\n");
}

static void test_too_long_an_answer(void **state)
{
    world_t *w = *state;
    answer(w, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!");
    run(w, (es_http_call_t){.answer_max = 5});
    assert_string_equal(w->error, "the answer has more than 5 bytes");
    assert_int_equal(w->result.status, 200);
}

static void test_half_an_answer(void **state)
{
    world_t *w = *state;
    answer(w, "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\nhello");
    run(w, (es_http_call_t){.timeout_us = 0});
    assert_true(w->error[0]);
    assert_false(w->result.timed_out);
}

static void test_a_server_that_says_nothing(void **state)
{
    world_t *w = *state;
    w->hold = true;
    run(w, (es_http_call_t){.timeout_us = 100000});
    assert_int_equal(w->result.status, 0);
    assert_true(w->result.timed_out);
    assert_true(w->error[0]);
}

static void test_nobody_listens(void **state)
{
    world_t *w = *state;
    es_loop_remove_fd(w->loop, w->listener);
    close(w->listener);
    run(w, (es_http_call_t){.timeout_us = 5000000});
    w->listener = dup(STDERR_FILENO);
    assert_int_equal(w->result.status, 0);
    assert_false(w->result.connected);
    assert_true(w->error[0]);
}

static bool never(const struct sockaddr *address)
{
    assert_int_equal(address->sa_family, AF_INET);
    return false;
}

static bool always(const struct sockaddr *address)
{
    (void)address;
    return true;
}

static void test_an_address_that_may_not_be_reached(void **state)
{
    world_t *w = *state;
    run(w, (es_http_call_t){.may_reach = never});
    assert_true(w->result.refused);
    assert_int_equal(w->result.status, 0);
    assert_string_equal(w->error, "it has an address that may not be reached");
    assert_int_equal(w->accepted, 0);
}

static void test_an_address_that_may_be_reached(void **state)
{
    world_t *w = *state;
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* would take the call elsewhere */
    answer(w, "HTTP/1.1 204 No Content\r\n\r\n");
    run(w, (es_http_call_t){.may_reach = always});
    unsetenv("http_proxy");
    assert_false(w->result.refused);
    assert_int_equal(w->result.status, 204);
}

static void test_only_http(void **state)
{
    world_t *w = *state;
    run(w, (es_http_call_t){.url = "file:///etc/passwd"});
    assert_int_equal(w->result.status, 0);
    assert_true(w->error[0]);
    assert_string_equal(w->body, "");
}

static void test_redirections_are_not_followed(void **state)
{
    world_t *w = *state;
    answer(w, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    run(w, (es_http_call_t){.timeout_us = 0});
    assert_int_equal(w->result.status, 302);
}

static void test_a_cancelled_call_says_nothing(void **state)
{
    world_t *w = *state;
    es_http_call_t call = {.url = w->url};
    answer(w, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    uint64_t first = es_http_client_send(w->client, &call, on_done, w);
    es_http_client_cancel(w->client, first);
    es_http_client_cancel(w->client, first);
    assert_int_equal(es_http_client_calls(w->client), 0);
    run(w, (es_http_call_t){.timeout_us = 0});
}

static void test_done_may_cancel_another(void **state)
{
    world_t *w = *state;
    es_http_call_t call = {.url = w->url};
    answer(w, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    es_http_client_send(w->client, &call, on_done, w);
    es_http_client_send(w->client, &call, on_done, w);
    w->cancel = es_http_client_send(w->client, &call, on_done, w); /* waits: two connections */
    w->wanted = 2;
    es_loop_run(w->loop);
    assert_int_equal(w->done, 2);
    assert_int_equal(es_http_client_calls(w->client), 0);
}

static void test_destroyed_with_calls_under_way(void **state)
{
    world_t *w = *state;
    es_http_call_t call = {.url = w->url};
    es_http_client_send(w->client, &call, on_done, w);
    es_http_client_send(w->client, &call, on_done, w);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_get),
        T(test_post_copies_what_it_sends),
        T(test_another_method),
        T(test_a_body_that_is_read),
        T(test_a_body_of_unknown_length),
        T(test_a_body_that_cannot_be_read),
        T(test_an_answer_that_is_taken),
        T(test_a_refusal_is_gathered_all_the_same),
        T(test_too_long_an_answer),
        T(test_half_an_answer),
        T(test_a_server_that_says_nothing),
        T(test_nobody_listens),
        T(test_an_address_that_may_not_be_reached),
        T(test_an_address_that_may_be_reached),
        T(test_only_http),
        T(test_redirections_are_not_followed),
        T(test_a_cancelled_call_says_nothing),
        T(test_done_may_cancel_another),
        T(test_destroyed_with_calls_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
