/* Tokens, their signatures and their keys. What they claim is test_jwt_claims.c. */
#include "jwt_world.h"

static EVP_PKEY *rsa, *other_rsa, *p256, *p384, *p521, *ed25519;

static int make_keys(void **state)
{
    rsa = EVP_RSA_gen(2048);
    other_rsa = EVP_RSA_gen(2048);
    p256 = EVP_EC_gen("P-256");
    p384 = EVP_EC_gen("P-384");
    p521 = EVP_EC_gen("P-521");
    ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return rsa && other_rsa && p256 && p384 && p521 && ed25519 ? world_make(state) : -1;
}

static int free_keys(void **state)
{
    EVP_PKEY *all[] = {rsa, other_rsa, p256, p384, p521, ed25519};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) EVP_PKEY_free(all[i]);
    return world_remove(state);
}

static void a_signed_token_opens(void **state)
{
    (void)state;
    static token_t token;
    es_identity_t *self = with_secret();
    es_principal_t *p;
    assert_true(es_identity_required(self));
    assert_int_equal(es_identity_bearer(self, es_span(hs256(&token, CLAIMS)), NOW, &p), ES_WHO_OK);
    assert_string_equal(es_principal_name(p), "jwt:alice");
    assert_int_equal(es_principal_expires(p), 1700000090);
    assert_true(es_principal_may(p, ES_RIGHT_STREAM));
    assert_false(es_principal_may(p, ES_RIGHT_JOBS));
    assert_true(es_principal_may_room(p, ES_RIGHT_ROOM_JOIN, es_span("team-red")));
    assert_false(es_principal_may_room(p, ES_RIGHT_ROOM_JOIN, es_span("team")));
    assert_false(es_principal_may_room(p, ES_RIGHT_ROOM_SAY, es_span("team-red")));
    es_principal_unref(&p);
    es_identity_destroy(&self);
}

static void every_algorithm_with_its_key(void **state)
{
    (void)state;
    static token_t token;
    es_identity_t *self = with_secret();
    assert_int_equal(world_asks(self, sign_hmac(&token, EVP_sha384(), SECRET, 64, HEADER("HS384"), CLAIMS), NOW, NULL),
                     ES_WHO_OK);
    assert_int_equal(world_asks(self, sign_hmac(&token, EVP_sha512(), SECRET, 64, HEADER("HS512"), CLAIMS), NOW, NULL),
                     ES_WHO_OK);
    es_identity_destroy(&self);
    const struct {
        EVP_PKEY *key;
        const EVP_MD *md;
        const char *header;
    } cases[] = {{rsa, EVP_sha256(), HEADER("RS256")},  {rsa, EVP_sha384(), HEADER("RS384")},
                 {rsa, EVP_sha512(), HEADER("RS512")},  {p256, EVP_sha256(), HEADER("ES256")},
                 {p384, EVP_sha384(), HEADER("ES384")}, {p521, EVP_sha512(), HEADER("ES512")},
                 {rsa, EVP_sha256(), HEADER("PS256")},  {rsa, EVP_sha384(), HEADER("PS384")},
                 {rsa, EVP_sha512(), HEADER("PS512")},  {ed25519, NULL, HEADER("EdDSA")}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        self = with_key(cases[i].key);
        assert_int_equal(
            world_asks(self, sign_pkey(&token, cases[i].md, cases[i].key, cases[i].header, CLAIMS), NOW, NULL),
            ES_WHO_OK);
        token.text[strlen(token.text) - 9] ^= 1;
        es_who_t who = world_asks(self, token.text, NOW, NULL);
        assert_true(who == ES_WHO_FORGED || who == ES_WHO_MALFORMED);
        es_identity_destroy(&self);
    }
}

static void an_access_token_says_so_or_nothing(void **state)
{
    (void)state;
    static token_t token;
    static const char *const headers[] = {"{\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"typ\":\"jwt\"}",
                                          "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"jku\":\"http://evil/\"}"};
    es_identity_t *self = with_secret();
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        assert_int_equal(world_asks(self, sign_hmac(&token, EVP_sha256(), SECRET, 64, headers[i], CLAIMS), NOW, NULL),
                         ES_WHO_OK);
    es_identity_destroy(&self);
}

