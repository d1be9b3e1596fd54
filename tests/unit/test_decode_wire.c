#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "decode_wire.h"
#include "file_kind.h"

static _Alignas(8) char packet[ES_DECODE_PACKET_MAX + 8];

static void what_is_packed_comes_out(void **state)
{
    int16_t samples[ES_DECODE_FRAME];
    es_decode_msg_t got;
    (void)state;
    for (size_t i = 0; i < ES_DECODE_FRAME; i++) samples[i] = (int16_t)i;
    es_decode_msg_t audio = {.kind = ES_DECODE_AUDIO, .pos = 12345, .samples = samples, .n_samples = ES_DECODE_FRAME};
    assert_int_equal(es_decode_unpack(packet, es_decode_pack(&audio, packet), &got), 0);
    assert_int_equal(got.pos, 12345);
    assert_int_equal(got.n_samples, ES_DECODE_FRAME);
    assert_memory_equal(got.samples, samples, sizeof samples);
    es_decode_msg_t info = {.kind = ES_DECODE_INFO, .limit = 77, .text = "WAV", .text_len = 3};
    assert_int_equal(es_decode_unpack(packet, es_decode_pack(&info, packet), &got), 0);
    assert_int_equal(got.limit, 77);
    assert_int_equal(got.text_len, 3);
    assert_memory_equal(got.text, "WAV", 3);
}

static void nonsense_is_refused(void **state)
{
    es_decode_msg_t got, info = {.kind = ES_DECODE_INFO, .text = "\xff", .text_len = 1};
    (void)state;
    assert_int_equal(es_decode_unpack(packet, es_decode_pack(&info, packet), &got), -1); /* no UTF-8 */
    info.text = "ok";
    info.text_len = 2;
    size_t len = es_decode_pack(&info, packet);
    for (size_t n = 0; n < len; n++) assert_int_equal(es_decode_unpack(packet, n, &got), -1);
    assert_int_equal(es_decode_unpack(packet, len + 1, &got), -1);
    packet[0] = 0;
    assert_int_equal(es_decode_unpack(packet, len, &got), -1);
    packet[0] = 7;
    assert_int_equal(es_decode_unpack(packet, len, &got), -1);
    const int16_t sample = 1;
    es_decode_msg_t audio = {.kind = ES_DECODE_AUDIO, .samples = &sample, .n_samples = 0};
    assert_int_equal(es_decode_unpack(packet, es_decode_pack(&audio, packet), &got), -1); /* audio without any */
}

static void kinds_are_known_by_how_they_begin(void **state)
{
    bool sound = true;
    (void)state;
    assert_string_equal(es_file_kind("", 0, &sound), "an empty file");
    assert_false(sound);
    assert_string_equal(es_file_kind("%PDF-1.4", 8, &sound), "a PDF document");
    assert_string_equal(es_file_kind("\xff\xf1\x50\x80", 4, &sound), "an AAC stream");
    assert_true(sound);
    assert_string_equal(es_file_kind("plain\ntext", 10, &sound), "text");
    assert_null(es_file_kind("\x01\x02", 2, &sound));
    assert_null(es_file_kind("\0\0\0\0fty", 7, &sound)); /* too short to tell */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_comes_out),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(kinds_are_known_by_how_they_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
