#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "doctor_judge.h"
#include "doctor_view.h"

#define GB UINT64_C(1000000000)
#define DAY INT64_C(86400)

/* said: a part of it, or NULL. What is wrong comes with what to do about it. */
static void expect(const es_finding_t *finding, es_verdict_t verdict, const char *said)
{
    if (finding->verdict != verdict) fail_msg("%s: %s", es_verdict_name(finding->verdict), finding->said);
    if (said && !strstr(finding->said, said)) fail_msg("\"%s\" is not in \"%s\"", said, finding->said);
    if (verdict == ES_VERDICT_OK) assert_string_equal(finding->mend, "");
    if (verdict == ES_VERDICT_WARN || verdict == ES_VERDICT_FAIL) assert_string_not_equal(finding->mend, "");
}

static void the_machine(void **state)
{
    (void)state;
    es_finding_t f;
    static const struct {
        void (*judge)(es_finding_t *out, uint64_t value);
        uint64_t fails, warns, well;
    } cases[] = {{es_judge_descriptors, 1023, 8191, 8192},
                 {es_judge_memory, GB / 20, GB / 3, GB},
                 {es_judge_backlog, UINT64_MAX, 128, 4096}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cases[i].judge(&f, cases[i].fails);
        if (cases[i].fails != UINT64_MAX) expect(&f, ES_VERDICT_FAIL, NULL);
        cases[i].judge(&f, cases[i].warns);
        expect(&f, ES_VERDICT_WARN, NULL);
        cases[i].judge(&f, cases[i].well);
        expect(&f, ES_VERDICT_OK, NULL);
    }
    es_judge_disk(&f, "/data", GB / 100, 100 * GB);
    expect(&f, ES_VERDICT_FAIL, "/data: 0.0 GB of 100.0 GB are free");
    es_judge_disk(&f, "/data", GB + GB / 2, 100 * GB);
    expect(&f, ES_VERDICT_WARN, NULL);
    es_judge_disk(&f, "/data", 50 * GB, 100 * GB);
    expect(&f, ES_VERDICT_OK, NULL);
}

