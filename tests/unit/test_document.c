#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "document.h"

static void test_words_with_times(void **state)
{
    es_document_t doc;
    char err[256];
    const char *json = "{\"job\":\"j\",\"language\":\"en\",\"duration_ms\":5000,\"segments\":["
                       "{\"start_ms\":100,\"end_ms\":900,\"text\":\"Hello, World\",\"speaker\":\"Ann\",\"words\":"
                       "[[\"Hello,\",100,400,900],[\"World\",500,900,1200,\"more\"]]},"
                       "{\"start_ms\":1000,\"end_ms\":2000,\"text\":\"[noise] -\",\"words\":[[\"-\",1000,1100,5]]}]}";
    (void)state;
    assert_int_equal(es_document_parse(&doc, json, strlen(json), err, sizeof err), 0);
    assert_string_equal(doc.language, "en");
    assert_int_equal(doc.duration_ms, 5000);
    assert_int_equal(doc.n_segments, 2);
    assert_int_equal(doc.n_words, 2);
    assert_string_equal(doc.words[0].text, "hello");
    assert_int_equal(doc.words[0].confidence, 900);
    assert_string_equal(doc.words[1].text, "world");
    assert_int_equal(doc.words[1].start_ms, 500);
    assert_int_equal(doc.words[1].confidence, 1000);
    assert_string_equal(doc.segments[0].speaker, "Ann");
    assert_null(doc.segments[1].speaker);
    assert_int_equal(doc.segments[1].words, 0);
    es_document_fini(&doc);
}

static void test_words_without_times_are_spread(void **state)
{
    es_document_t doc;
    char err[256];
    const char *json = "{\"segments\":[{\"start_ms\":1000,\"end_ms\":2000,\"text\":\"one two three four\"}]}";
    (void)state;
    assert_int_equal(es_document_parse(&doc, json, strlen(json), err, sizeof err), 0);
    assert_null(doc.language);
    assert_int_equal(doc.duration_ms, 2000);
    assert_int_equal(doc.n_words, 4);
    assert_int_equal(doc.words[2].start_ms, 1500);
    assert_int_equal(doc.words[2].end_ms, 1750);
    assert_int_equal(doc.words[2].confidence, -1);
    es_document_fini(&doc);
    es_document_fini(&doc);
}

static void test_damage(void **state)
{
    static const struct {
        const char *json, *reason;
    } damaged[] = {
        {"", "not JSON"},
        {"{\"segments\":[", "not JSON"},
        {"{\"segments\":[]} x", "not JSON"},
        {"[]", "not a JSON object"},
        {"{}", "no array of segments"},
        {"{\"segments\":{}}", "no array of segments"},
        {"{\"segments\":[1]}", "segment 0 is not an object"},
        {"{\"duration_ms\":-1,\"segments\":[]}", "duration_ms"},
        {"{\"duration_ms\":1.5,\"segments\":[]}", "duration_ms"},
        {"{\"duration_ms\":99999999999999,\"segments\":[]}", "duration_ms"},
        {"{\"segments\":[{\"start_ms\":0,\"text\":\"\"}]}", "segment 0: start_ms or end_ms"},
        {"{\"segments\":[{\"start_ms\":5,\"end_ms\":4,\"text\":\"\"}]}", "segment 0 ends before it begins"},
        {"{\"segments\":[{\"start_ms\":0,\"end_ms\":1}]}", "segment 0 has no text"},
        {"{\"segments\":[{\"start_ms\":0,\"end_ms\":1,\"text\":\"a\",\"words\":\"a\"}]}", "words is not an array"},
        {"{\"segments\":[{\"start_ms\":0,\"end_ms\":1,\"text\":\"a\",\"words\":[[\"a\",0]]}]}", "segment 0, word 0"},
        {"{\"segments\":[{\"start_ms\":0,\"end_ms\":1,\"text\":\"a\",\"words\":[[\"a\",2,1,3]]}]}",
         "segment 0, word 0"},
        {"{\"segments\":[{\"start_ms\":0,\"end_ms\":1,\"text\":\"a\",\"words\":[\"a\"]}]}", "segment 0, word 0"},
        {"{\"segments\":[{\"start_ms\":0,\"end_ms\":1,\"text\":\"a\\ud800\"}]}", "not JSON"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        es_document_t doc;
        char err[256] = "";
        assert_int_equal(es_document_parse(&doc, damaged[i].json, strlen(damaged[i].json), err, sizeof err), -1);
        if (!strstr(err, damaged[i].reason)) fail_msg("%s: %s", damaged[i].json, err);
        assert_int_equal(doc.n_words, 0);
        es_document_fini(&doc);
    }
}

static void test_text(void **state)
{
    es_document_t doc;
    char err[256];
    size_t all;
    const char *json =
        "{\"segments\":[{\"start_ms\":0,\"end_ms\":1,\"text\":\"Hello.\",\"speaker\":\"Ann\"},"
        "{\"start_ms\":0,\"end_ms\":1,\"text\":\"\"},{\"start_ms\":0,\"end_ms\":1,\"text\":\"für dich\"}]}";
    (void)state;
    assert_int_equal(es_document_parse(&doc, json, strlen(json), err, sizeof err), 0);
    const struct {
        size_t max;
        const char *text;
    } cuts[] = {{1000, "Ann: Hello.\nfür dich\n"},
                {22, "Ann: Hello.\nfür dich\n"},
                {21, "Ann: Hello.\nfür dich"},
                {14, "Ann: Hello.\nf"},
                {3, "Ann"},
                {0, ""}};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        char *text = es_document_text(&doc, cuts[i].max, &all);
        assert_string_equal(text, cuts[i].text);
        assert_int_equal(all, strlen(cuts[0].text));
        free(text);
    }
    es_document_fini(&doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_with_times),
        cmocka_unit_test(test_words_without_times_are_spread),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
