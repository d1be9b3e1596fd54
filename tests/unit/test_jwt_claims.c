/* What a token claims: times, audience and issuer, rights, rooms. Signatures and keys are test_jwt.c. */
#include "jwt_world.h"

static void times_are_looked_at(void **state)
{
    (void)state;
    static token_t token;
    static const struct {
        const char *claims;
        es_who_t who;
    } cases[] = {
        {"{\"sub\":\"a\",\"exp\":1699999971}", ES_WHO_OK}, /* the leeway is 30 s */
        {"{\"sub\":\"a\",\"exp\":1699999970}", ES_WHO_EXPIRED},
        {"{\"sub\":\"a\",\"exp\":1700000060.75}", ES_WHO_OK},
        {"{\"sub\":\"a\"}", ES_WHO_MALFORMED},
        {"{\"sub\":\"a\",\"exp\":null}", ES_WHO_MALFORMED},
        {"{\"sub\":\"a\",\"exp\":\"1700000060\"}", ES_WHO_MALFORMED},
        {"{\"sub\":\"a\",\"exp\":-1}", ES_WHO_MALFORMED},
        {"{\"sub\":\"a\",\"exp\":1e300}", ES_WHO_MALFORMED},
        {"{\"sub\":\"a\",\"exp\":9223372036854775807}", ES_WHO_MALFORMED},
        {"{\"sub\":\"a\",\"exp\":99999999999999999999999}", ES_WHO_MALFORMED},
        {"{\"sub\":\"a\",\"exp\":1700000060,\"nbf\":1700000030}", ES_WHO_OK},
        {"{\"sub\":\"a\",\"exp\":1700000060,\"nbf\":1700000031}", ES_WHO_EARLY},
        {"{\"sub\":\"a\",\"exp\":1700000060,\"iat\":1700000031}", ES_WHO_EARLY},
        {"{\"sub\":\"a\",\"exp\":1700000060,\"iat\":1700000061}", ES_WHO_MALFORMED},
        {"{\"sub\":\"a\",\"exp\":1700000060,\"nbf\":true}", ES_WHO_MALFORMED},
        {"{\"sub\":\"a\",\"exp\":1700000060,\"iat\":[]}", ES_WHO_MALFORMED},
    };
    es_identity_t *self = with_secret();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_who_t who = world_asks(self, hs256(&token, cases[i].claims), NOW, NULL);
        if (who != cases[i].who) fail_msg("%s: %d", cases[i].claims, who);
    }
    es_identity_destroy(&self);
}

static void audience_and_issuer_are_ours(void **state)
{
    (void)state;
    static token_t token;
#define AUD(more) "{\"sub\":\"a\",\"exp\":1700000060" more "}"
    static const struct {
        const char *claims;
        es_who_t who;
    } cases[] = {
        {AUD(",\"aud\":\"earshot\",\"iss\":\"us\""), ES_WHO_OK},
        {AUD(",\"aud\":[\"x\",\"earshot\"],\"iss\":\"us\""), ES_WHO_OK},
        {AUD(",\"aud\":\"Earshot\",\"iss\":\"us\""), ES_WHO_FOREIGN},
        {AUD(",\"aud\":[],\"iss\":\"us\""), ES_WHO_FOREIGN},
        {AUD(",\"iss\":\"us\""), ES_WHO_FOREIGN},
        {AUD(",\"aud\":\"earshot\""), ES_WHO_FOREIGN},
        {AUD(",\"aud\":\"earshot\",\"iss\":\"them\""), ES_WHO_FOREIGN},
        {AUD(",\"aud\":{\"earshot\":1},\"iss\":\"us\""), ES_WHO_MALFORMED},
        {AUD(",\"aud\":[\"earshot\",1],\"iss\":\"us\""), ES_WHO_MALFORMED},
        {AUD(",\"aud\":\"earshot\",\"iss\":[\"us\"]"), ES_WHO_MALFORMED},
    };
    const char *file = world_file("secret", SECRET);
    es_identity_t *self =
        world_identity((es_identity_config_t){.jwt_keys = file, .audience = "earshot", .issuer = "us"});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_who_t who = world_asks(self, hs256(&token, cases[i].claims), NOW, NULL);
        if (who != cases[i].who) fail_msg("%s: %d", cases[i].claims, who);
    }
    es_identity_destroy(&self);
}

static void who_signs_for_others_needs_an_audience(void **state)
{
    (void)state;
    char pem[2048];
    EVP_PKEY *p256 = EVP_EC_gen("P-256");
    es_identity_t *self = with_secret();
    assert_null(es_identity_warning(self));
    es_identity_destroy(&self);
    self = with_key(p256);
    assert_non_null(strstr(es_identity_warning(self), "--jwt-audience"));
    es_identity_destroy(&self);
    const char *file = world_file("key.pem", public_pem(p256, pem, sizeof pem));
    self = world_identity((es_identity_config_t){.jwt_keys = file, .audience = "earshot"});
    assert_null(es_identity_warning(self));
    es_identity_destroy(&self);
    EVP_PKEY_free(p256);
}

