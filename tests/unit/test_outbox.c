#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue.h"
#include "outbox.h"

static uint64_t expected;
static size_t got;

static void take(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len)
{
    char name[ES_CLIENT_ID_LEN + 1];
    assert_ptr_equal(ctx, &expected);
    assert_int_equal(msg->seq, ++expected);
    assert_int_equal(broker, msg->seq % 3);
    snprintf(name, sizeof name, "%016llx", (unsigned long long)msg->seq);
    assert_memory_equal(key.ptr, name, ES_CLIENT_ID_LEN);
    for (size_t i = 0; i < len; i++) assert_int_equal(((const uint8_t *)body)[i], (uint8_t)msg->seq);
    got += len;
}

static void put(es_outbox_t *outbox, uint64_t seq, size_t len, const char *service)
{
    es_msg_t msg = {.kind = ES_FRAME, .seq = seq, .service = es_span(service)};
    char name[ES_CLIENT_ID_LEN + 1];
    uint8_t *body = malloc(len + 1);
    memset(body, (int)(uint8_t)seq, len);
    snprintf(name, sizeof name, "%016llx", (unsigned long long)seq);
    es_outbox_put(outbox, (int)(seq % 3), es_span(name), &msg, body, len);
    memset(body, 0xee, len);
    free(body);
}

static void order_and_content_are_kept(void **state)
{
    (void)state;
    es_outbox_t *outbox = es_outbox_new(take, &expected);
    put(outbox, 1, 640, NULL);
    put(outbox, 2, 0, NULL);
    assert_int_equal(expected, 0); /* kept */
    es_outbox_flush(outbox);
    assert_int_equal(expected, 2);
    put(outbox, 3, 100, NULL);
    put(outbox, 4, 100, "transcribe"); /* holds a span: not kept, and overtakes nothing */
    assert_int_equal(expected, 4);
    put(outbox, 5, 1 << 20, NULL); /* larger than the box */
    assert_int_equal(expected, 5);
    uint64_t seq = 5;
    for (int i = 0; i < 1000; i++) put(outbox, ++seq, (size_t)i * 7, NULL);
    es_outbox_flush(outbox);
    es_outbox_flush(outbox);
    assert_int_equal(expected, seq);
    assert_int_equal(got, 640 + 200 + (1 << 20) + 7 * 999 * 500);
    es_outbox_destroy(&outbox);
    es_outbox_destroy(&outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order_and_content_are_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
