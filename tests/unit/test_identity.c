#include "identity_world.h"

static void without_files_everybody_may_what_is_open(void **state)
{
    (void)state;
    es_identity_t *self = world_identity((es_identity_config_t){0});
    es_principal_t *p;
    assert_false(es_identity_required(self));
    assert_int_equal(es_identity_bearer(self, (es_span_t){0}, 0, &p), ES_WHO_OK);
    assert_string_equal(es_principal_name(p), "");
    assert_true(es_principal_may(p, ES_RIGHT_STREAM) && es_principal_may(p, ES_RIGHT_JOBS));
    assert_true(es_principal_may_room(p, ES_RIGHT_ROOM_SAY, es_span("any")));
    assert_false(es_principal_may(p, ES_RIGHT_DASHBOARD) || es_principal_may(p, ES_RIGHT_ADMIN));
    assert_true(es_principal_expires(p) == UINT64_MAX);
    es_principal_unref(&p);
    assert_int_equal(es_identity_authorization(self, es_span("Basic dXNlcjpwdw=="), 0, &p), ES_WHO_OK);
    es_principal_unref(&p);
    assert_int_equal(world_asks(self, "somebody-elses-token", 0, NULL), ES_WHO_UNKNOWN);
    es_identity_destroy(&self);
}

static void the_operator_may_everything(void **state)
{
    (void)state;
    es_identity_t *self = world_identity((es_identity_config_t){0});
    es_principal_t *p;
    assert_int_equal(es_identity_authorization(self, es_span("bearer  " OPERATOR), 0, &p), ES_WHO_OK);
    assert_string_equal(es_principal_name(p), "operator");
    for (unsigned right = 1; right < ES_RIGHTS_ALL; right <<= 1) assert_true(es_principal_may(p, right));
    assert_true(es_principal_may_room(p, ES_RIGHT_ROOM_JOIN, es_span("any")));
    es_principal_unref(&p);
    es_identity_destroy(&self);
}

static void an_api_key_opens_what_its_line_says(void **state)
{
    (void)state;
    const char *file = world_file("keys", "ci " CI_DIGEST " stream,room.say rooms=lobby,team-*\n");
    es_identity_t *self = world_identity((es_identity_config_t){.api_keys = file});
    es_principal_t *p;
    assert_true(es_identity_required(self));
    assert_int_equal(world_asks(self, "", 0, NULL), ES_WHO_MISSING);
    assert_int_equal(es_identity_authorization(self, es_span("Bearer " CI_KEY), 0, &p), ES_WHO_OK);
    assert_string_equal(es_principal_name(p), "key:ci");
    assert_true(es_principal_may(p, ES_RIGHT_STREAM));
    assert_false(es_principal_may(p, ES_RIGHT_JOBS));
    assert_true(es_principal_may_room(p, ES_RIGHT_ROOM_SAY, es_span("team-a")));
    assert_false(es_principal_may_room(p, ES_RIGHT_ROOM_SAY, es_span("lobby2")));
    assert_false(es_principal_may_room(p, ES_RIGHT_ROOM_JOIN, es_span("lobby")));
    es_principal_unref(&p);
    assert_int_equal(world_asks(self, CI_KEY "x", 0, NULL), ES_WHO_UNKNOWN);
    assert_int_equal(world_asks(self, CI_DIGEST, 0, NULL), ES_WHO_UNKNOWN);
    es_identity_destroy(&self);
}