static void forged_ones_are_refused(void **state)
{
    (void)state;
    static token_t token;
    es_identity_t *self = with_secret();
    assert_int_equal(world_asks(self, sign_hmac(&token, EVP_sha256(), "wrong", 5, HEADER("HS256"), CLAIMS), NOW, NULL),
                     ES_WHO_FORGED);
    assert_int_equal(world_asks(self, sign_hmac(&token, EVP_sha256(), "", 0, HEADER("HS256"), CLAIMS), NOW, NULL),
                     ES_WHO_FORGED);
    assert_int_equal(world_asks(self, sign_hmac(&token, EVP_sha256(), SECRET, 64, HEADER("HS512"), CLAIMS), NOW, NULL),
                     ES_WHO_FORGED);
    assert_int_equal(world_asks(self, sign_pkey(&token, EVP_sha256(), rsa, HEADER("RS256"), CLAIMS), NOW, NULL),
                     ES_WHO_FORGED);
    /* Other claims under the same signature. */
    char *signature = strrchr(hs256(&token, CLAIMS), '.') + 1, kept[64];
    snprintf(kept, sizeof kept, "%s", signature);
    token_begin(&token, HEADER("HS256"), "{\"sub\":\"mallory\",\"exp\":1800000000,\"rights\":\"admin\"}");
    strcat(strcat(token.text, "."), kept);
    assert_int_equal(world_asks(self, token.text, NOW, NULL), ES_WHO_FORGED);
    /* Expired and forged: the signature is what is told. */
    assert_int_equal(
        world_asks(self, sign_hmac(&token, EVP_sha256(), "wrong", 5, HEADER("HS256"), CLAIMS), 2 * NOW, NULL),
        ES_WHO_FORGED);
    es_identity_destroy(&self);
    self = with_key(rsa);
    assert_int_equal(world_asks(self, sign_pkey(&token, EVP_sha256(), other_rsa, HEADER("RS256"), CLAIMS), NOW, NULL),
                     ES_WHO_FORGED);
    es_identity_destroy(&self);
}

static void an_unsigned_one_is_refused(void **state)
{
    (void)state;
    static token_t token;
    static const char *const headers[] = {HEADER("none"),  HEADER("None"),  HEADER("NONE"),  HEADER("nOnE"),
                                          HEADER("hs256"), HEADER("PS256"), HEADER("EdDSA"), HEADER("ES256K")};
    es_identity_t *self = with_secret();
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        token_begin(&token, headers[i], CLAIMS);
        size_t len = strlen(token.text);
        assert_int_equal(world_asks(self, token.text, NOW, NULL), ES_WHO_MALFORMED); /* two parts */
        strcat(token.text, ".");
        assert_int_equal(world_asks(self, token.text, NOW, NULL), ES_WHO_MALFORMED); /* an empty signature */
        token.text[len] = 0;
        assert_int_equal(world_asks(self, token_end(&token, (const uint8_t *)"sig", 3), NOW, NULL), ES_WHO_FORGED);
        assert_int_equal(world_asks(self, sign_hmac(&token, EVP_sha256(), SECRET, 64, headers[i], CLAIMS), NOW, NULL),
                         ES_WHO_FORGED);
    }
    es_identity_destroy(&self);
}

/* The classic: the public key, which everybody has, as the secret of an HMAC. */
static void a_public_key_is_no_secret(void **state)
{
    (void)state;
    static token_t token;
    EVP_PKEY *const keys[] = {rsa, p256};
    for (size_t i = 0; i < 2; i++) {
        char pem[2048];
        public_pem(keys[i], pem, sizeof pem);
        es_identity_t *self = with_key(keys[i]);
        for (size_t less = 0; less < 2; less++)
            assert_int_equal(
                world_asks(self, sign_hmac(&token, EVP_sha256(), pem, strlen(pem) - less, HEADER("HS256"), CLAIMS), NOW,
                           NULL),
                ES_WHO_FORGED);
        es_identity_destroy(&self);
    }
}

/* The number that is not there must not end up as one that is: lengths are exact, and zero signs nothing. */
static void a_signature_of_a_curve_has_its_length(void **state)
{
    (void)state;
    static token_t token;
    static const uint8_t zero[132];
    es_identity_t *self = with_key(p256);
    for (size_t len = 1; len <= sizeof zero; len++) {
        token_begin(&token, HEADER("ES256"), CLAIMS);
        assert_int_equal(world_asks(self, token_end(&token, zero, len), NOW, NULL), ES_WHO_FORGED);
    }
    es_identity_destroy(&self);
}

static void a_curve_has_its_algorithm(void **state)
{
    (void)state;
    static token_t token;
    es_identity_t *self = with_key(p384);
    assert_int_equal(world_asks(self, sign_pkey(&token, EVP_sha256(), p384, HEADER("ES256"), CLAIMS), NOW, NULL),
                     ES_WHO_FORGED);
    es_identity_destroy(&self);
}

