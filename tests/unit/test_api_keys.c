#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/api_keys.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "BBBBBBBBBBBBBBBBbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static es_principal_t *find(const es_api_keys_t *self, int byte)
{
    uint8_t digest[ES_API_KEY_DIGEST];
    memset(digest, byte, sizeof digest);
    return es_api_keys_find(self, digest);
}

static void a_file_is_read(void **state)
{
    (void)state;
    static const char text[] = "# ours\r\n\n  \t\nci\t" A "  stream,jobs\r\n"
                               "kiosk " B " room.join,room.say rooms=lobby,caf\xc3\xa9-*,*";
    char err[700] = "";
    es_api_keys_t *self = es_api_keys_parse(es_span(text), "f", err, sizeof err);
    assert_string_equal(err, "");
    assert_non_null(self);
    assert_int_equal(es_api_keys_count(self), 2);
    es_principal_t *ci = find(self, 0xaa), *kiosk = find(self, 0xbb);
    assert_string_equal(es_principal_name(ci), "key:ci");
    assert_int_equal(es_principal_grant(ci)->rights, ES_RIGHT_STREAM | ES_RIGHT_JOBS);
    assert_false(es_principal_grant(ci)->limited);
    assert_true(es_principal_may_room(kiosk, ES_RIGHT_ROOM_JOIN, es_span("whatever")));
    assert_null(find(self, 0xcc));
    es_api_keys_destroy(&self);
    es_api_keys_destroy(&self);
}

static void a_mistake_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *complaint;
    } cases[] = {
        {"ci", "line 1: the second word is not"},
        {"ci 1234 stream", "line 1: the second word is not"},
        {"\n\nci " A, "line 3: the rights are missing"},
        {"ci " A "a stream", "the second word is not"},
        {"ci g" A " stream", "the second word is not"},
        {"ci " A " stream,", "\"\" is no right"},
        {"ci " A " strem", "\"strem\" is no right; there are stream"},
        {"ci " A " stream rooms", "\"rooms\" is too much"},
        {"ci " A " stream rooms=", "\"\" cannot be a room"},
        {"ci " A " stream rooms=a,,b", "\"\" cannot be a room"},
        {"ci " A " stream rooms=a\x01", "cannot be a room"},
        {"ci " A " stream rooms=\xff", "cannot be a room"},
        {"ci " A " stream rooms=a more", "\"more\" is too much"},
        {"c/i " A " stream", "\"c/i\" is no name"},
        {"ci " A " stream\nci " B " stream", "line 2: the name \"ci\" is there already"},
        {"ci " A " stream\nme " A " stream", "line 2: this is the key of \"ci\" already"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char err[700] = "";
        assert_null(es_api_keys_parse(es_span(cases[i].text), "the-file", err, sizeof err));
        if (strncmp(err, "the-file, line ", 15) || !strstr(err, cases[i].complaint))
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].text, err, cases[i].complaint);
    }
}

static void a_key_in_the_place_of_its_digest_is_not_shown(void **state)
{
    (void)state;
    char err[700] = "";
    assert_null(es_api_keys_parse(es_span("ci earshot_secret stream"), "f", err, sizeof err));
    assert_null(strstr(err, "secret"));
}

static void there_is_a_bound(void **state)
{
    (void)state;
    static char text[(ES_API_KEYS_MAX + 1) * 100];
    char err[700] = "";
    size_t len = 0;
    for (unsigned i = 0; i <= ES_API_KEYS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "k%u %064x stream\n", i, i);
    assert_null(es_api_keys_parse(es_span_of(text, len), "f", err, sizeof err));
    assert_non_null(strstr(err, "line 1001: at most 1000 keys"));
}

static void a_file_open_to_others_is_refused(void **state)
{
    (void)state;
    char file[] = "/tmp/es-api-keys-XXXXXX", err[700] = "";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    close(fd);
    static const struct {
        mode_t mode;
        const char *complaint; /* NULL: fine */
    } cases[] = {
        {0600, NULL}, {0640, NULL}, {0400, NULL}, {0604, "may be read by others"}, {0660, "may be written by others"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(chmod(file, cases[i].mode), 0);
        es_api_keys_t *self = es_api_keys_load(file, err, sizeof err);
        assert_int_equal(self == NULL, cases[i].complaint != NULL);
        if (!self) assert_non_null(strstr(err, cases[i].complaint));
        es_api_keys_destroy(&self);
    }
    assert_int_equal(unlink(file), 0);
    assert_null(es_api_keys_load(file, err, sizeof err));
    assert_non_null(strstr(err, "No such file"));
    assert_null(es_api_keys_load("/tmp", err, sizeof err));
    assert_non_null(strstr(err, "directory"));
    assert_null(es_api_keys_load("/dev/null", err, sizeof err));
    assert_non_null(strstr(err, "regular"));
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_null(es_api_keys_load(file, err, sizeof err)); /* and does not wait for a writer */
    assert_int_equal(unlink(file), 0);
}

static void a_large_file_is_refused(void **state)
{
    (void)state;
    char file[] = "/tmp/es-api-keys-XXXXXX", err[700] = "";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, ES_API_KEYS_FILE_MAX + 1), 0);
    close(fd);
    assert_null(es_api_keys_load(file, err, sizeof err));
    assert_non_null(strstr(err, "too large"));
    assert_int_equal(unlink(file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(a_mistake_is_told_with_its_line),
        cmocka_unit_test(a_key_in_the_place_of_its_digest_is_not_shown),
        cmocka_unit_test(there_is_a_bound),
        cmocka_unit_test(a_file_open_to_others_is_refused),
        cmocka_unit_test(a_large_file_is_refused),
    };
    return cmocka_run_group_tests_name("api_keys", tests, NULL, NULL);
}