static void clocks(void **state)
{
    (void)state;
    es_finding_t f;
    es_judge_clock(&f, 1000, true);
    expect(&f, ES_VERDICT_FAIL, "before 2025");
    es_judge_clock(&f, 1800000000, true);
    expect(&f, ES_VERDICT_OK, "kept");
    es_judge_clock(&f, 1800000000, false);
    expect(&f, ES_VERDICT_OK, "no time service");
    static const struct {
        int64_t ahead_us;
        es_verdict_t verdict;
        const char *said;
    } cases[] = {{0, ES_VERDICT_OK, NULL},
                 {2000000, ES_VERDICT_OK, NULL},
                 {-2000000, ES_VERDICT_OK, NULL},
                 {2500000, ES_VERDICT_WARN, "the clock of broker is 2.5 s behind this one"},
                 {-2500000, ES_VERDICT_WARN, "2.5 s ahead of this one"},
                 {31000000, ES_VERDICT_FAIL, "31.0 s behind"},
                 {-31000000, ES_VERDICT_FAIL, "ahead of"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_judge_skew(&f, "broker", cases[i].ahead_us);
        expect(&f, cases[i].verdict, cases[i].said);
    }
}

static void what_is_installed(void **state)
{
    (void)state;
    es_finding_t f;
    static const struct {
        const char *name, *version;
        es_verdict_t verdict;
        const char *said;
    } cases[] = {
        {"libzmq", "4.3.4", ES_VERDICT_OK, "libzmq 4.3.4"},
        {"libzmq", "4.2.5", ES_VERDICT_FAIL, "any key is let in"},
        {"libwebsockets", "4.1.6-", ES_VERDICT_OK, "libwebsockets 4.1.6: takes frames of clients that are not masked"},
        {"libwebsockets", "v5.0.1", ES_VERDICT_OK, "libwebsockets v5.0.1"},
        {"libwebsockets", "4.0.20-x", ES_VERDICT_FAIL, "libwebsockets 4.0.20 is too old"},
        {"OpenSSL", "3.0.15", ES_VERDICT_OK, NULL},
        {"OpenSSL", "1.1.1", ES_VERDICT_FAIL, NULL},
        {"OpenSSL", "", ES_VERDICT_FAIL, NULL},
        {"another", "0", ES_VERDICT_OK, "another 0"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        es_judge_library(&f, cases[i].name, cases[i].version);
        expect(&f, cases[i].verdict, cases[i].said);
    }
    es_judge_release(&f, "broker b", "0.1.0", "0.1.0");
    expect(&f, ES_VERDICT_OK, "broker b is of release 0.1.0, as this command");
    es_judge_release(&f, "broker b", "0.0.9", "0.1.0");
    expect(&f, ES_VERDICT_WARN, "broker b is of release 0.0.9, and this command of release 0.1.0");
    es_judge_release(&f, "broker b", NULL, "0.1.0");
    expect(&f, ES_VERDICT_WARN, "does not tell");
}

static void permissions(void **state)
{
    (void)state;
    es_finding_t f;
    es_judge_mode(&f, "/k", 0100600, 0600, "keys");
    expect(&f, ES_VERDICT_OK, "(0600)");
    es_judge_mode(&f, "/k", 0100640, 0600, "keys");
    expect(&f, ES_VERDICT_WARN, "/k holds keys, and others may read it (0640)");
    assert_string_equal(f.mend, "chmod 0600 /k");
    es_judge_mode(&f, "/k", 0040777, 0750, "keys");
    expect(&f, ES_VERDICT_FAIL, "others may change it (0777)");
    assert_string_equal(f.mend, "chmod 0750 /k");
    es_judge_mode(&f, "/k", 0042750, 0755, "keys"); /* setgid */
    expect(&f, ES_VERDICT_OK, NULL);
}

static void who_serves(void **state)
{
    (void)state;
    es_finding_t f;
    json_t *status =
        json_pack("{s:[{s:s, s:i, s:i}, {s:s, s:i, s:i}, {s:s, s:i, s:i, s:b}, {s:s, s:i, s:i}]}", "workers", "service",
                  "transcribe", "capacity", 4, "load", 1, "service", "transcribe", "capacity", 4, "load", 4, "service",
                  "transcribe", "capacity", 64, "load", 0, "draining", 1, "service", "room", "capacity", 5, "load", 9);
    es_judge_service(&f, status, "transcribe");
    expect(&f, ES_VERDICT_OK, "2 transcribers, 3 of 8 places for streams are free");
    es_judge_service(&f, status, "room");
    expect(&f, ES_VERDICT_WARN, "1 room actor, 0 of 5 places for rooms are free");
    es_judge_service(&f, status, "analyze");
    expect(&f, ES_VERDICT_SKIP, "there is no analysis actor");
    json_decref(status);
    status = json_object();
    es_judge_service(&f, status, "transcribe");
    expect(&f, ES_VERDICT_FAIL, "there is no transcriber");
    assert_non_null(strstr(f.mend, "earshot-transcriber"));
    json_decref(status);
}

static void edges(void **state)
{
    (void)state;
    es_finding_t f;
    es_judge_ready(&f, "ws://a/ws", 200, "");
    expect(&f, ES_VERDICT_OK, "is ready");
    es_judge_ready(&f, "ws://a/ws", 503, "no broker is heard");
    expect(&f, ES_VERDICT_FAIL, "is not ready: no broker is heard");
    es_judge_ready(&f, "ws://a/ws", 404, "");
    expect(&f, ES_VERDICT_FAIL, "status 404: it does not say why");
    es_judge_certificate(&f, "wss://a/ws", 1000 * DAY, 1090 * DAY);
    expect(&f, ES_VERDICT_OK, "good for 90 more days");
    es_judge_certificate(&f, "wss://a/ws", 1000 * DAY, 1003 * DAY);
    expect(&f, ES_VERDICT_WARN, "good for 3 more days");
    es_judge_certificate(&f, "wss://a/ws", 1000 * DAY, 998 * DAY);
    expect(&f, ES_VERDICT_FAIL, "has ended 2 days ago");
    es_judge_loop(&f, "ws://a/ws", 120000, 1200, 2);
    expect(&f, ES_VERDICT_OK,
           "1.2 s of sound went through ws://a/ws, a broker and a transcriber and back in 0.12 s, with 2 finals");
    es_judge_loop(&f, "ws://a/ws", 4000000, 1200, 0);
    expect(&f, ES_VERDICT_WARN, NULL);
}

static char *shown(bool colour, bool json)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    es_doctor_view_t view;
    es_finding_t finding;
    es_doctor_view_init(&view, out, colour, json);
    es_finding_set(&finding, ES_VERDICT_OK, "all is %s", "well");
    es_doctor_view_finding(&view, "clock", &finding);
    es_finding_set(&finding, ES_VERDICT_FAIL, "a name with \033[2J");
    es_finding_mend(&finding, "do %d things", 2);
    es_doctor_view_finding(&view, "keys", &finding);
    es_doctor_view_end(&view, (size_t[ES_VERDICTS]){1, 0, 0, 1});
    fclose(out);
    return text;
}

static void findings_are_shown(void **state)
{
    (void)state;
    char *text = shown(false, false);
    assert_string_equal(text, "ok    clock      all is well\n"
                              "fail  keys       a name with  [2J\n"
                              "                   do 2 things\n"
                              "1 ok, 0 to be looked at, 1 wrong\n");
    free(text);
    text = shown(true, false);
    assert_non_null(strstr(text, "\033[31mfail\033[0m  keys"));
    free(text);
    text = shown(true, true);
    json_t *all = json_loads(text, 0, NULL);
    const json_t *second = json_array_get(json_object_get(all, "findings"), 1);
    assert_int_equal(json_integer_value(json_object_get(all, "fail")), 1);
    assert_string_equal(json_string_value(json_object_get(second, "check")), "keys");
    assert_string_equal(json_string_value(json_object_get(second, "verdict")), "fail");
    assert_string_equal(json_string_value(json_object_get(second, "mend")), "do 2 things");
    assert_true(json_is_null(json_object_get(json_array_get(json_object_get(all, "findings"), 0), "mend")));
    json_decref(all);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machine),        cmocka_unit_test(clocks),     cmocka_unit_test(what_is_installed),
        cmocka_unit_test(permissions),        cmocka_unit_test(who_serves), cmocka_unit_test(edges),
        cmocka_unit_test(findings_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
