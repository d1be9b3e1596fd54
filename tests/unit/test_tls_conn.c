#include <signal.h>

#include "tls_conn_world.h"

enum { STEPS = 100000 };

/* `total` bytes from one side to the other, of which the first part until nothing is taken any more while nobody reads. */
static void carry(world_t *w, bool from_client, size_t total, unsigned unwanted)
{
    size_t said = 0, heard = 0, stuck = 0;
    for (int i = 0; i < STEPS && stuck < 3; i++) {
        size_t n = say(w, from_client, said, total - said);
        stuck = n ? 0 : stuck + 1;
        said += n;
        run(w);
    }
    assert_true(said > 0 && said < total); /* nothing grows without bound */
    assert_int_equal(es_tls_conn_wants(w->conn) & unwanted, 0);
    for (int i = 0; i < STEPS && heard < total; i++) {
        if (said < total) said += say(w, from_client, said, total - said);
        run(w);
        size_t n = hear(w, !from_client, heard);
        assert_int_not_equal(n, SIZE_MAX);
        heard += n;
    }
    assert_int_equal(heard, total);
}

static void bytes_travel_and_back_pressure_too(void **state)
{
    world_t w;
    (void)state;
    open_connection(&w);
    carry(&w, true, 8 << 20, ES_TLS_READ_SECRET);
    carry(&w, false, 8 << 20, ES_TLS_READ_PLAIN);
    carry(&w, true, 3 << 20, ES_TLS_READ_SECRET);
    assert_int_equal(es_tls_conn_deadline(w.conn), UINT64_MAX);
    close_world(&w);
}

static void the_client_says_the_end_and_hears_an_answer(void **state)
{
    world_t w;
    (void)state;
    open_connection(&w);
    assert_int_equal(say(&w, true, 0, 100), 100);
    SSL_shutdown(w.client);
    run(&w);
    assert_int_equal(hear(&w, false, 0), 100);
    assert_int_equal(hear(&w, false, 100), SIZE_MAX);
    assert_false(es_tls_conn_flushed(w.conn));
    assert_int_equal(say(&w, false, 0, 50), 50);
    close(w.behind);
    w.behind = -1;
    assert_int_equal(run(&w), ES_TLS_CLOSED);
    assert_int_equal(hear(&w, true, 0), 50);
    assert_int_equal(hear(&w, true, 50), SIZE_MAX);
    close_world(&w);
}

static void a_bare_end_is_an_end(void **state)
{
    world_t w;
    (void)state;
    open_connection(&w);
    shutdown(w.fd, SHUT_WR);
    run(&w);
    assert_int_equal(hear(&w, false, 0), SIZE_MAX);
    assert_int_equal(es_tls_conn_state(w.conn), ES_TLS_OPEN);
    close_world(&w);
}

static void an_early_answer_arrives_while_the_client_goes_on(void **state)
{
    world_t w;
    (void)state;
    open_connection(&w);
    assert_int_equal(say(&w, false, 0, 300), 300);
    shutdown(w.behind, SHUT_WR); /* as a connection does that lingers */
    run(&w);
    assert_true(es_tls_conn_flushed(w.conn) && es_tls_conn_ending(w.conn));
    assert_int_equal(hear(&w, true, 0), 300);
    assert_int_equal(hear(&w, true, 300), SIZE_MAX);
    assert_true(say(&w, true, 0, 1000) > 0);
    run(&w);
    assert_int_equal(hear(&w, false, 0), 1000); /* and may read it away */
    close(w.behind);
    w.behind = -1;
    for (size_t i = 0, at = 1000; i < 100; i++, run(&w)) at += say(&w, true, at, PIECE);
    assert_int_equal(es_tls_conn_state(w.conn), ES_TLS_OPEN); /* read away here now, and not for ever */
    w.now_us += world_times.linger_us;
    assert_int_equal(es_tls_conn_deadline(w.conn), w.now_us);
    assert_int_equal(run(&w), ES_TLS_CLOSED);
    close_world(&w);
}

static void what_is_left_has_time_as_long_as_it_moves(void **state)
{
    world_t w;
    size_t said = 0, heard = 0;
    (void)state;
    open_connection(&w);
    for (size_t n; (n = say(&w, false, said, PIECE)); said += n) run(&w);
    close(w.behind);
    w.behind = -1;
    while (heard < said) {
        w.now_us += world_times.send_us - 1;
        assert_int_equal(run(&w), ES_TLS_OPEN);
        size_t before = heard;
        for (size_t n; heard < said && (n = hear(&w, true, heard)); heard += n) assert_int_not_equal(n, SIZE_MAX);
        assert_true(heard > before);
    }
    run(&w);
    assert_int_equal(hear(&w, true, heard), SIZE_MAX);
    close_world(&w);
}