static void what_is_no_jwt_is_malformed(void **state)
{
    (void)state;
    static token_t token;
    static const struct {
        const char *header, *claims;
    } cases[] = {
        {HEADER("HS256"), "[]"},
        {HEADER("HS256"), "{\"sub\":\"a\",\"exp\":1700000060"},
        {HEADER("HS256"), "{\"sub\":\"a\",\"sub\":\"b\",\"exp\":1700000060}"},
        {HEADER("HS256"), "{\"sub\":\"\",\"exp\":1700000060}"},
        {HEADER("HS256"), "{\"sub\":7,\"exp\":1700000060}"},
        {HEADER("HS256"), "{\"exp\":1700000060}"},
        {HEADER("HS256"), "{\"sub\":\"a\\nb\",\"exp\":1700000060}"},
        {HEADER("HS256"), "{\"sub\":\"a\",\"exp\":1700000060,\"x\":[[[[[[[[1]]]]]]]]}"},
        {HEADER("HS256"), "{\"sub\":\"\xff\",\"exp\":1700000060}"},
        {"{\"alg\":\"HS256\",\"alg\":\"none\"}", CLAIMS},
        {"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", CLAIMS},
        {"{\"alg\":\"HS256\",\"kid\":1}", CLAIMS},
        {"{\"alg\":\"HS256\",\"kid\":\"\"}", CLAIMS},
        {"{\"alg\":\"HS256HS256\"}", CLAIMS},
        {"{\"alg\":1}", CLAIMS},
        {"{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", CLAIMS},
        {"{\"alg\":\"HS256\",\"typ\":[\"JWT\"]}", CLAIMS},
        {"{\"typ\":\"JWT\"}", CLAIMS},
        {"\"HS256\"", CLAIMS},
    };
    es_identity_t *self = with_secret();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sign_hmac(&token, EVP_sha256(), SECRET, 64, cases[i].header, cases[i].claims);
        if (world_asks(self, token.text, NOW, NULL) != ES_WHO_MALFORMED)
            fail_msg("%s %s", cases[i].header, cases[i].claims);
    }
    es_identity_destroy(&self);
}

static void a_token_has_one_spelling(void **state)
{
    (void)state;
    static token_t token, changed;
    es_identity_t *self = with_secret();
    hs256(&token, CLAIMS);
    size_t len = strlen(token.text);
    for (size_t cut = 0; cut < len; cut++) {
        memcpy(changed.text, token.text, cut);
        changed.text[cut] = 0;
        assert_int_not_equal(world_asks(self, changed.text, NOW, NULL), ES_WHO_OK);
    }
    for (size_t at = 0; at < len; at++)
        for (const char *c = "A_-.+/=z"; *c; c++) {
            if (token.text[at] == *c) continue;
            changed = token;
            changed.text[at] = *c;
            assert_int_not_equal(world_asks(self, changed.text, NOW, NULL), ES_WHO_OK);
        }
    static const char *const tails[] = {".", ".x", "=", "A", "==", "...", ".."};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        changed = token;
        strcat(changed.text, tails[i]);
        assert_int_not_equal(world_asks(self, changed.text, NOW, NULL), ES_WHO_OK);
    }
    assert_int_equal(world_asks(self, "...", NOW, NULL), ES_WHO_MALFORMED);
    assert_int_equal(world_asks(self, "..", NOW, NULL), ES_WHO_MALFORMED);
    assert_int_equal(world_asks(self, ".", NOW, NULL), ES_WHO_MALFORMED);
    assert_int_equal(world_asks(self, token.text, NOW, NULL), ES_WHO_OK);
    es_identity_destroy(&self);
}

static void a_large_token_is_refused(void **state)
{
    (void)state;
    static token_t token;
    static char claims[7000];
    es_identity_t *self = with_secret();
    int n = snprintf(claims, sizeof claims, "{\"sub\":\"a\",\"exp\":1700000060,\"x\":\"");
    memset(claims + n, 'x', 6060 - (size_t)n);
    strcpy(claims + 6060, "\"}");
    hs256(&token, claims);
    assert_in_range(strlen(token.text), 8000, ES_TOKEN_MAX);
    assert_int_equal(world_asks(self, token.text, NOW, NULL), ES_WHO_OK);
    memset(claims + n, 'x', 6500 - (size_t)n);
    strcpy(claims + 6500, "\"}");
    assert_int_equal(world_asks(self, hs256(&token, claims), NOW, NULL), ES_WHO_MALFORMED);
    es_identity_destroy(&self);
}

