/* Who a client is, and what it may do, in both dialects. */
#include "edge_world.h"
#include "envelope_ws.h"
#include "flat.h"
#include "identity_world.h"

#define SAY(type, payload) "{\"type\":\"" type "\",\"payload\":{" payload "},\"timestamp\":1}"
#define AUTH(token) SAY("session.auth", "\"token\":\"" token "\"")
#define START SAY("audio.start", "\"sample_rate\":16000,\"format\":\"pcm16\"")
#define SECOND UINT64_C(1000000)
static const uint64_t wall_s = UINT64_C(1234567890);

/* A house that asks, with one API key that may stream and be in rooms that begin with team-. */
static es_identity_t *asking(uint64_t max_connections)
{
    const char *keys = world_file("keys", "ci " CI_DIGEST " stream,room.join,room.say rooms=team-*\n");
    return world_identity((es_identity_config_t){.api_keys = keys, .max_connections = max_connections});
}

static es_guest_t *somebody(const char *name, unsigned rights, uint64_t expires)
{
    es_grant_t grant = {.rights = rights};
    return es_guest_new(ES_WHO_OK, es_principal_new(name, &grant, expires, NULL));
}

static world_t *world_of(es_identity_t *identity, const es_dialect_t *dialect, es_guest_t *guest)
{
    world_t *w = world_empty();
    w->env.identity = identity;
    w->env.limits.auth_us = 10 * SECOND;
    w->client = es_client_new(&w->env, WORLD_ID, dialect, "rate=8000", guest, w);
    return w;
}

static void end(world_t *w, es_identity_t *identity)
{
    world_destroy(w);
    es_identity_destroy(&identity);
}

#define expect(w, part)                                                          \
    do {                                                                         \
        const char *said_ = world_said(w);                                       \
        if (!strstr(said_, part)) fail_msg("\"%s\" is not in: %s", part, said_); \
    } while (0)

static void where_nobody_is_asked_all_is_as_it_was(void **state)
{
    (void)state;
    es_identity_t *identity = world_identity((es_identity_config_t){0});
    world_t *w = world_of(identity, &es_envelope_ws, NULL);
    expect(w, "\"welcome\"");
    world_text(w, START);
    world_chunk(w, 640);
    expect(w, "\"ack\"");
    world_text(w, AUTH("whatever this is"));
    expect(w, "\"session.authenticated\"");
    assert_int_equal(w->closes, 0);
    world_text(w, AUTH(OPERATOR));
    expect(w, "\"principal\":\"operator\"");
    end(w, identity);
}

static void a_stranger_may_say_who_it_is_and_nothing_else(void **state)
{
    (void)state;
    es_identity_t *identity = asking(0);
    world_t *w = world_of(identity, &es_envelope_ws, NULL);
    expect(w, "\"session.wanted\",\"payload\":{\"within_ms\":10000}");
    assert_int_equal(w->env.strangers.count, 1);
    world_text(w, START);
    expect(w, "\"unauthorized\"");
    world_chunk(w, 640);
    expect(w, "\"unauthorized\"");
    world_text(w, "{");
    expect(w, "\"invalid_json\"");
    assert_string_equal(world_said(w), "");
    assert_int_equal(w->sent_count, 0);
    world_text(w, AUTH(CI_KEY));
    expect(w, "\"session.authenticated\"");
    expect(w, "\"welcome\"");
    assert_int_equal(w->env.strangers.count, 0);
    world_text(w, START);
    world_chunk(w, 640);
    expect(w, "\"ack\"");
    end(w, identity);
}

static void the_flat_protocol_asks_too(void **state)
{
    (void)state;
    es_identity_t *identity = asking(0);
    world_t *w = world_of(identity, &es_flat, NULL);
    assert_string_equal(world_said(w), "");
    world_chunk(w, 640);
    expect(w, "{\"error\":\"This server asks who you are");
    world_text(w, "stop");
    expect(w, "{\"error\":\"This server asks who you are");
    world_text(w, "{\"type\":\"auth\"}");
    expect(w, "needs \\\"token\\\"");
    world_text(w, "{\"type\":\"auth\",\"token\":\"" CI_KEY "\"}");
    assert_string_equal(world_said(w), "{\"type\":\"authenticated\",\"principal\":\"key:ci\"}");
    world_chunk(w, 640);
    expect(w, "\"seq\":1");
    assert_int_equal(w->sent_len[0] > 640, true); /* the query of the opening was not forgotten */
    end(w, identity);
}

static void what_is_wrong_is_told_and_closed(void **state)
{
    (void)state;
    es_identity_t *identity = asking(0);
    world_t *w = world_of(identity, &es_envelope_ws, NULL);
    expect(w, "session.wanted");
    world_text(w, AUTH("earshot_no-no-no-no-no-no-no-no"));
    expect(w, "\"code\":\"unknown_token\"");
    assert_int_equal(w->close_code, 1008);
    world_text(w, AUTH(CI_KEY));
    assert_string_equal(world_said(w), "");
    world_destroy(w);

    w = world_of(identity, &es_flat, es_guest_new(ES_WHO_FORGED, NULL));
    expect(w, "No key that this server trusts");
    assert_int_equal(w->close_code, 1008);
    assert_int_equal(w->env.strangers.count, 0);
    end(w, identity);
}

