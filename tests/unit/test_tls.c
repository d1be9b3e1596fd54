#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "http/tls.h"
#include "tls_world.h"

static files_t files;

static int setup(void **state)
{
    (void)state;
    make_files(&files);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    remove_files(&files);
    return 0;
}

static void expect_refusal(const char *cert, const char *key, const char *said)
{
    char err[600] = "";
    assert_null(es_tls_new(cert, key, err, sizeof err));
    if (!strstr(err, said)) fail_msg("\"%s\" does not say \"%s\"", err, said);
}

static uint64_t metric(const char *name)
{
    for (es_metric_t *const *m = es_tls_metrics(); *m; m++)
        if (strcmp((*m)->name, name) == 0) return es_metric_get(*m);
    fail_msg("no metric %s", name);
    return 0;
}

static void a_good_pair_is_used(void **state)
{
    char err[600];
    (void)state;
    es_tls_t *tls = es_tls_new(files.cert, files.key, err, sizeof err);
    assert_non_null(tls);
    uint64_t end = metric("earshot_edge_tls_certificate_expires_seconds"), now = (uint64_t)time(NULL);
    assert_in_range(end, now + 29 * DAY_S, now + 30 * DAY_S);
    es_tls_destroy(&tls);
    assert_null(tls);
    es_tls_destroy(&tls);
}

static void each_mistake_has_its_sentence(void **state)
{
    (void)state;
    expect_refusal("/nonexistent", files.key, "--tls-cert /nonexistent cannot be read: No such file or directory");
    expect_refusal(files.cert, "/nonexistent", "--tls-key /nonexistent cannot be read: No such file or directory");
    expect_refusal(files.key, files.key, "is no PEM file of a certificate and its chain");
    expect_refusal(files.cert, files.cert, "chmod 600");
    assert_int_equal(chmod(files.cert, 0600), 0);
    expect_refusal(files.cert, files.cert, "is no PEM file of a private key");
    assert_int_equal(chmod(files.key, 0604), 0);
    expect_refusal(files.cert, files.key, "is open to every user");
    assert_int_equal(chmod(files.key, 0640), 0);
    char err[600];
    es_tls_t *tls = es_tls_new(files.cert, files.key, err, sizeof err);
    assert_non_null(tls); /* a group may read it */
    es_tls_destroy(&tls);
}

static void a_key_of_another_or_a_locked_one_is_none(void **state)
{
    (void)state;
    EVP_PKEY *other = EVP_EC_gen("P-256");
    write_key(files.key, other, NULL);
    expect_refusal(files.cert, files.key, "is not the key of the certificate");
    write_key(files.key, other, "secret");
    expect_refusal(files.cert, files.key, "without a passphrase");
    EVP_PKEY_free(other);
    EVP_PKEY *rsa = EVP_RSA_gen(2048); /* not even of the same kind */
    write_key(files.key, rsa, NULL);
    expect_refusal(files.cert, files.key, "is not the key of the certificate");
    EVP_PKEY_free(rsa);
}

static void what_is_expired_or_not_valid_yet_is_shown_all_the_same(void **state)
{
    char err[600];
    (void)state;
    make_pair(&files, -2 * DAY_S, -DAY_S);
    es_tls_t *tls = es_tls_new(files.cert, files.key, err, sizeof err);
    assert_non_null(tls);
    make_pair(&files, DAY_S, 2 * DAY_S);
    assert_int_equal(es_tls_reload(tls, err, sizeof err), 0);
    es_tls_destroy(&tls);
}

/* Serial number of what a new connection would show. */
static long shown(es_tls_t *tls)
{
    SSL *ssl = es_tls_server(tls, 0, 1);
    long serial = ASN1_INTEGER_get(X509_get0_serialNumber(SSL_get_certificate(ssl)));
    SSL_free(ssl);
    return serial;
}

static void a_reload_changes_all_or_nothing(void **state)
{
    char err[600];
    (void)state;
    es_tls_t *tls = es_tls_new(files.cert, files.key, err, sizeof err);
    long first = shown(tls);
    SSL *old = es_tls_server(tls, 0, 1);
    EVP_PKEY *other = EVP_EC_gen("P-256");
    write_cert(files.cert, other, -DAY_S, DAY_S);
    assert_int_equal(es_tls_reload(tls, err, sizeof err), -1);
    assert_int_equal(shown(tls), first);
    write_key(files.key, other, NULL);
    assert_int_equal(es_tls_reload(tls, err, sizeof err), 0);
    assert_int_not_equal(shown(tls), first);
    assert_int_equal(ASN1_INTEGER_get(X509_get0_serialNumber(SSL_get_certificate(old))), first);
    assert_int_equal(metric("earshot_edge_tls_reloads_total{outcome=\"failed\"}"), 1);
    SSL_free(old);
    EVP_PKEY_free(other);
    es_tls_destroy(&tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_pair_is_used, setup, teardown),
        cmocka_unit_test_setup_teardown(each_mistake_has_its_sentence, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_of_another_or_a_locked_one_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_expired_or_not_valid_yet_is_shown_all_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reload_changes_all_or_nothing, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
