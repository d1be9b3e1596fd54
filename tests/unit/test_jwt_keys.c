#include "jwt_world.h"

#include <openssl/x509.h>

#include "access/jwt_keys.h"

static void refused(const char *files, const char *complaint)
{
    char err[700] = "";
    es_jwt_keys_t *self = es_jwt_keys_load(files, err, sizeof err);
    if (self || !strstr(err, complaint)) fail_msg("\"%s\", not \"%s\"", err, complaint);
}

static void taken(const char *files)
{
    char err[700] = "";
    es_jwt_keys_t *self = es_jwt_keys_load(files, err, sizeof err);
    if (!self) fail_msg("%s", err);
    es_jwt_keys_destroy(&self);
}

/* Writes one of OpenSSL's forms of a key into out, NUL-terminated. */
static const char *form(int (*write)(BIO *, const EVP_PKEY *), EVP_PKEY *key, char *out, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(write(bio, key), 1);
    int n = BIO_read(bio, out, (int)cap - 1);
    assert_true(n > 0);
    out[n] = 0;
    BIO_free(bio);
    return out;
}

static int write_private(BIO *bio, const EVP_PKEY *key)
{
    return PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
}

static int write_encrypted(BIO *bio, const EVP_PKEY *key)
{
    return PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
}

static int write_certificate(BIO *bio, const EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, (EVP_PKEY *)key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const uint8_t *)"idp", -1, -1,
                               0);
    X509_sign(certificate, (EVP_PKEY *)key, EVP_sha256());
    int rc = PEM_write_bio_X509(bio, certificate);
    X509_free(certificate);
    return rc;
}

static void the_forms_of_a_public_key(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char text[4096];
    taken(world_file_mode("k.pem", form(PEM_write_bio_PUBKEY, key, text, sizeof text), 0644));
    taken(world_file_mode("k.crt", form(write_certificate, key, text, sizeof text), 0644));
    EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    taken(world_file_mode("ed.pem", form(PEM_write_bio_PUBKEY, edwards, text, sizeof text), 0644));
    EVP_PKEY_free(edwards);
    refused(world_file("k.key", form(write_private, key, text, sizeof text)), "holds a private key");
    refused(world_file("k.key", form(write_encrypted, key, text, sizeof text)), "holds a private key");
    refused(world_file("k.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
            "neither a public key");
    refused(world_file("k.pem", "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
                                "AES-128-CBC,00\n\nAAAA\n-----END PUBLIC KEY-----\n"),
            "neither a public key");
    EVP_PKEY_free(key);
}

static void keys_that_sign_no_token(void **state)
{
    (void)state;
    static const struct {
        const char *type, *curve, *complaint;
    } cases[] = {{"ED448", NULL, "signs no token"}, {"EC", "secp256k1", "a curve"}, {"X25519", NULL, "signs no token"}};
    char text[4096];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        EVP_PKEY *key = cases[i].curve ? EVP_EC_gen(cases[i].curve) : EVP_PKEY_Q_keygen(NULL, NULL, cases[i].type);
        assert_non_null(key);
        refused(world_file("k.pem", form(PEM_write_bio_PUBKEY, key, text, sizeof text)), cases[i].complaint);
        EVP_PKEY_free(key);
    }
    EVP_PKEY *key = EVP_RSA_gen(1024);
    refused(world_file("k.pem", form(PEM_write_bio_PUBKEY, key, text, sizeof text)), "2048 to 8192");
    EVP_PKEY_free(key);
}

/* Whoever knows it could sign. */
static void a_public_key_in_another_form_is_no_secret(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t der[512], *at = der;
    int len = i2d_PUBKEY(key, &at);
    assert_in_range(len, 32, sizeof der);
    const char *file = world_file("k", "");
    FILE *out = fopen(file, "we");
    assert_int_equal(fwrite(der, 1, (size_t)len, out), len);
    fclose(out);
    refused(file, "in another form than PEM");
    char text[1024];
    EVP_EncodeBlock((uint8_t *)text, der, len);
    refused(world_file("k", text), "in another form than PEM");
    refused(world_file("k", " {\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\"}]}  "), "in another form than PEM");
    refused(world_file("k", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFY me@here"), "in another form than PEM");
    EVP_PKEY_free(key);
}

static void secrets_are_long_and_kept(void **state)
{
    (void)state;
    taken(world_file("s", "0123456789abcdef0123456789abcdef\r\n"));
    refused(world_file("s", "0123456789abcdef0123456789abcde\n"), "too short");
    refused(world_file("s", ""), "too short");
    taken(world_file_mode("s", SECRET, 0640));
    refused(world_file_mode("s", SECRET, 0644), "may be read by others");
    refused(world_file_mode("s", SECRET, 0620), "may be written by others");
    char pem[2048];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    refused(world_file_mode("k", public_pem(key, pem, sizeof pem), 0666), "may be written by others");
    EVP_PKEY_free(key);
}

static void files_are_named_and_told_apart(void **state)
{
    (void)state;
    char files[4096];
    refused("", "no file is named");
    refused(",,", "no file is named");
    refused("/nowhere/key", "/nowhere/key cannot be read: No such file");
    const char *a = world_file("a.key", SECRET), *b = world_file("a.pem", SECRET);
    snprintf(files, sizeof files, "%s,%s", a, b);
    refused(files, "there is a key \"a\" already");
    size_t len = 0;
    for (unsigned i = 0; i <= ES_JWT_KEYS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "k%u", i);
        len += (size_t)snprintf(files + len, sizeof files - len, ",%s", world_file(name, SECRET));
    }
    refused(files, "at most 16 keys");
}

/* RFC 7515, appendix A.1: its key ends in no line, and its token has line ends in its JSON. */
static void the_example_of_the_rfc(void **state)
{
    (void)state;
    static const char text[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    uint8_t key[64];
    char err[700] = "";
    assert_int_equal(
        es_base64url_decode(
            es_span("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"), key),
        64);
    const char *file = world_file("k", "");
    FILE *out = fopen(file, "we");
    assert_int_equal(fwrite(key, 1, sizeof key, out), sizeof key);
    fclose(out);
    es_jwt_keys_t *self = es_jwt_keys_load(file, err, sizeof err);
    assert_non_null(self);
    es_jwt_token_t token;
    assert_int_equal(es_jwt_token_parse(&token, es_span(text)), 0);
    assert_string_equal(token.alg, "HS256");
    assert_non_null(es_jwt_keys_signer(self, &token));
    es_jwt_token_fini(&token);
    es_jwt_keys_destroy(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forms_of_a_public_key),
        cmocka_unit_test(keys_that_sign_no_token),
        cmocka_unit_test(a_public_key_in_another_form_is_no_secret),
        cmocka_unit_test(secrets_are_long_and_kept),
        cmocka_unit_test(files_are_named_and_told_apart),
        cmocka_unit_test(the_example_of_the_rfc),
    };
    return cmocka_run_group_tests_name("jwt_keys", tests, world_make, world_remove);
}