static void what_is_no_token_is_malformed(void **state)
{
    (void)state;
    es_identity_t *self = world_identity((es_identity_config_t){.api_keys = world_file("keys", "")});
    static const char *const bad[] = {"=", "a b", "\"quoted\"", "a=b", "t\xc3\xb6ken", "a,b", "a\n"};
    es_principal_t *p;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(world_asks(self, bad[i], 0, NULL), ES_WHO_MALFORMED);
    assert_int_equal(es_identity_bearer(self, es_span_of("a\0b", 3), 0, &p), ES_WHO_MALFORMED);
    char *long_one = malloc(ES_TOKEN_MAX + 2);
    assert_non_null(long_one);
    memset(long_one, 'a', ES_TOKEN_MAX + 1);
    assert_int_equal(es_identity_bearer(self, es_span_of(long_one, ES_TOKEN_MAX + 1), 0, &p), ES_WHO_MALFORMED);
    assert_int_equal(es_identity_bearer(self, es_span_of(long_one, ES_TOKEN_MAX), 0, &p), ES_WHO_UNKNOWN);
    free(long_one);
    static const char *const none[] = {"", "Basic dXNlcjpwdw==", "Bearerx", "Bear"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(es_identity_authorization(self, es_span(none[i]), 0, &p), ES_WHO_MISSING);
    assert_int_equal(es_identity_authorization(self, es_span("Bearer   "), 0, &p), ES_WHO_MALFORMED);
    assert_int_equal(es_identity_authorization(self, es_span("Bearer"), 0, &p), ES_WHO_MALFORMED);
    es_identity_destroy(&self);
}

static void a_ticket_is_good_once_and_not_for_long(void **state)
{
    (void)state;
    const char *file = world_file("keys", "ci " CI_DIGEST " stream\n");
    es_identity_t *self = world_identity(
        (es_identity_config_t){.api_keys = file, .ticket_us = 1000, .max_tickets = 3, .tickets_each = 2});
    es_principal_t *ci, *p;
    char first[ES_TICKET_LEN + 1], second[ES_TICKET_LEN + 1];
    assert_int_equal(es_identity_bearer(self, es_span(CI_KEY), 0, &ci), ES_WHO_OK);
    assert_int_equal(es_identity_ticket(self, ci, 1, first), 0);
    assert_int_equal(es_identity_ticket(self, ci, 2, second), 0);
    assert_string_not_equal(first, second);
    assert_int_equal(strlen(first), ES_TICKET_LEN);
    assert_int_equal(es_identity_ticket(self, ci, 2, first + 0), -1); /* two of its own wait */
    assert_int_equal(es_identity_redeem(self, es_span(second), 3, &p), ES_WHO_OK);
    assert_ptr_equal(p, ci);
    es_principal_unref(&p);
    assert_int_equal(es_identity_redeem(self, es_span(second), 3, &p), ES_WHO_UNKNOWN);
    assert_int_equal(es_identity_ticket(self, ci, 4, first), 0);
    assert_int_equal(es_identity_redeem(self, es_span(first), 1004, &p), ES_WHO_UNKNOWN);
    assert_int_equal(es_identity_ticket(self, ci, 2000, first), 0);
    assert_int_equal(es_identity_redeem(self, es_span(first), 2999, &p), ES_WHO_OK);
    es_principal_unref(&p);
    assert_int_equal(es_identity_redeem(self, es_span("short"), 2999, &p), ES_WHO_MALFORMED);
    first[ES_TICKET_LEN - 1] = '!';
    assert_int_equal(es_identity_redeem(self, es_span(first), 2999, &p), ES_WHO_MALFORMED);
    es_principal_unref(&ci);
    es_identity_destroy(&self);
}

static void tickets_in_all_are_bounded(void **state)
{
    (void)state;
    es_identity_t *self = world_identity((es_identity_config_t){.max_tickets = 3, .tickets_each = 1});
    es_principal_t *anybody;
    char ticket[ES_TICKET_LEN + 1];
    assert_int_equal(es_identity_bearer(self, (es_span_t){0}, 0, &anybody), ES_WHO_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(es_identity_ticket(self, anybody, 1, ticket), 0);
    assert_int_equal(es_identity_ticket(self, anybody, 1, ticket), -1);
    assert_string_equal(ticket, "");
    assert_int_equal(es_identity_ticket(self, anybody, 30000001, ticket), 0);
    es_principal_unref(&anybody);
    es_identity_destroy(&self);
}

static void connections_are_counted_by_name(void **state)
{
    (void)state;
    const char *file = world_file("keys", "ci " CI_DIGEST " stream\n");
    es_identity_t *self = world_identity((es_identity_config_t){.api_keys = file, .max_connections = 2});
    es_principal_t *a, *b, *operator;
    assert_int_equal(es_identity_bearer(self, es_span(CI_KEY), 0, &a), ES_WHO_OK);
    assert_int_equal(es_identity_bearer(self, es_span(CI_KEY), 0, &b), ES_WHO_OK);
    assert_int_equal(es_identity_bearer(self, es_span(OPERATOR), 0, &operator), ES_WHO_OK);
    assert_int_equal(es_principal_enter(self, a), ES_WHO_OK);
    assert_int_equal(es_principal_enter(self, b), ES_WHO_OK);
    assert_int_equal(es_principal_enter(self, a), ES_WHO_TOO_MANY);
    es_principal_leave(b);
    assert_int_equal(es_principal_enter(self, a), ES_WHO_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(es_principal_enter(self, operator), ES_WHO_OK);
    es_identity_destroy(&self); /* who is still there may leave later */
    es_principal_leave(a);
    es_principal_leave(a);
    for (int i = 0; i < 3; i++) es_principal_leave(operator);
    es_principal_unref(&a);
    es_principal_unref(&b);
    es_principal_unref(&operator);
}

static void a_reload_takes_keys_away_and_leaves_the_rest(void **state)
{
    (void)state;
    char err[700] = "", ticket[ES_TICKET_LEN + 1];
    const char *file = world_file("keys", "ci " CI_DIGEST " stream\n");
    es_identity_t *self = world_identity((es_identity_config_t){.api_keys = file});
    es_principal_t *ci, *again;
    assert_int_equal(es_identity_bearer(self, es_span(CI_KEY), 0, &ci), ES_WHO_OK);
    assert_int_equal(es_identity_ticket(self, ci, 1, ticket), 0);
    world_file("keys", "ci " CI_DIGEST " stream\n\n# as before\n");
    assert_int_equal(es_identity_reload(self, err, sizeof err), 0);
    assert_int_equal(es_identity_bearer(self, es_span(CI_KEY), 0, &again), ES_WHO_OK);
    assert_ptr_equal(again, ci);
    es_principal_unref(&again);
    world_file("keys", "ci " CI_DIGEST " strem\n");
    assert_int_equal(es_identity_reload(self, err, sizeof err), -1);
    assert_non_null(strstr(err, "--api-keys: "));
    assert_non_null(strstr(err, "line 1"));
    assert_int_equal(world_asks(self, CI_KEY, 0, NULL), ES_WHO_OK);
    world_file("keys", "ci " CI_DIGEST " jobs\n");
    assert_int_equal(es_identity_reload(self, err, sizeof err), 0);
    assert_int_equal(es_principal_expires(ci), 0);
    assert_int_equal(es_identity_redeem(self, es_span(ticket), 2, &again), ES_WHO_UNKNOWN);
    assert_int_equal(es_identity_bearer(self, es_span(CI_KEY), 0, &again), ES_WHO_OK);
    assert_true(es_principal_may(again, ES_RIGHT_JOBS) && !es_principal_may(again, ES_RIGHT_STREAM));
    world_file("keys", "");
    assert_int_equal(es_identity_reload(self, err, sizeof err), 0);
    assert_int_equal(es_principal_expires(again), 0);
    assert_int_equal(world_asks(self, CI_KEY, 0, NULL), ES_WHO_UNKNOWN);
    es_principal_unref(&again);
    es_principal_unref(&ci);
    es_identity_destroy(&self);
}

/* An empty setting is a variable that somebody forgot to fill: nobody is let in by that. */
static void an_empty_setting_is_refused(void **state)
{
    (void)state;
    char err[1000] = "";
    const es_identity_config_t api = {.api_keys = "", .max_tickets = 1}, jwt = {.jwt_keys = "", .max_tickets = 1};
    assert_null(es_identity_new(&api, err, sizeof err));
    assert_string_equal(err, "--api-keys: no file is named");
    assert_null(es_identity_new(&jwt, err, sizeof err));
    assert_string_equal(err, "--jwt-key: no file is named");
}

static uint64_t counted(const char *name)
{
    for (es_metric_t *const *m = es_who_metrics(); *m; m++)
        if (strcmp((*m)->name, name) == 0) return es_metric_get(*m);
    fail_msg("there is no figure %s", name);
    return 0;
}

static void every_refusal_is_counted(void **state)
{
    (void)state;
    static const char malformed[] = "earshot_edge_auth_refused_total{reason=\"malformed_token\"}";
    es_identity_t *self = world_identity((es_identity_config_t){.api_keys = world_file("keys", "")});
    uint64_t before = counted(malformed), operator= counted("earshot_edge_auth_accepted_total{by=\"operator\"}");
    world_asks(self, "a b", 0, NULL);
    assert_int_equal(counted(malformed), before + 1);
    world_asks(self, OPERATOR, 0, NULL);
    assert_int_equal(counted("earshot_edge_auth_accepted_total{by=\"operator\"}"), operator+ 1);
    for (es_who_t who = ES_WHO_MISSING; who < ES_WHO_REASONS; who++) {
        char name[128];
        snprintf(name, sizeof name, "earshot_edge_auth_refused_total{reason=\"%s\"}", es_who_code(who));
        before = counted(name);
        es_who_refused(who);
        assert_int_equal(counted(name), before + 1);
        assert_true(strlen(es_who_sentence(who)) > 20);
    }
    es_identity_destroy(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_files_everybody_may_what_is_open),
        cmocka_unit_test(the_operator_may_everything),
        cmocka_unit_test(an_api_key_opens_what_its_line_says),
        cmocka_unit_test(what_is_no_token_is_malformed),
        cmocka_unit_test(a_ticket_is_good_once_and_not_for_long),
        cmocka_unit_test(tickets_in_all_are_bounded),
        cmocka_unit_test(connections_are_counted_by_name),
        cmocka_unit_test(a_reload_takes_keys_away_and_leaves_the_rest),
        cmocka_unit_test(an_empty_setting_is_refused),
        cmocka_unit_test(every_refusal_is_counted),
    };
    return cmocka_run_group_tests_name("identity", tests, world_make, world_remove);
}
