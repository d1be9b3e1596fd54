#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "metrics_server.h"

static es_metrics_server_t *server;
static es_listen_address_t place;

static int start(void **state)
{
    char err[300];
    (void)state;
    assert_int_equal(es_listen_address_parse(&place, "127.0.0.1:0", err, sizeof err), 0);
    server = es_metrics_server_new(&place, NULL, err, sizeof err);
    assert_non_null(server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    es_metrics_server_destroy(&server);
    es_metrics_server_destroy(&server);
    return 0;
}

static int dial(void)
{
    char err[300];
    es_listen_address_t at;
    assert_int_equal(es_listen_address_parse(&at, es_metrics_server_url(server) + 7, err, sizeof err), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at.at, at.len), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* All until the end of the connection, which is closed here then. */
static const char *hear(int fd)
{
    static char text[65536];
    size_t len = 0;
    for (ssize_t n; (n = recv(fd, text + len, sizeof text - 1 - len, 0)) > 0;) len += (size_t)n;
    text[len] = 0;
    close(fd);
    return text;
}

static void a_page_and_the_end(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "GET /met");
    say(fd, "rics HTTP/1.1\r\nHost: a\r\n\r\n");
    const char *text = hear(fd);
    assert_int_equal(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_non_null(strstr(text, "process_open_fds"));
}

static void a_bad_head_is_answered(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "GET /metrics HTTP/1.1\nHost: a\n\n");
    assert_int_equal(strncmp(hear(fd), "HTTP/1.1 400 ", 13), 0);
}

static void nobody_is_kept_out_by_the_mute(void **state)
{
    int mute[4 * ES_METRICS_CONNECTIONS];
    (void)state;
    for (size_t i = 0; i < sizeof mute / sizeof mute[0]; i++) mute[i] = dial();
    int fd = dial();
    say(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(strstr(hear(fd), "\"status\":\"ok\""));
    for (size_t i = 0; i < sizeof mute / sizeof mute[0]; i++) close(mute[i]);
}

static void a_taken_port_is_told(void **state)
{
    char err[300];
    es_listen_address_t at;
    (void)state;
    assert_int_equal(es_listen_address_parse(&at, es_metrics_server_url(server) + 7, err, sizeof err), 0);
    assert_null(es_metrics_server_new(&at, NULL, err, sizeof err));
    assert_non_null(strstr(err, "another program has the port"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(a_page_and_the_end, start, stop),
                                       cmocka_unit_test_setup_teardown(a_bad_head_is_answered, start, stop),
                                       cmocka_unit_test_setup_teardown(nobody_is_kept_out_by_the_mute, start, stop),
                                       cmocka_unit_test_setup_teardown(a_taken_port_is_told, start, stop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
