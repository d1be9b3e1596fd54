#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "http/tls_hello.h"

enum { BYTES = 65536 };

typedef struct {
    uint8_t bytes[BYTES];
    size_t len;
} said_t;

/* A record of this type around these bytes. */
static void say(said_t *said, uint8_t type, const void *body, size_t len)
{
    const uint8_t head[] = {type, 3, 1, (uint8_t)(len >> 8), (uint8_t)len};
    memcpy(said->bytes + said->len, head, sizeof head);
    if (len) memcpy(said->bytes + said->len + sizeof head, body, len);
    said->len += sizeof head + len;
}

/* The head of a message and some of its body, cut into records of so many bytes. */
static void announce(said_t *said, uint8_t type, uint32_t size, size_t there, size_t piece)
{
    uint8_t message[BYTES / 2] = {type, (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    for (size_t at = 0, n; at < 4 + there; at += n) {
        n = 4 + there - at < piece ? 4 + there - at : piece;
        say(said, 22, message + at, n);
    }
}

/* In pieces of so many bytes; the first of those that are refused, or SIZE_MAX. */
static size_t refused_at(const said_t *said, size_t piece)
{
    es_tls_hello_t self = {0};
    for (size_t at = 0, n; at < said->len; at += n) {
        n = said->len - at < piece ? said->len - at : piece;
        if (!es_tls_hello_read(&self, said->bytes + at, n)) return at;
    }
    return SIZE_MAX;
}

static bool fine(const said_t *said)
{
    bool whole = refused_at(said, BYTES) == SIZE_MAX;
    for (size_t piece = 1; piece < 7; piece++) assert_int_equal(refused_at(said, piece) == SIZE_MAX, whole);
    return whole;
}

static void what_is_announced_counts(void **state)
{
    (void)state;
    static const struct {
        uint32_t size;
        bool fine;
    } cases[] = {
        {0, true},       {517, true},      {2048, true}, {ES_TLS_HELLO_MAX, true}, {ES_TLS_HELLO_MAX + 1, false},
        {131396, false}, {0xffffff, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 6; piece++) {
            said_t said = {0};
            announce(&said, 1, cases[i].size, 0, piece);
            assert_int_equal(fine(&said), cases[i].fine);
        }
    said_t said = {0};
    announce(&said, 1, 131396, 1, 5);
    assert_int_equal(refused_at(&said, 1), 8); /* as soon as its length is known */
}

static void a_second_one_counts_too(void **state)
{
    (void)state;
    static const uint8_t change[] = {1};
    said_t said = {0};
    announce(&said, 1, 300, 300, 100);
    say(&said, 20, change, sizeof change);
    say(&said, 22, NULL, 0);
    assert_true(fine(&said));
    size_t before = said.len;
    announce(&said, 1, 20000, 0, 3);
    assert_false(fine(&said));
    said.len = before;
    announce(&said, 1, 20, 20, 7);
    assert_true(fine(&said));
}

static void what_is_none_is_left_alone(void **state)
{
    (void)state;
    uint8_t early[600];
    said_t said = {0};
    memset(early, 1, sizeof early);
    announce(&said, 1, 300, 300, 4096);
    say(&said, 23, early, sizeof early); /* encrypted */
    announce(&said, 16, 131396, 0, 2);   /* what the library will not take */
    assert_true(fine(&said));
    said = (said_t){.bytes = "GET /a/very/long/path HTTP/1.1\r\nHost: x\r\n\r\n", .len = 44};
    assert_true(fine(&said));
    said = (said_t){.len = 600};
    assert_true(fine(&said));
}

/* ---- those of clients that there are */

static void take_hello(SSL *ssl, said_t *said)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    assert_int_not_equal(SSL_do_handshake(ssl), 1);
    int len = BIO_read(out, said->bytes, BYTES);
    assert_true(len > 100);
    said->len = (size_t)len;
}

/* As large as that of a browser: a name, protocols, and keys of 1216 bytes as an extension that we do not know. */
static int add_keys(SSL *ssl, unsigned type, unsigned context, const unsigned char **out, size_t *len, X509 *x,
                    size_t chain, int *alert, void *arg)
{
    static const unsigned char keys[1216];
    (void)ssl, (void)type, (void)context, (void)x, (void)chain, (void)alert, (void)arg;
    *out = keys;
    *len = sizeof keys;
    return 1;
}

static void real_clients_pass(void **state)
{
    (void)state;
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 4; i++) {
        said_t said = {0};
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_max_proto_version(ctx, versions[i % 2]);
        SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x02h2\x08http/1.1", 12);
        if (i > 1)
            assert_int_equal(SSL_CTX_add_custom_ext(ctx, 65000, SSL_EXT_CLIENT_HELLO, add_keys, NULL, NULL, NULL, NULL),
                             1);
        SSL *ssl = SSL_new(ctx);
        SSL_set_tlsext_host_name(ssl, "a-rather-long-name.of-a-host.ears.example");
        take_hello(ssl, &said);
        assert_true(fine(&said) && (i < 2 || said.len > 1400));
        SSL_free(ssl);
        SSL_CTX_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_announced_counts), cmocka_unit_test(a_second_one_counts_too),
        cmocka_unit_test(what_is_none_is_left_alone), cmocka_unit_test(real_clients_pass)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
