#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addresses.h"
#include "net.h"

static void urls_that_work(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host;
        unsigned port;
        const char *path;
        bool tls;
    } cases[] = {{"ws://127.0.0.1:8000/ws", "127.0.0.1", 8000, "/ws", false},
                 {"http://localhost:9/", "localhost", 9, "/ws", false},
                 {"ws://h", "h", 80, "/ws", false},
                 {"wss://h/x?y=1", "h", 443, "/x?y=1", true},
                 {"https://h:8443", "h", 8443, "/ws", true},
                 {"ws://[::1]:8000/ws", "::1", 8000, "/ws", false},
                 {"ws://[::1]/ws", "::1", 80, "/ws", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_ws_url_t url;
        char err[200];
        assert_int_equal(es_ws_url_parse(&url, cases[i].url, err, sizeof err), 0);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.path, cases[i].path);
        assert_int_equal(url.tls, cases[i].tls);
    }
}

static void urls_that_do_not(void **state)
{
    (void)state;
    static const char *const cases[] = {"",          "ftp://h",      "127.0.0.1:8000", "ws://",        "ws://:80",
                                        "ws://h:",   "ws://h:0/",    "ws://h:65536",   "ws://h:x",     "ws://h:80x/",
                                        "ws://[::1", "ws://[::1]80", "ws://h?x=1",     "ws://h:100000"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_ws_url_t url;
        char err[200] = "";
        assert_int_equal(es_ws_url_parse(&url, cases[i], err, sizeof err), -1);
        assert_non_null(strstr(err, "should look like") ? err : strstr(err, "path"));
    }
}

static int read_addr(const char *text, es_net_address_t *at)
{
    char path[] = "/tmp/es-addr-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    int result = es_net_read_addr(path, at);
    unlink(path);
    return result;
}

static void the_address_an_edge_wrote(void **state)
{
    (void)state;
    char url[300];
    es_net_address_t at;
    assert_int_equal(read_addr("http://127.0.0.1:8000\n", &at), 0);
    es_net_url(url, sizeof url, &at, "ws", "/ws");
    assert_string_equal(url, "ws://127.0.0.1:8000/ws");
    assert_int_equal(read_addr("http://0.0.0.0:81", &at), 0);
    assert_string_equal(at.host, "127.0.0.1");
    assert_int_equal(read_addr("https://[::]:82/\n", &at), 0);
    es_net_url(url, sizeof url, &at, "http", "");
    assert_string_equal(url, "https://[::1]:82");
    static const char *const bad[] = {
        "",      "\n", "http://x\n", "http://:80\n", "http://h:0\n", "http://h:99999\n", "http://h:8x\n", "ws://h:80\n",
        "h:80\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(read_addr(bad[i], &at), -1);
    assert_int_equal(es_net_read_addr("/nonexistent", &at), -1);
}

static void nobody_is_there(void **state)
{
    (void)state;
    char err[160] = "";
    assert_int_equal(es_net_try("127.0.0.1", 1, 1000, err, sizeof err), -1);
    assert_string_equal(err, "Connection refused");
    assert_int_equal(es_net_get(&(es_net_address_t){.host = "127.0.0.1", .port = 1}, "/", 1000), -1);
    assert_int_equal(es_net_try("name.invalid", 1, 1000, err, sizeof err), -1);
    assert_non_null(strstr(err, "cannot be resolved"));
    assert_int_equal(es_net_free("127.0.0.1", 0, err, sizeof err), 0);
}

static void several_addresses(void **state)
{
    (void)state;
    es_addresses_t list;
    char two[] = "ws://a:1/ws,ws://b:2/ws", empty[] = "ws://a:1/ws,", err[600];
    char many[] = "ws://a,ws://a,ws://a,ws://a,ws://a,ws://a,ws://a,ws://a,ws://a,ws://a,ws://a,ws://a,ws://a,ws://a,"
                  "ws://a,ws://a,ws://a";
    assert_int_equal(es_addresses_parse(&list, two, err, sizeof err), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.names[0], "ws://a:1/ws");
    assert_string_equal(list.urls[1].host, "b");
    assert_int_equal(es_addresses_parse(&list, empty, err, sizeof err), -1);
    assert_int_equal(es_addresses_parse(&list, many, err, sizeof err), -1);
    assert_string_equal(err, "more than 16 addresses");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_that_work),   cmocka_unit_test(several_addresses),
        cmocka_unit_test(urls_that_do_not), cmocka_unit_test(the_address_an_edge_wrote),
        cmocka_unit_test(nobody_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
