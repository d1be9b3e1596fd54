#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "listen_address.h"

static void each_text_has_its_meaning(void **state)
{
    static const struct {
        const char *text;
        int rc;
        bool loopback;
    } cases[] = {{"127.0.0.1:9100", 0, true},
                 {"127.9.9.9:0", 0, true},
                 {"0.0.0.0:65535", 0, false},
                 {"[::1]:9100", 0, true},
                 {"[::]:9100", 0, false},
                 {"10.1.2.3:80", 0, false},
                 {"9100", -1, false},
                 {":9100", -1, false},
                 {"127.0.0.1", -1, false},
                 {"127.0.0.1:", -1, false},
                 {"127.0.0.1:65536", -1, false},
                 {"127.0.0.1:http", -1, false},
                 {"::1:9100", -1, false},
                 {"127.0.0.1:-1", -1, false},
                 {"127.0.0.1:+80", -1, false},
                 {"[127.0.0.1:80", -1, false},
                 {"", -1, false},
                 {"no.such.host.invalid:80", -1, false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_listen_address_t at;
        char err[300] = "";
        int rc = es_listen_address_parse(&at, cases[i].text, err, sizeof err);
        if (rc != cases[i].rc || (rc == 0 && at.loopback != cases[i].loopback)) fail_msg("%s: %s", cases[i].text, err);
        if (rc != 0) assert_non_null(strstr(err, "write "));
    }
}

static void a_drawn_port_is_told(void **state)
{
    es_listen_address_t at;
    char err[300], url[96];
    (void)state;
    assert_int_equal(es_listen_address_parse(&at, "127.0.0.1:0", err, sizeof err), 0);
    int fd = es_listen_address_open(&at, 1);
    assert_true(fd >= 0);
    es_listen_address_url(fd, "http", url, sizeof url);
    assert_int_equal(strncmp(url, "http://127.0.0.1:", 17), 0);
    assert_true(atol(url + 17) > 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_text_has_its_meaning),
                                       cmocka_unit_test(a_drawn_port_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