static void who_takes_nothing_of_it_is_cut(void **state)
{
    world_t w;
    size_t said = 0;
    (void)state;
    open_connection(&w);
    for (size_t n; (n = say(&w, false, said, PIECE)); said += n) run(&w);
    for (int i = 0; i < 100; i++) run(&w);
    assert_int_equal(es_tls_conn_deadline(w.conn),
                     w.now_us + world_times.send_us); /* whether there will be more or not */
    close(w.behind);
    w.behind = -1;
    for (int i = 0; i < 100; i++) run(&w);
    w.now_us += world_times.send_us;
    assert_int_equal(run(&w), ES_TLS_CLOSED);
    es_tls_conn_destroy(&w.conn);
    for (size_t n, heard = 0; (n = hear(&w, true, heard)); heard += n)
        assert_int_not_equal(n, SIZE_MAX); /* no clean end */
    close_world(&w);
}

static void a_client_that_vanishes_is_gone(void **state)
{
    world_t w;
    (void)state;
    open_connection(&w);
    close_client(&w);
    assert_int_equal(say(&w, false, 0, 1000), 1000);
    for (int i = 0; i < 3 && run(&w) != ES_TLS_CLOSED; i++) continue;
    assert_int_equal(es_tls_conn_state(w.conn), ES_TLS_CLOSED);
    close_world(&w);
}

static void what_is_no_tls_any_more_ends_it(void **state)
{
    world_t w;
    (void)state;
    open_connection(&w);
    assert_int_equal(send(w.fd, "GET / HTTP/1.1\r\n", 16, 0), 16);
    assert_int_equal(run(&w), ES_TLS_CLOSED);
    close_world(&w);
}

/* ---- handshakes that come to nothing */

static void expect_failure(world_t *w, es_tls_why_t why)
{
    for (int i = 0; i < 5 && es_tls_conn_state(w->conn) == ES_TLS_HANDSHAKE; i++) {
        if (w->client) SSL_do_handshake(w->client);
        run(w);
    }
    assert_int_equal(es_tls_conn_state(w->conn), ES_TLS_CLOSED);
    assert_int_equal(es_tls_conn_why(w->conn), why);
    close_world(w);
}

static void raw_failure(const char *said, size_t len, es_tls_why_t why)
{
    world_t w;
    open_world(&w);
    assert_int_equal(send(w.fd, said, len, 0), len);
    if (!len) close_client(&w);
    expect_failure(&w, why);
}