static void time_is_up(void **state)
{
    (void)state;
    es_identity_t *identity = asking(0);
    world_t *w = world_of(identity, &es_envelope_ws, NULL);
    expect(w, "session.wanted");
    w->env.now_us += 10 * SECOND - 1;
    es_client_check(w->client);
    assert_int_equal(w->closes, 0);
    w->env.now_us += 1;
    es_client_check(w->client);
    expect(w, "--auth-timeout");
    assert_int_equal(w->close_code, 1008);
    es_client_check(w->client);
    assert_int_equal(w->closes, 1);
    end(w, identity);
}

static void the_oldest_stranger_makes_room(void **state)
{
    (void)state;
    es_identity_t *identity = asking(0);
    world_t *w = world_of(identity, &es_envelope_ws, NULL);
    es_client_t *first = w->client;
    w->env.limits.max_strangers = 2;
    es_client_t *second = es_client_new(&w->env, "abcdef0000000002", &es_flat, "", NULL, w);
    assert_int_equal(w->closes, 0);
    es_client_t *third = es_client_new(&w->env, "abcdef0000000003", &es_flat, "", NULL, w);
    assert_true(first->closing && !second->closing && !third->closing);
    assert_int_equal(w->close_code, 1008);
    assert_int_equal(w->env.strangers.count, 2);
    es_client_destroy(&second);
    assert_ptr_equal(w->env.strangers.oldest, third);
    assert_int_equal(es_client_piece(third, "{\"type\":\"auth\",\"token\":\"" CI_KEY "\"}", 24 + sizeof CI_KEY - 1 + 2,
                                     0, true, false),
                     0);
    assert_true(es_client_known(third));
    assert_null(w->env.strangers.oldest);
    assert_null(w->env.strangers.newest);
    es_client_destroy(&third);
    end(w, identity);
}

static void what_a_stranger_says_must_be_short(void **state)
{
    (void)state;
    es_identity_t *identity = asking(0);
    world_t *w = world_of(identity, &es_envelope_ws, NULL);
    assert_int_equal(world_chunk(w, ES_STRANGER_MESSAGE), 0);
    assert_int_equal(world_chunk(w, ES_STRANGER_MESSAGE + 2), ES_WS_MESSAGE_TOO_LARGE);
    end(w, identity);
}

static void a_token_expires(void **state)
{
    (void)state;
    es_identity_t *identity = asking(0);
    world_t *w = world_of(identity, &es_envelope_ws, somebody("jwt:ann", ES_RIGHT_STREAM, wall_s + 5));
    expect(w, "welcome");
    w->env.wall_ms += 4000;
    es_client_check(w->client);
    assert_int_equal(w->closes, 0);
    w->env.wall_ms += 1000;
    es_client_check(w->client);
    expect(w, "\"code\":\"expired_token\"");
    assert_int_equal(w->close_code, 1008);
    end(w, identity);
}

/* A token in house.watch or job.watch opens for as long as it is good, whoever the client is. */
static void a_lent_token_expires_too(void **state)
{
    (void)state;
    es_grant_t dashboard = {.rights = ES_RIGHT_DASHBOARD};
    es_identity_t *identity = asking(0);
    world_t *w = world_of(identity, &es_envelope_ws, somebody("jwt:ann", ES_RIGHT_STREAM, UINT64_MAX));
    expect(w, "welcome");
    es_client_lend(w->client, es_principal_new("jwt:bob", &dashboard, wall_s + 5, NULL));
    w->env.wall_ms += 4000;
    es_client_check(w->client);
    assert_int_equal(w->closes, 0);
    w->env.wall_ms += 1000;
    es_client_check(w->client);
    expect(w, "\"code\":\"expired_token\"");
    assert_int_equal(w->close_code, 1008);
    end(w, identity);
}

static void it_is_renewed_by_the_same_and_not_by_another(void **state)
{
    (void)state;
    es_identity_t *identity = asking(1);
    world_t *w = world_of(identity, &es_envelope_ws, somebody("key:ci", ES_RIGHTS_ALL, wall_s + 5));
    expect(w, "welcome");
    world_text(w, START);
    world_text(w, AUTH(OPERATOR));
    expect(w, "\"code\":\"other_principal\"");
    world_text(w, AUTH(CI_KEY));
    expect(w, "\"token\":"); /* of the session, anew */
    w->env.wall_ms += 6000;
    es_client_check(w->client);
    assert_int_equal(w->closes, 0);
    world_text(w, SAY("job.watch", "\"session_id\":\"a\""));
    expect(w, "needs the right jobs");
    assert_non_null(w->client->sender);
    end(w, identity);
}

