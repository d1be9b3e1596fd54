#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/operator.h"

static void write_file(const char *file, const char *text)
{
    FILE *out = fopen(file, "we");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fchmod(fileno(out), 0600), 0);
    assert_int_equal(fclose(out), 0);
}

static void the_token_is_made_once(void **state)
{
    (void)state;
    char dir[] = "/tmp/es-operator-XXXXXX", file[64], err[512] = "";
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/operator.token", dir);
    es_operator_t a = {.token = ""}, b = {.token = ""};
    assert_int_equal(es_operator_load(&a, file, err, sizeof err), 0);
    assert_int_equal(strlen(a.token), 64);
    assert_string_equal(a.file, file);
    assert_int_equal(es_operator_load(&b, file, err, sizeof err), 0);
    assert_string_equal(a.token, b.token);
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chmod(file, 0640), 0); /* as a container has it */
    assert_int_equal(es_operator_load(&b, file, err, sizeof err), 0);
    assert_int_equal(chmod(file, 0644), 0);
    assert_int_equal(es_operator_load(&b, file, err, sizeof err), -1);
    assert_non_null(strstr(err, "holds the operator's token and may be read by others on this machine: chmod 640"));
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(es_operator_load(&b, file, err, sizeof err), -1);
    assert_non_null(strstr(err, file));
}

static void a_token_may_be_brought_along(void **state)
{
    (void)state;
    char dir[] = "/tmp/es-operator-XXXXXX", file[64], err[512] = "";
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/t", dir);
    es_operator_t self = {.token = ""};
    write_file(file, "correct horse battery staple\r\n");
    assert_int_equal(es_operator_load(&self, file, err, sizeof err), -1);
    write_file(file, "correct-horse.battery_staple\r\n");
    assert_int_equal(es_operator_load(&self, file, err, sizeof err), 0);
    assert_string_equal(self.token, "correct-horse.battery_staple");
    write_file(file, "short\n");
    assert_int_equal(es_operator_load(&self, file, err, sizeof err), -1);
    assert_non_null(strstr(err, "16 to 128"));
    write_file(file, "");
    assert_int_equal(es_operator_load(&self, file, err, sizeof err), -1);
    char line[400];
    memset(line, 'a', sizeof line - 1);
    line[sizeof line - 1] = 0;
    write_file(file, line);
    assert_int_equal(es_operator_load(&self, file, err, sizeof err), -1);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void only_the_whole_token_opens(void **state)
{
    (void)state;
    const es_operator_t self = {.token = "0123456789abcdef"};
    assert_true(es_operator_is(&self, es_span("0123456789abcdef")));
    assert_false(es_operator_is(&self, es_span("0123456789abcde")));
    assert_false(es_operator_is(&self, es_span("0123456789abcdef0")));
    assert_false(es_operator_is(&self, es_span(NULL)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_is_made_once),
        cmocka_unit_test(a_token_may_be_brought_along),
        cmocka_unit_test(only_the_whole_token_opens),
    };
    return cmocka_run_group_tests_name("operator", tests, NULL, NULL);
}
