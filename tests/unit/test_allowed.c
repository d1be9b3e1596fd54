/* The list of those who may come, and what a new one changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "allowed.h"

static char said[512];

static void on_added(void *ctx, const char *who)
{
    (void)ctx;
    size_t n = strlen(said);
    snprintf(said + n, sizeof said - n, "+%s ", who);
}

static void on_revoked(void *ctx, const char *who)
{
    (void)ctx;
    size_t n = strlen(said);
    snprintf(said + n, sizeof said - n, "-%s ", who);
}

static const es_allowed_ops_t ops = {.added = on_added, .revoked = on_revoked};

static es_key_t key(es_role_t role, const char *name)
{
    char err[200];
    es_key_t out;
    assert_int_equal(es_key_make(&out, role, name, err, sizeof err), 0);
    return out;
}

static const char *replace(es_allowed_t *list, es_key_t *keys, size_t n)
{
    said[0] = 0;
    es_allowed_replace(list, &(es_keys_t){.list = keys, .count = n}, &ops, NULL);
    return said;
}

static es_span_t bytes_of(const es_key_t *k, uint8_t out[ES_KEY_BYTES])
{
    es_key_public_bytes(k, out);
    return es_span_of(out, ES_KEY_BYTES);
}

static void changes_are_told(void **state)
{
    (void)state;
    es_allowed_t list = {0};
    uint8_t raw[ES_KEY_BYTES];
    es_key_t keys[] = {key(ES_ROLE_EDGE, "a"), key(ES_ROLE_ROOM, "b"), key(ES_ROLE_JOBS, "c")};
    assert_string_equal(replace(&list, keys, 2), "+edge/a +room/b ");
    assert_string_equal(replace(&list, keys, 2), "");
    assert_string_equal(replace(&list, keys + 1, 2), "-edge/a +jobs/c ");
    assert_null(es_allowed_key(&list, bytes_of(&keys[0], raw)));
    assert_string_equal(es_allowed_key(&list, bytes_of(&keys[2], raw))->who, "jobs/c");
    assert_int_equal(es_allowed_role(&list, "room/b"), ES_ROLE_ROOM);
    assert_int_equal(es_allowed_role(&list, "edge/a"), ES_ROLE_NONE);
    assert_int_equal(es_allowed_role(&list, "room"), ES_ROLE_NONE);
    assert_string_equal(replace(&list, keys, 0), "-room/b -jobs/c ");
    es_allowed_fini(&list);
}

/* Another key under the same name: what came with the old one must go. */
static void a_new_key_revokes_the_old_one(void **state)
{
    (void)state;
    es_allowed_t list = {0};
    es_key_t before = key(ES_ROLE_EDGE, "a"), after = key(ES_ROLE_EDGE, "a");
    replace(&list, &before, 1);
    assert_string_equal(replace(&list, &after, 1), "-edge/a +edge/a ");
    /* the same key in another role */
    after.role = ES_ROLE_OBSERVER;
    assert_string_equal(replace(&list, &after, 1), "-edge/a +observer/a ");
    es_allowed_fini(&list);
}

static void of_two_with_one_key_the_first_counts(void **state)
{
    (void)state;
    es_allowed_t list = {0};
    es_key_t keys[2] = {key(ES_ROLE_OBSERVER, "a")};
    keys[1] = keys[0];
    keys[1].role = ES_ROLE_OPERATOR;
    assert_string_equal(replace(&list, keys, 2), "+observer/a ");
    es_allowed_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(changes_are_told),
                                       cmocka_unit_test(a_new_key_revokes_the_old_one),
                                       cmocka_unit_test(of_two_with_one_key_the_first_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