static void keys_go_by_their_id(void **state)
{
    (void)state;
    static token_t token;
    char files[512], pem[2048];
    const char *old = world_file("old.key", "an-old-secret-of-more-than-32-bytes"),
               *fresh = world_file("new.key", SECRET), *pub = world_file("idp.pem", public_pem(p256, pem, sizeof pem));
    snprintf(files, sizeof files, "%s,%s,%s", old, fresh, pub);
    es_identity_t *self = world_identity((es_identity_config_t){.jwt_keys = files});
#define KID(alg, kid) "{\"alg\":\"" alg "\",\"kid\":\"" kid "\"}"
    assert_int_equal(world_asks(self, hs256(&token, CLAIMS), NOW, NULL), ES_WHO_OK);
    assert_int_equal(
        world_asks(self, sign_hmac(&token, EVP_sha256(), SECRET, 64, KID("HS256", "new"), CLAIMS), NOW, NULL),
        ES_WHO_OK);
    assert_int_equal(
        world_asks(self, sign_hmac(&token, EVP_sha256(), SECRET, 64, KID("HS256", "old"), CLAIMS), NOW, NULL),
        ES_WHO_FORGED);
    assert_int_equal(
        world_asks(self, sign_hmac(&token, EVP_sha256(), SECRET, 64, KID("HS256", "idp"), CLAIMS), NOW, NULL),
        ES_WHO_FORGED);
    assert_int_equal(
        world_asks(self, sign_hmac(&token, EVP_sha256(), SECRET, 64, KID("HS256", "../x"), CLAIMS), NOW, NULL),
        ES_WHO_OK);
    assert_int_equal(world_asks(self, sign_pkey(&token, EVP_sha256(), p256, KID("ES256", "idp"), CLAIMS), NOW, NULL),
                     ES_WHO_OK);
    assert_int_equal(
        world_asks(self,
                   sign_hmac(&token, EVP_sha512(), "an-old-secret-of-more-than-32-bytes", 35, HEADER("HS512"), CLAIMS),
                   NOW, NULL),
        ES_WHO_FORGED); /* too short a secret for it */
    es_identity_destroy(&self);
}

static void a_reload_takes_keys_away_with_their_tokens(void **state)
{
    (void)state;
    static token_t token;
    char err[700] = "";
    world_file("secret", SECRET);
    es_identity_t *self = with_secret();
    es_principal_t *p;
    assert_int_equal(es_identity_bearer(self, es_span(hs256(&token, CLAIMS)), NOW, &p), ES_WHO_OK);
    assert_int_equal(es_identity_reload(self, err, sizeof err), 0);
    assert_int_equal(es_principal_expires(p), 1700000090);
    world_file("secret", "short");
    assert_int_equal(es_identity_reload(self, err, sizeof err), -1);
    assert_non_null(strstr(err, "--jwt-key: ") && strstr(err, "at least 32 bytes") ? err : NULL);
    assert_int_equal(world_asks(self, token.text, NOW, NULL), ES_WHO_OK);
    world_file("secret", "another-secret-of-more-than-32-bytes");
    assert_int_equal(es_identity_reload(self, err, sizeof err), 0);
    assert_int_equal(es_principal_expires(p), 0);
    assert_int_equal(world_asks(self, token.text, NOW, NULL), ES_WHO_FORGED);
    es_identity_destroy(&self);
    es_principal_unref(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_token_opens),
        cmocka_unit_test(every_algorithm_with_its_key),
        cmocka_unit_test(an_access_token_says_so_or_nothing),
        cmocka_unit_test(forged_ones_are_refused),
        cmocka_unit_test(an_unsigned_one_is_refused),
        cmocka_unit_test(a_public_key_is_no_secret),
        cmocka_unit_test(a_signature_of_a_curve_has_its_length),
        cmocka_unit_test(a_curve_has_its_algorithm),
        cmocka_unit_test(what_is_no_jwt_is_malformed),
        cmocka_unit_test(a_token_has_one_spelling),
        cmocka_unit_test(a_large_token_is_refused),
        cmocka_unit_test(keys_go_by_their_id),
        cmocka_unit_test(a_reload_takes_keys_away_with_their_tokens),
    };
    return cmocka_run_group_tests_name("jwt", tests, make_keys, free_keys);
}