static void rights_come_as_a_list_or_a_text(void **state)
{
    (void)state;
    static token_t token;
#define RIGHTS(more) "{\"sub\":\"a\",\"exp\":1700000060" more "}"
    static const struct {
        const char *claims;
        unsigned rights;
    } cases[] = {
        {RIGHTS(""), 0},
        {RIGHTS(",\"rights\":[]"), 0},
        {RIGHTS(",\"rights\":[\"stream\",\"jobs\",\"fly\"]"), ES_RIGHT_STREAM | ES_RIGHT_JOBS},
        {RIGHTS(",\"rights\":\"stream room.say\""), ES_RIGHT_STREAM | ES_RIGHT_ROOM_SAY},
        {RIGHTS(",\"scope\":\"openid  room.join email dashboard\""), ES_RIGHT_ROOM_JOIN | ES_RIGHT_DASHBOARD},
        {RIGHTS(",\"rights\":[],\"scope\":\"admin\""), 0},
        {RIGHTS(",\"rights\":[\"ADMIN\",\"admin \",\"\"]"), 0},
        {RIGHTS(",\"rights\":[\"stream jobs\"]"), 0},
    };
    es_identity_t *self = with_secret();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        es_principal_t *p;
        assert_int_equal(es_identity_bearer(self, es_span(hs256(&token, cases[i].claims)), NOW, &p), ES_WHO_OK);
        if (es_principal_grant(p)->rights != cases[i].rights)
            fail_msg("%s: %u", cases[i].claims, es_principal_grant(p)->rights);
        es_principal_unref(&p);
    }
    assert_int_equal(world_asks(self, hs256(&token, RIGHTS(",\"rights\":{\"admin\":true}")), NOW, NULL),
                     ES_WHO_MALFORMED);
    assert_int_equal(world_asks(self, hs256(&token, RIGHTS(",\"rights\":[63]")), NOW, NULL), ES_WHO_MALFORMED);
    assert_int_equal(world_asks(self, hs256(&token, RIGHTS(",\"scope\":63")), NOW, NULL), ES_WHO_MALFORMED);
    es_identity_destroy(&self);
}

static void rooms_are_names_and_patterns(void **state)
{
    (void)state;
    static token_t token;
    static const struct {
        const char *rooms, *room;
        bool may;
    } cases[] = {
        {"", "any", true},
        {",\"rooms\":[]", "any", false},
        {",\"rooms\":[\"\"]", "any", false},
        {",\"rooms\":\"lobby\"", "lobby", true},
        {",\"rooms\":\"lobby\"", "lobby2", false},
        {",\"rooms\":[\"a\",\"b*\"]", "b", true},
        {",\"rooms\":[\"a\",\"b*\"]", "bee", true},
        {",\"rooms\":[\"a\",\"b*\"]", "ab", false},
        {",\"rooms\":[\"*\"]", "any", true},
        {",\"rooms\":[\"*b\"]", "ab", false},
        {",\"rooms\":[\"a*b\"]", "axb", false},
        {",\"rooms\":[\"a**\"]", "a*b", true},
        {",\"rooms\":[\"Team\"]", "team", false},
        {",\"rooms\":[\"two words\"]", "two words", true},
    };
    es_identity_t *self = with_secret();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char claims[256];
        es_principal_t *p;
        snprintf(claims, sizeof claims, "{\"sub\":\"a\",\"exp\":1700000060,\"rights\":\"room.say\"%s}", cases[i].rooms);
        assert_int_equal(es_identity_bearer(self, es_span(hs256(&token, claims)), NOW, &p), ES_WHO_OK);
        if (es_principal_may_room(p, ES_RIGHT_ROOM_SAY, es_span(cases[i].room)) != cases[i].may)
            fail_msg("%s %s", claims, cases[i].room);
        es_principal_unref(&p);
    }
    assert_int_equal(world_asks(self, hs256(&token, RIGHTS(",\"rooms\":[1]")), NOW, NULL), ES_WHO_MALFORMED);
    assert_int_equal(world_asks(self, hs256(&token, RIGHTS(",\"rooms\":[\"a\\u0000b\"]")), NOW, NULL),
                     ES_WHO_MALFORMED);
    es_identity_destroy(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_looked_at),
        cmocka_unit_test(audience_and_issuer_are_ours),
        cmocka_unit_test(who_signs_for_others_needs_an_audience),
        cmocka_unit_test(rights_come_as_a_list_or_a_text),
        cmocka_unit_test(rooms_are_names_and_patterns),
    };
    return cmocka_run_group_tests_name("jwt_claims", tests, world_make, world_remove);
}
