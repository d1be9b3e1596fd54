/* Signed tokens in messages: each waits for its turn, and there are so many a minute. */
#include "edge_world.h"
#include "envelope_ws.h"
#include "flat.h"
#include "jwt_world.h"

#define SECOND UINT64_C(1000000)

static token_t signed_token, forged_token;
static uint64_t now_us;

static uint64_t clock_us(void)
{
    return now_us;
}

static world_t *stranger(es_identity_t *identity, const es_dialect_t *dialect)
{
    world_t *w = world_empty();
    w->env.identity = identity;
    w->env.limits.auth_us = 10 * SECOND;
    w->client = es_client_new(&w->env, WORLD_ID, dialect, "", NULL, w);
    hs256(&signed_token, CLAIMS);
    sign_hmac(&forged_token, EVP_sha256(), "another", 7, HEADER("HS256"), CLAIMS);
    return w;
}

static void end(world_t *w, es_identity_t *identity)
{
    world_destroy(w);
    es_identity_destroy(&identity);
}

static void show(world_t *w, const char *type, const char *token)
{
    char says[TOKEN_ROOM + 200];
    snprintf(says, sizeof says, "{\"type\":\"%s\",\"payload\":{\"token\":\"%s\"},\"timestamp\":1}", type, token);
    assert_int_equal(world_text(w, says), 0);
}

static void turn(world_t *w)
{
    es_turnstile_turn(&w->env.turnstile, clock_us);
}

#define expect(w, part)                                                          \
    do {                                                                         \
        const char *said_ = world_said(w);                                       \
        if (!strstr(said_, part)) fail_msg("\"%s\" is not in: %s", part, said_); \
    } while (0)

static void it_waits_for_its_turn_and_is_not_read_meanwhile(void **state)
{
    (void)state;
    es_identity_t *identity = with_secret();
    world_t *w = stranger(identity, &es_envelope_ws);
    expect(w, "session.wanted");
    show(w, "session.auth", signed_token.text);
    assert_string_equal(world_said(w), "");
    assert_true(w->throttles == 1 && w->unthrottles == 0);
    w->env.now_us += 20 * SECOND; /* it has come in time */
    es_client_check(w->client);
    assert_int_equal(w->closes, 0);
    turn(w);
    expect(w, "session.authenticated");
    expect(w, "welcome");
    assert_true(w->throttles == 1 && w->unthrottles == 1);
    end(w, identity);
}

static void the_flat_protocol_waits_too(void **state)
{
    char says[TOKEN_ROOM + 200];
    (void)state;
    es_identity_t *identity = with_secret();
    world_t *w = stranger(identity, &es_flat);
    snprintf(says, sizeof says, "{\"type\":\"auth\",\"token\":\"%s\"}", signed_token.text);
    world_text(w, says);
    assert_string_equal(world_said(w), "");
    turn(w);
    expect(w, "\"authenticated\",\"principal\":\"jwt:alice\"");
    end(w, identity);
}

static void a_forged_one_is_told_when_its_turn_has_come(void **state)
{
    (void)state;
    es_identity_t *identity = with_secret();
    world_t *w = stranger(identity, &es_envelope_ws);
    expect(w, "session.wanted");
    show(w, "session.auth", forged_token.text);
    assert_int_equal(w->closes, 0);
    turn(w);
    expect(w, "\"code\":\"forged_token\"");
    assert_int_equal(w->close_code, 1008);
    end(w, identity);
}

static void who_goes_leaves_the_queue(void **state)
{
    (void)state;
    es_identity_t *identity = with_secret();
    world_t *w = stranger(identity, &es_envelope_ws), *other = stranger(identity, &es_envelope_ws);
    show(w, "session.auth", signed_token.text);
    es_client_destroy(&w->client);
    assert_false(es_turnstile_waits(&w->env.turnstile));
    w->client = es_client_new(&w->env, WORLD_ID, &es_envelope_ws, "", NULL, w);
    show(w, "session.auth", signed_token.text);
    es_client_close(w->client, ES_WS_AWAY);
    turn(w);
    assert_false(es_client_known(w->client));
    world_destroy(other);
    end(w, identity);
}

static void so_many_a_minute_and_no_more(void **state)
{
    (void)state;
    es_identity_t *identity = with_secret();
    world_t *w = stranger(identity, &es_envelope_ws);
    w->env.limits.auth_rate = 6;
    w->env.limits.auth_burst = 2;
    expect(w, "session.wanted");
    for (int i = 0; i < 2; i++, turn(w)) show(w, "session.auth", signed_token.text);
    expect(w, "session.authenticated");
    expect(w, "welcome");
    expect(w, "session.authenticated");
    show(w, "session.auth", signed_token.text);
    expect(w, "\"code\":\"rate_limited\"");
    assert_false(es_turnstile_waits(&w->env.turnstile));
    show(w, "house.watch", signed_token.text); /* whatever shows one */
    expect(w, "\"ref\":\"house.watch\"");
    w->env.now_us += 10 * SECOND;
    show(w, "session.auth", signed_token.text);
    turn(w);
    expect(w, "session.authenticated");
    assert_int_equal(w->closes, 0);
    end(w, identity);
}

static void a_stranger_shows_it_for_itself_alone(void **state)
{
    (void)state;
    es_identity_t *identity = with_secret();
    world_t *w = stranger(identity, &es_envelope_ws);
    expect(w, "session.wanted");
    show(w, "house.watch", signed_token.text);
    expect(w, "\"unauthorized\"");
    assert_false(es_turnstile_waits(&w->env.turnstile));
    show(w, "session.auth", CI_KEY); /* nobody signs those */
    expect(w, "\"unknown_token\"");
    end(w, identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_waits_for_its_turn_and_is_not_read_meanwhile),
                                       cmocka_unit_test(the_flat_protocol_waits_too),
                                       cmocka_unit_test(a_forged_one_is_told_when_its_turn_has_come),
                                       cmocka_unit_test(who_goes_leaves_the_queue),
                                       cmocka_unit_test(so_many_a_minute_and_no_more),
                                       cmocka_unit_test(a_stranger_shows_it_for_itself_alone)};
    return cmocka_run_group_tests(tests, world_make, world_remove);
}
