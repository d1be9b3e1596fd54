#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "session.h"

#define ID "0123456789abcdef0123456789abcdef"
#define DAY UINT64_C(86400000)
static const es_session_key_t key = {.bytes = {1, 2, 3}}, other = {.bytes = {1, 2, 4}};

static void a_token_brings_its_session_back(void **state)
{
    (void)state;
    char token[ES_SESSION_TOKEN_MAX + 1], session[ES_SESSION_LEN + 1] = "";
    es_session_issue(&key, "", ID, 1000000, token);
    assert_null(es_session_verify(&key, "", token, 1000000 + DAY, DAY, session));
    assert_string_equal(session, ID);
    assert_non_null(es_session_verify(&key, "", token, 1000001 + DAY, DAY, session));
    assert_non_null(es_session_verify(&other, "", token, 1000000, DAY, session));
    assert_null(es_session_verify(&key, "", token, 900000, DAY, session)); /* clocks differ a little */
    assert_non_null(es_session_verify(&key, "", token, 100000, DAY, session));
}

static void it_is_of_no_use_to_another(void **state)
{
    (void)state;
    static const char *const names[] = {"", "jwt:alice", "jwt:alic", "key:alice", "operator"};
    char token[ES_SESSION_TOKEN_MAX + 1], session[ES_SESSION_LEN + 1];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        es_session_issue(&key, names[i], ID, 1000000, token);
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            const char *wrong = es_session_verify(&key, names[k], token, 1000000, DAY, session);
            if (i == k)
                assert_null(wrong);
            else
                assert_string_equal(wrong, "The token was not issued to you by this server.");
        }
    }
}

static void no_byte_of_it_may_change(void **state)
{
    (void)state;
    char token[ES_SESSION_TOKEN_MAX + 1], session[ES_SESSION_LEN + 1] = "unset";
    es_session_issue(&key, "", ID, UINT64_C(1700000000000), token);
    size_t len = strlen(token);
    for (size_t i = 0; i < len; i++) {
        char was = token[i];
        for (const char *c = "0f.z"; *c; c++) {
            if (*c == was) continue;
            token[i] = *c;
            assert_non_null(es_session_verify(&key, "", token, UINT64_C(1700000000000), DAY, session));
        }
        token[i] = 0;
        assert_non_null(es_session_verify(&key, "", token, UINT64_C(1700000000000), DAY, session));
        token[i] = was;
    }
    strcat(token, "0");
    assert_non_null(es_session_verify(&key, "", token, UINT64_C(1700000000000), DAY, session));
    assert_non_null(es_session_verify(&key, "", "", 0, DAY, session));
    assert_non_null(es_session_verify(&key, "",
                                      ID "."
                                         "fffffffffffffffff"
                                         ".",
                                      0, DAY, session));
    assert_string_equal(session, "unset");
}

static void the_key_is_made_once(void **state)
{
    (void)state;
    char dir[] = "/tmp/es-session-XXXXXX", file[64], err[256] = "";
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/key", dir);
    es_session_key_t a = {{0}}, b = {{0}};
    assert_int_equal(es_session_key_load(&a, file, err, sizeof err), 0);
    assert_int_equal(es_session_key_load(&b, file, err, sizeof err), 0);
    assert_memory_equal(&a, &b, sizeof a);
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chmod(file, 0644), 0);
    assert_int_equal(es_session_key_load(&b, file, err, sizeof err), -1);
    assert_non_null(strstr(err, "chmod 600"));
    assert_int_equal(chmod(file, 0640), 0);
    assert_int_equal(es_session_key_load(&b, file, err, sizeof err), 0);
    assert_int_equal(truncate(file, 5), 0);
    assert_int_equal(es_session_key_load(&b, file, err, sizeof err), -1);
    assert_non_null(strstr(err, "32 bytes"));
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(es_session_key_load(&b, file, err, sizeof err), -1);
    assert_non_null(strstr(err, file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_brings_its_session_back),
        cmocka_unit_test(it_is_of_no_use_to_another),
        cmocka_unit_test(no_byte_of_it_may_change),
        cmocka_unit_test(the_key_is_made_once),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
