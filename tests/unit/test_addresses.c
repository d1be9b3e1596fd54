#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/addresses.h"

static struct sockaddr_storage from(const char *text)
{
    struct sockaddr_storage out = {0};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = 1};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = 2};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        memcpy(&out, &four, sizeof four);
    else if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
        memcpy(&out, &six, sizeof six);
    return out;
}

static es_address_t *enter(es_addresses_t *self, const char *text)
{
    struct sockaddr_storage address = from(text);
    return es_addresses_enter(self, &address);
}

static void each_address_has_its_limit(void **state)
{
    (void)state;
    es_addresses_t *self = es_addresses_new(2);
    es_address_t *first = enter(self, "10.0.0.1"), *second = enter(self, "10.0.0.1");
    assert_true(first && first == second);
    assert_null(enter(self, "10.0.0.1"));
    assert_null(enter(self, "::ffff:10.0.0.1"));
    assert_non_null(enter(self, "10.0.0.2"));
    assert_int_equal(es_addresses_count(self), 2);
    es_addresses_leave(self, first);
    assert_non_null(enter(self, "10.0.0.1"));
    assert_null(enter(self, "10.0.0.1"));
    es_addresses_destroy(&self);
    assert_null(self);
    es_addresses_destroy(&self);
}

static void a_network_of_ipv6_counts_as_one(void **state)
{
    (void)state;
    es_addresses_t *self = es_addresses_new(1);
    es_address_t *first = enter(self, "2001:db8:1:2::1");
    assert_non_null(first);
    assert_null(enter(self, "2001:db8:1:2:ffff::9"));
    es_address_t *other = enter(self, "2001:db8:1:3::1"), *unknown = enter(self, "nothing");
    assert_true(other && unknown);
    es_addresses_leave(self, first);
    es_addresses_leave(self, other);
    es_addresses_leave(self, unknown);
    assert_int_equal(es_addresses_count(self), 0);
    es_addresses_destroy(&self);
}

static void addresses_have_a_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"10.0.0.1", "10.0.0.1"},
                                           {"::ffff:10.0.0.2", "10.0.0.2"},
                                           {"2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"},
                                           {"nothing", "?"}};
    es_addresses_t *self = es_addresses_new(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[ES_ADDRESS_TEXT];
        es_address_text(enter(self, cases[i][0]), text);
        assert_string_equal(text, cases[i][1]);
    }
    es_addresses_destroy(&self);
}

static void who_has_many_networks_has_no_more(void **state)
{
    (void)state;
    es_addresses_t *self = es_addresses_new(2);
    es_address_t *in[2 * ES_ADDRESSES_NETWORK];
    char text[64];
    for (unsigned i = 0; i < 2 * ES_ADDRESSES_NETWORK; i++) {
        snprintf(text, sizeof text, "2001:db8:1:%x::%x", i / 2, i + 1);
        in[i] = enter(self, text);
        assert_non_null(in[i]);
    }
    assert_null(enter(self, "2001:db8:1:ffff::1"));
    assert_int_equal(es_addresses_count(self), ES_ADDRESSES_NETWORK);
    es_address_t *other = enter(self, "2001:db8:2::1"), *four = enter(self, "32.1.13.184"); /* the same bytes */
    assert_true(other && four);
    es_addresses_leave(self, in[0]);
    in[0] = enter(self, "2001:db8:1:ffff::1");
    assert_non_null(in[0]);
    assert_null(enter(self, "2001:db8:1:fffe::1"));
    for (unsigned i = 0; i < 2 * ES_ADDRESSES_NETWORK; i++) es_addresses_leave(self, in[i]);
    es_addresses_leave(self, other);
    es_addresses_leave(self, four);
    assert_int_equal(es_addresses_count(self), 0);
    in[0] = enter(self, "2001:db8:1:fffe::1"); /* nothing is left of it */
    assert_non_null(in[0]);
    es_addresses_destroy(&self);
}

static void this_machines_own_are_known(void **state)
{
    (void)state;
    static const char *const own[] = {"127.0.0.1", "::1", "::ffff:127.0.0.1"};
    static const char *const others[] = {"127.0.0.2", "10.0.0.1", "::", "2001:db8::1", "::ffff:10.0.0.1"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        struct sockaddr_storage address = from(own[i]);
        assert_true(es_addresses_own(&address));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct sockaddr_storage address = from(others[i]);
        assert_false(es_addresses_own(&address));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_has_its_limit), cmocka_unit_test(addresses_have_a_text),
        cmocka_unit_test(this_machines_own_are_known), cmocka_unit_test(a_network_of_ipv6_counts_as_one),
        cmocka_unit_test(who_has_many_networks_has_no_more)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
