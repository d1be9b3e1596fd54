/* Records that carry no data, or next to none. */
#include <signal.h>

#include "tls_conn_world.h"

static void change_keys(world_t *w, int times_over)
{
    for (int i = 0; i < times_over; i++) {
        assert_int_equal(SSL_key_update(w->client, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(w->client), 1);
    }
}

static void who_changes_keys_without_end_is_ended(void **state)
{
    world_t w;
    (void)state;
    open_connection(&w);
    change_keys(&w, 16);
    assert_int_equal(say(&w, true, 0, 100), 100);
    assert_int_equal(run(&w), ES_TLS_OPEN);
    assert_int_equal(hear(&w, false, 0), 100);
    change_keys(&w, 1);
    assert_int_equal(run(&w), ES_TLS_CLOSED); /* data between them changes nothing */
    assert_true(es_tls_conn_flooded(w.conn));
    close_world(&w);
}

static void who_changes_them_now_and_then_stays(void **state)
{
    world_t w;
    (void)state;
    open_connection(&w);
    for (size_t i = 0; i < 40; i++, w.now_us += 1000000) {
        change_keys(&w, 1);
        assert_int_equal(say(&w, true, i, 1), 1);
        assert_int_equal(run(&w), ES_TLS_OPEN);
        assert_int_equal(hear(&w, false, i), 1);
    }
    close_client(&w);
    run(&w);
    assert_false(es_tls_conn_flooded(w.conn));
    close_world(&w);
}

static int long_hello(SSL *ssl, unsigned type, unsigned context, const unsigned char **out, size_t *len, X509 *cert,
                      size_t place, int *alert, void *arg)
{
    static unsigned char bytes[12000];
    (void)ssl;
    (void)type;
    (void)context;
    (void)cert;
    (void)place;
    (void)alert;
    *out = bytes;
    *len = sizeof bytes;
    return *(const bool *)arg;
}

static void who_negotiates_anew_is_told_no_and_ended_in_the_end(void **state)
{
    world_t w;
    bool longer = false;
    (void)state;
    for (int i = 0; i < 2; i++, longer = false) {
        open_world(&w);
        SSL_CTX_set_max_proto_version(w.trusting, TLS1_2_VERSION);
        SSL_CTX_add_custom_ext(w.trusting, 65000, SSL_EXT_CLIENT_HELLO, long_hello, NULL, &longer, NULL, NULL);
        shake_hands(&w);
        longer = i > 0; /* in many records */
        SSL_set_max_send_fragment(w.client, 512);
        assert_int_equal(SSL_renegotiate(w.client), 1);
        assert_int_not_equal(SSL_do_handshake(w.client), 1);
        assert_int_equal(run(&w), longer ? ES_TLS_CLOSED : ES_TLS_OPEN);
        assert_int_equal(es_tls_conn_flooded(w.conn), longer);
        close_world(&w);
    }
}

static void small_records_are_not_read_for_ever(void **state)
{
    enum { FEW = 64, MANY = 150 };
    world_t w;
    (void)state;
    open_connection(&w);
    for (size_t i = 0; i < MANY; i++) assert_int_equal(say(&w, true, i, 1), 1);
    run(&w);
    assert_true(es_tls_conn_wants(w.conn) & ES_TLS_AGAIN);
    assert_in_range(hear(&w, false, 0), 1, FEW);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_changes_keys_without_end_is_ended),
                                       cmocka_unit_test(who_changes_them_now_and_then_stays),
                                       cmocka_unit_test(who_negotiates_anew_is_told_no_and_ended_in_the_end),
                                       cmocka_unit_test(small_records_are_not_read_for_ever)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
