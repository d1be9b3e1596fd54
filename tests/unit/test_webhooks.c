/* actors/jobs/webhook_address.h, webhook_key.h, webhook_share.h and the pauses of webhooks.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "webhook_address.h"
#include "webhook_key.h"
#include "webhook_share.h"
#include "webhooks.h"

static bool is_public(const char *text)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in4.sin_addr) == 1) return es_webhook_address_public((const struct sockaddr *)&in4);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return es_webhook_address_public((const struct sockaddr *)&in6);
}

static void closed_addresses(void **state)
{
    static const char *const closed[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::c0a8:1",
        "2002:7f00:1::",
        "2002:c0a8:101::",
        "2001:db8::1",
        "2001::1",
        "100::1",
        "3fff::1",
        "4000::1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if (is_public(closed[i])) fail_msg("%s was let through", closed[i]);
}

static void public_addresses(void **state)
{
    static const char *const open[] = {
        "1.1.1.1",         "9.255.255.255", "11.0.0.1",       "100.63.255.255",   "100.128.0.1",     "126.1.1.1",
        "128.0.0.1",       "172.15.0.1",    "172.32.0.1",     "192.167.0.1",      "198.20.0.1",      "223.255.255.255",
        "2606:4700::1111", "2a00:1450::1",  "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2001:4860::8888"};
    (void)state;
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (!is_public(open[i])) fail_msg("%s was refused", open[i]);
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(es_webhook_address_public(&other));
}

static void pauses_take_a_day(void **state)
{
    uint64_t sum = 0, last = 0;
    (void)state;
    for (uint32_t tries = 1; tries < 10; tries++) {
        uint64_t pause = es_webhooks_pause_ms(tries);
        assert_true(pause > last);
        sum += last = pause;
    }
    assert_int_equal(es_webhooks_pause_ms(0), 0);
    assert_int_equal(es_webhooks_pause_ms(10), 0);
    assert_int_equal(es_webhooks_pause_ms(UINT32_MAX), 0);
    assert_in_range(sum, 23 * 3600000, 25 * 3600000);
}

static void a_known_signature(void **state)
{
    es_webhook_key_t key = {.bytes = "0123456789abcdef0123456789abcdef", .len = 32};
    char out[ES_WEBHOOK_SIGNATURE_MAX];
    (void)state;
    es_webhook_key_sign(&key, 1700000000, "{\"a\":1}", 7, out);
    assert_string_equal(out, "t=1700000000,v1=f05f2539e3ae1c49aec5f8cfdad75ef6b06480b133973ffbb7ec9e18827af177");
}

static void a_key_is_made_once(void **state)
{
    char file[64] = "/tmp/es-webhook-XXXXXX", err[512];
    es_webhook_key_t key, again;
    struct stat st;
    (void)state;
    close(mkstemp(file));
    assert_int_equal(es_webhook_key_load(&key, file, err, sizeof err), -1); /* it is there, and empty */
    assert_non_null(strstr(err, "16 to 256 bytes"));
    unlink(file);
    assert_int_equal(es_webhook_key_load(&key, file, err, sizeof err), 0);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(key.len, 64);
    assert_int_equal(es_webhook_key_load(&again, file, err, sizeof err), 0);
    assert_int_equal(again.len, 64);
    assert_memory_equal(key.bytes, again.bytes, 64);
    assert_int_equal(chmod(file, 0440), 0); /* as a container has it */
    assert_int_equal(es_webhook_key_load(&again, file, err, sizeof err), 0);
    assert_int_equal(chmod(file, 0644), 0);
    assert_int_equal(es_webhook_key_load(&again, file, err, sizeof err), -1);
    assert_non_null(strstr(err, "holds the key for webhooks and may be read by others on this machine: chmod 640"));
    unlink(file);
    assert_int_equal(es_webhook_key_load(&key, "/nowhere/key", err, sizeof err), -1);
    assert_non_null(strstr(err, "/nowhere/key"));
}

static void the_host_of_an_address(void **state)
{
    static const char *const cases[][2] = {
        {"https://example.org/hook", "example.org"},
        {"http://example.org", "example.org"},
        {"http://Example.org.:8080?x=/@y", "Example.org"},
        {"http://a:b@c@example.org#/", "example.org"},
        {"http://[::1]:80/", "[::1]"},
        {"http://u@[2001:db8::1]/", "[2001:db8::1]"},
        {"http://[::1", "[::1"},
        {"https:///hook", ""},
        {"https://", ""},
        {"example.org", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_span_t host = es_webhook_host(cases[i][0]);
        if (!es_span_eq(host, es_span(cases[i][1])))
            fail_msg("%s has the host %.*s", cases[i][0], (int)host.len, host.ptr);
    }
}

static void a_host_has_its_share(void **state)
{
    es_webhook_calls_t calls = {"http://a.example/1", NULL, "https://A.example:8443/2", "http://b.example/1"};
    char *but[ES_WEBHOOK_FULL_MAX];
    (void)state;
    calls[14] = "http://u@a.example./3";
    assert_false(es_webhook_full(calls, "http://a.example/4"));
    es_webhook_full_hosts(calls, but);
    assert_null(but[0]);
    calls[15] = "http://a.example";
    assert_true(es_webhook_full(calls, "https://A.EXAMPLE:1/"));
    assert_false(es_webhook_full(calls, "http://b.example/"));
    assert_false(es_webhook_full(calls, "http://aa.example/"));
    es_webhook_full_hosts(calls, but);
    assert_string_equal(but[0], "http://a.example/");
    assert_null(but[1]);
    free(but[0]);
    calls[0] = NULL;
    assert_false(es_webhook_full(calls, "http://a.example/4"));
}

static void every_place_may_be_of_hosts_with_their_share(void **state)
{
    static const char *const urls[] = {"http://a?1", "http://b", "http://c#", "http://d/"};
    static const char *const begin[] = {"http://a?", "http://b/", "http://c#", "http://d/"};
    es_webhook_calls_t calls;
    char *but[ES_WEBHOOK_FULL_MAX];
    (void)state;
    for (size_t i = 0; i < ES_WEBHOOK_CALLS; i++) calls[i] = urls[i % 4];
    es_webhook_full_hosts(calls, but);
    for (size_t i = 0; i < ES_WEBHOOK_FULL_MAX; i++) {
        assert_string_equal(but[i], begin[i]);
        free(but[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_addresses),     cmocka_unit_test(public_addresses),
        cmocka_unit_test(pauses_take_a_day),    cmocka_unit_test(a_known_signature),
        cmocka_unit_test(a_key_is_made_once),   cmocka_unit_test(the_host_of_an_address),
        cmocka_unit_test(a_host_has_its_share), cmocka_unit_test(every_place_may_be_of_hosts_with_their_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
