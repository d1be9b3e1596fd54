#include "url_shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void passwords_are_not_shown(void **state)
{
    static const struct {
        const char *url, *shown;
    } cases[] = {
        {"sqlite:/var/lib/jobs.db", "sqlite:/var/lib/jobs.db"},
        {"postgresql://host/db", "postgresql://host/db"},
        {"postgresql://me@host/db", "postgresql://me@host/db"},
        {"postgresql://me:secret@host/db", "postgresql://me:******@host/db"},
        {"postgresql://me:se@cret@host/db?x=a@b", "postgresql://me:*******@host/db?x=a@b"},
        {"postgresql://host/db?password=secret&sslmode=require",
         "postgresql://host/db?password=******&sslmode=require"},
        {"postgresql://host/db?PASSWORD=secret", "postgresql://host/db?PASSWORD=******"},
        {"http://bob:secret@llm:8080/v1", "http://bob:******@llm:8080/v1"},
        {"not an address", "not an address"},
    };
    char shown[128];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_url_shown(cases[i].url, shown, sizeof shown);
        assert_string_equal(shown, cases[i].shown);
        assert_int_equal(es_url_has_password(cases[i].url), strcmp(cases[i].url, cases[i].shown) != 0);
    }
    es_url_shown(cases[3].url, shown, 10);
    assert_string_equal(shown, "postgresq");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(passwords_are_not_shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