static void what_it_may_no_longer_do_ends(void **state)
{
    (void)state;
    const char *keys = world_file("keys", "ci " CI_DIGEST " room.join\n");
    es_identity_t *identity = world_identity((es_identity_config_t){.api_keys = keys});
    world_t *w = world_of(identity, &es_envelope_ws, somebody("key:ci", ES_RIGHT_STREAM, UINT64_MAX));
    world_text(w, START);
    world_chunk(w, 640);
    world_text(w, AUTH(CI_KEY));
    assert_true(w->client->stopping);
    assert_true(world_sent(w, ES_F_EOS));
    end(w, identity);
}

static void so_many_connections_and_no_more(void **state)
{
    (void)state;
    es_identity_t *identity = asking(1);
    world_t *first = world_of(identity, &es_envelope_ws, NULL), *second = world_of(identity, &es_envelope_ws, NULL);
    world_text(first, AUTH(CI_KEY));
    world_text(first, AUTH(CI_KEY));
    assert_int_equal(first->closes, 0);
    world_text(second, AUTH(CI_KEY));
    expect(second, "session.wanted");
    expect(second, "too_many_connections");
    assert_int_equal(second->close_code, 1008);
    world_destroy(first);
    world_destroy(second);
    second = world_of(identity, &es_envelope_ws, NULL);
    world_text(second, AUTH(CI_KEY));
    assert_int_equal(second->closes, 0);
    end(second, identity);
}

static void every_right_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *says, *needs;
    } cases[] = {
        {START, "needs the right stream;"},
        {SAY("room.join", "\"room\":\"lobby\",\"name\":\"Ann\""),
         "needs the right room.join in the room \\\"lobby\\\""},
        {SAY("job.watch", "\"session_id\":\"desk\""), "needs the right jobs;"},
        {SAY("audio.start", "\"sample_rate\":16000,\"format\":\"pcm16\",\"room\":\"lobby\""),
         "needs the right stream;"},
    };
    es_identity_t *identity = asking(0);
    world_t *w = world_of(identity, &es_envelope_ws, somebody("jwt:ann", ES_RIGHT_DASHBOARD, UINT64_MAX));
    expect(w, "welcome");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world_text(w, cases[i].says);
        expect(w, cases[i].needs);
    }
    world_destroy(w);
    w = world_of(identity, &es_envelope_ws, somebody("jwt:ann", ES_RIGHT_STREAM, UINT64_MAX));
    expect(w, "welcome");
    world_text(w, cases[3].says);
    expect(w, "needs the right room.say in the room \\\"lobby\\\"");
    assert_int_equal(w->sent_count, 0);
    world_destroy(w);
    w = world_of(identity, &es_flat, somebody("jwt:ann", ES_RIGHT_JOBS, UINT64_MAX));
    world_chunk(w, 640);
    expect(w, "needs the right stream;");
    end(w, identity);
}

static void anothers_session_is_not_taken_over(void **state)
{
    (void)state;
    char token[ES_SESSION_TOKEN_MAX + 1], says[400];
    es_identity_t *identity = asking(0);
    world_t *w = world_of(identity, &es_envelope_ws, somebody("jwt:bob", ES_RIGHTS_ALL, UINT64_MAX));
    expect(w, "welcome");
    es_session_issue(&w->env.session_key, "jwt:ann", w->client->session, w->env.wall_ms, token);
    snprintf(says, sizeof says, SAY("session.resume", "\"token\":\"%s\""), token);
    world_text(w, says);
    expect(w, "\"ok\":false,\"reason\":\"The token was not issued to you by this server.\"");
    world_destroy(w);
    w = world_of(identity, &es_envelope_ws, somebody("jwt:ann", ES_RIGHTS_ALL, UINT64_MAX));
    expect(w, "welcome");
    world_text(w, says);
    expect(w, "\"ok\":true");
    end(w, identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_nobody_is_asked_all_is_as_it_was),
        cmocka_unit_test(a_stranger_may_say_who_it_is_and_nothing_else),
        cmocka_unit_test(the_flat_protocol_asks_too),
        cmocka_unit_test(what_is_wrong_is_told_and_closed),
        cmocka_unit_test(time_is_up),
        cmocka_unit_test(the_oldest_stranger_makes_room),
        cmocka_unit_test(what_a_stranger_says_must_be_short),
        cmocka_unit_test(a_token_expires),
        cmocka_unit_test(a_lent_token_expires_too),
        cmocka_unit_test(it_is_renewed_by_the_same_and_not_by_another),
        cmocka_unit_test(what_it_may_no_longer_do_ends),
        cmocka_unit_test(so_many_connections_and_no_more),
        cmocka_unit_test(every_right_is_asked_for),
        cmocka_unit_test(anothers_session_is_not_taken_over),
    };
    return cmocka_run_group_tests(tests, world_make, world_remove);
}