static void what_is_no_handshake(void **state)
{
    char zeros[600] = {0};
    (void)state;
    raw_failure("", 0, ES_TLS_GONE);
    raw_failure("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, ES_TLS_PLAIN_HTTP);
    raw_failure("SSH-2.0-OpenSSH_9.2p1\r\n", 23, ES_TLS_MALFORMED);
    raw_failure(zeros, sizeof zeros, ES_TLS_MALFORMED);
    raw_failure("\x16\x03\x01\0\x05\x02\x02\x01\x44\x03", 10, ES_TLS_MALFORMED); /* no ClientHello */
    raw_failure("\x16\x03\x01\xff\xff\x01\xff\xff\xff\x03\x03", 11, ES_TLS_HELLO);
    raw_failure("\x16\x03\x01\x40\x00\x01\x02\x01\x44", 9, ES_TLS_HELLO); /* as much as OpenSSL would take */
    raw_failure("\x16\x03\x01\0\x01\x01\x16\x03\x01\0\x03\x02\x01\x44", 14, ES_TLS_HELLO); /* in two records */
}

static void plain_http_is_told_so(void **state)
{
    world_t w;
    char answer[512] = "";
    (void)state;
    open_world(&w);
    assert_int_equal(send(w.fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0), 27);
    assert_int_equal(run(&w), ES_TLS_CLOSED);
    assert_true(recv(w.fd, answer, sizeof answer - 1, 0) > 0);
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    assert_non_null(strstr(answer, "HTTP/1.1 400 "));
    assert_int_equal(strtoul(strstr(answer, "content-length: ") + 16, NULL, 10), strlen(body + 4));
    close_world(&w);
}

/* A client whose first ClientHello has no key that we could use is asked for a second. */
static void a_second_hello_may_not_be_larger(void **state)
{
    world_t w;
    (void)state;
    open_world(&w);
    SSL_CTX_set1_groups_list(w.trusting, "X448:P-256"); /* its key is one of X448 */
    set_client(&w);
    assert_int_not_equal(SSL_do_handshake(w.client), 1);
    assert_int_equal(run(&w), ES_TLS_HANDSHAKE);
    assert_int_equal(send(w.fd, "\x16\x03\x03\x40\x00\x01\x02\x01\x44", 9, 0), 9);
    assert_int_equal(run(&w), ES_TLS_CLOSED);
    assert_int_equal(es_tls_conn_why(w.conn), ES_TLS_HELLO);
    close_world(&w);
}

static void clients_of_all_kinds_come_in(void **state)
{
    static const struct {
        int version;
        const char *groups;
    } cases[] = {{TLS1_2_VERSION, "P-256"},
                 {TLS1_2_VERSION, "X448:P-256"},
                 {TLS1_3_VERSION, "X25519"},
                 {TLS1_3_VERSION, "X448:P-384"}};
    (void)state;
    for (size_t i = 0; i < 40; i++) { /* encrypted bytes are others each time */
        world_t w;
        open_world(&w);
        SSL_CTX_set_max_proto_version(w.trusting, cases[i % 4].version);
        SSL_CTX_set1_groups_list(w.trusting, cases[i % 4].groups);
        shake_hands(&w);
        assert_int_equal(SSL_version(w.client), cases[i % 4].version);
        carry(&w, true, 1 << 20, 0);
        close_world(&w);
    }
}

static void old_versions_weak_ciphers_and_other_protocols(void **state)
{
    world_t w;
    (void)state;
    open_world(&w);
    SSL_CTX_set_max_proto_version(w.trusting, TLS1_1_VERSION);
    SSL_CTX_set_cipher_list(w.trusting, "ALL:@SECLEVEL=0");
    set_client(&w);
    expect_failure(&w, ES_TLS_VERSION);
    open_world(&w);
    SSL_CTX_set_max_proto_version(w.trusting, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(w.trusting, "ECDHE-ECDSA-AES128-SHA");
    set_client(&w);
    expect_failure(&w, ES_TLS_CIPHER);
    open_world(&w);
    SSL_CTX_set_alpn_protos(w.trusting, (const unsigned char *)"\x02h2", 3);
    set_client(&w);
    expect_failure(&w, ES_TLS_PROTOCOL);
    open_world(&w);
    SSL_CTX_set_verify(w.trusting, SSL_VERIFY_PEER, NULL);
    set_client(&w);
    expect_failure(&w, ES_TLS_ALERT);
}

static void a_handshake_has_its_time(void **state)
{
    world_t w;
    (void)state;
    open_world(&w);
    set_client(&w);
    SSL_do_handshake(w.client);
    assert_int_equal(run(&w), ES_TLS_HANDSHAKE);
    assert_int_equal(es_tls_conn_wants(w.conn), ES_TLS_READ_SECRET);
    w.now_us = es_tls_conn_deadline(w.conn);
    assert_int_equal(run(&w), ES_TLS_CLOSED);
    assert_int_equal(es_tls_conn_why(w.conn), ES_TLS_SLOW);
    close_world(&w);
}

/* ---- again */

static void reconnect(world_t *w, SSL_SESSION *session)
{
    int pair[2];
    close_client(w);
    if (w->behind >= 0) close(w->behind);
    w->behind = -1;
    es_tls_conn_destroy(&w->conn);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    w->fd = pair[0];
    w->conn = es_tls_conn_new(w->tls, pair[1], &world_times, w->now_us);
    set_client(w);
    SSL_set_session(w->client, session);
    for (int i = 0; i < 20 && (SSL_do_handshake(w->client) != 1 || run(w) != ES_TLS_OPEN); i++) run(w);
    assert_int_equal(run(w), ES_TLS_OPEN);
}

static void sessions_are_resumed_until_the_key_is_another(void **state)
{
    world_t w;
    (void)state;
    open_connection(&w);
    assert_int_equal(say(&w, false, 0, 1), 1);
    run(&w);
    assert_int_equal(hear(&w, true, 0), 1); /* and the ticket with it */
    SSL_SESSION *session = SSL_get1_session(w.client);
    SSL_shutdown(w.client);
    reconnect(&w, session);
    assert_true(SSL_session_reused(w.client));
    SSL_shutdown(w.client);
    w.now_us += UINT64_C(7) * 3600 * 1000000;
    reconnect(&w, session);
    assert_false(SSL_session_reused(w.client));
    SSL_SESSION_free(session);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bytes_travel_and_back_pressure_too),
                                       cmocka_unit_test(the_client_says_the_end_and_hears_an_answer),
                                       cmocka_unit_test(a_bare_end_is_an_end),
                                       cmocka_unit_test(an_early_answer_arrives_while_the_client_goes_on),
                                       cmocka_unit_test(what_is_left_has_time_as_long_as_it_moves),
                                       cmocka_unit_test(who_takes_nothing_of_it_is_cut),
                                       cmocka_unit_test(a_client_that_vanishes_is_gone),
                                       cmocka_unit_test(what_is_no_tls_any_more_ends_it),
                                       cmocka_unit_test(what_is_no_handshake),
                                       cmocka_unit_test(plain_http_is_told_so),
                                       cmocka_unit_test(a_second_hello_may_not_be_larger),
                                       cmocka_unit_test(clients_of_all_kinds_come_in),
                                       cmocka_unit_test(old_versions_weak_ciphers_and_other_protocols),
                                       cmocka_unit_test(a_handshake_has_its_time),
                                       cmocka_unit_test(sessions_are_resumed_until_the_key_is_another)};
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
