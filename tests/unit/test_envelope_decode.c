/* What the decoder takes and what it refuses, byte by byte. */
#include "envelope_world.h"

static uint8_t nibble(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Lowercase hex digits, blanks between, to bytes in an allocation of exactly their number, so that a sanitizer sees every read beyond. */
static uint8_t *bytes_of(const char *hex, size_t *len)
{
    uint8_t *all = malloc(strlen(hex) + 1), high = 0;
    bool half = false;
    *len = 0;
    for (; *hex; hex++) {
        if (*hex == ' ') continue;
        if (half)
            all[(*len)++] = (uint8_t)(high << 4 | nibble(*hex));
        else
            high = nibble(*hex);
        half = !half;
    }
    return realloc(all, *len ? *len : 1);
}

static es_decode_t decode_hex(void **state, const char *hex, es_msg_t *out)
{
    size_t len;
    uint8_t *bytes = bytes_of(hex, &len);
    es_decode_t reason = es_decode(*state, bytes, len, out);
    free(bytes);
    return reason;
}

#define REFUSED(reason, hex)                                     \
    do {                                                         \
        es_msg_t got_;                                           \
        assert_int_equal(decode_hex(state, hex, &got_), reason); \
    } while (0)
#define ACCEPTED(hex) REFUSED(ES_DECODE_OK, hex)

static void truncated_at_every_byte(void **state)
{
    es_msg_t msg = everything(), back;
    char buf[ES_ENVELOPE_MAX];
    size_t len = es_encode(&msg, buf, sizeof buf);
    for (size_t cut = 0; cut < len; cut++) {
        char *exact = malloc(cut ? cut : 1);
        memcpy(exact, buf, cut);
        assert_int_equal(es_decode(*state, exact, cut, &back), ES_DECODE_TRUNCATED);
        free(exact);
    }
}

/* Whatever one byte becomes, the decoder answers, and what it accepts it can say again. */
static void every_byte_changed_in_every_way(void **state)
{
    es_msg_t msg = everything(), back;
    char buf[ES_ENVELOPE_MAX], again[ES_ENVELOPE_MAX];
    size_t len = es_encode(&msg, buf, sizeof buf);
    for (size_t i = 0; i < len; i++) {
        char was = buf[i];
        for (int value = 0; value < 256; value++) {
            buf[i] = (char)value;
            if (es_decode(*state, buf, len, &back) == ES_DECODE_OK)
                assert_true(es_encode(&back, again, sizeof again) > 0);
        }
        buf[i] = was;
    }
}

static void lengths(void **state)
{
    REFUSED(ES_DECODE_TRAILING, "9701010000 00c0c0 00");
    REFUSED(ES_DECODE_TRAILING, "c0c0");
    uint8_t big[ES_ENVELOPE_MAX + 1] = {0};
    es_msg_t out;
    assert_int_equal(es_decode(*state, big, sizeof big, &out), ES_DECODE_TOO_LONG);
    assert_int_equal(es_decode(*state, big, 0, &out), ES_DECODE_TRUNCATED);
    /* one unknown field fills the envelope to its last byte */
    uint8_t full[ES_ENVELOPE_MAX] = {0x97, 1, 1, 0, 0, 0, 0xc0, 0x81, 0x63, 0xc5, 0x0f, 0xf4};
    assert_int_equal(es_decode(*state, full, sizeof full, &out), ES_DECODE_OK);
}

static void shape(void **state)
{
    REFUSED(ES_DECODE_SHAPE, "c0");
    REFUSED(ES_DECODE_SHAPE, "01");
    REFUSED(ES_DECODE_SHAPE, "80");
    REFUSED(ES_DECODE_SHAPE, "90");
    REFUSED(ES_DECODE_SHAPE, "9101");
    REFUSED(ES_DECODE_SHAPE, "96010100000 0c0");
    ACCEPTED("98010100000 0c0c0 c0");
    ACCEPTED("dc0009 010100000 0c0c0 93010203 81a161a162");
    ACCEPTED("dd00000007 010100000 0c0c0");
}

static void versions(void **state)
{
    es_msg_t out;
    assert_int_equal(decode_hex(state, "97000100 0000c0c0", &out), ES_DECODE_VERSION);
    assert_int_equal(out.version, 0);
    assert_int_equal(decode_hex(state, "97020100 0000c0c0", &out), ES_DECODE_VERSION);
    assert_int_equal(out.version, 2);
    assert_int_equal(decode_hex(state, "9109", &out), ES_DECODE_VERSION);
    assert_int_equal(out.version, 9);
    assert_int_equal(decode_hex(state, "97 cf0000000100000001 0100 0000c0c0", &out), ES_DECODE_VERSION);
    assert_int_equal(out.version, UINT32_MAX);
    REFUSED(ES_DECODE_TYPE, "97ff0100 0000c0c0");
    REFUSED(ES_DECODE_TYPE, "97c00100 0000c0c0");
}

static void types_of_the_array(void **state)
{
    REFUSED(ES_DECODE_TYPE, "9701c0000000c0c0");
    REFUSED(ES_DECODE_TYPE, "970101ff0000c0c0");
    REFUSED(ES_DECODE_TYPE, "97010100a000c0c0");
    REFUSED(ES_DECODE_TYPE, "9701010000ca00000000c0c0");
    REFUSED(ES_DECODE_TYPE, "970101000000a0c0");
    REFUSED(ES_DECODE_TYPE, "97010100000001c0");
    REFUSED(ES_DECODE_TYPE, "970101000000c090");
    REFUSED(ES_DECODE_TYPE, "970101000000c001");
    ACCEPTED("970101000000c080");
    REFUSED(ES_DECODE_RANGE, "9701 cf0000000100000000 000000c0c0");
    REFUSED(ES_DECODE_RANGE, "970101000000 c400 c0");
    REFUSED(ES_DECODE_RANGE, "970101000000 c418 000000000000000000000000000000000000000000000000 c0");
    ACCEPTED("970101000000 c419 00000000000000000000000000000000000000000000000000 c0");
    /* a wide or signed integer that is not negative is the same integer */
    ACCEPTED("97d30000000000000001 d001 ce00000000 cd0000 cc00 c0c0");
}

static void types_of_meta(void **state)
{
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 a101 01"); /* key is a string */
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 ff 01");   /* key is negative */
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 c0 01");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 02 ff"); /* pos */
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 02 a0");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 02 c400");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 02 c0");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 02 cb0000000000000000");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 05 a0");   /* checkpoint as str */
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 0a c400"); /* text as bin */
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 0a 00");
    REFUSED(ES_DECODE_TYPE, "970101000000c0 81 0a 90");
    REFUSED(ES_DECODE_RANGE, "970101000000c0 81 0a a1ff");               /* not UTF-8 */
    REFUSED(ES_DECODE_RANGE, "970101000000c0 81 0e cf0000000100000000"); /* place */
    REFUSED(ES_DECODE_SHAPE, "970101000000c0 82 0201 0202");             /* pos twice */
}

static void unknown_keys_are_skipped(void **state)
{
    es_msg_t out;
    assert_int_equal(decode_hex(state, "970101000000c0 84 00c0 7f90 cd012c81a161c3 0207", &out), ES_DECODE_OK);
    assert_int_equal(out.present, ES_BIT(ES_M_POS));
    assert_int_equal(out.pos, 7);
    ACCEPTED("970101000000c0 82 6301 6302"); /* twice, but nobody reads it */
    ACCEPTED("970101000000c0 81 63 c7 02 05 0102");
    ACCEPTED("970101000000c0 81 cfffffffffffffffff d80500000000000000000000000000000000");
}

static void limits_of_strings(void **state)
{
    static const struct {
        unsigned key, max;
    } limits[] = {{ES_M_TEXT, ES_TEXT_MAX},        {ES_M_REASON, ES_REASON_MAX},   {ES_M_SERVICE, ES_NAME_MAX},
                  {ES_M_LANGUAGE, ES_NAME_MAX},    {ES_M_NAME, ES_NAME_MAX},       {ES_M_CHECKPOINT, ES_CHECKPOINT_MAX},
                  {ES_M_CLIENT, ES_CLIENT_ID_LEN}, {ES_M_SESSION, ES_SESSION_MAX}, {ES_M_MSG_ID, ES_MSG_ID_MAX},
                  {ES_M_ROOM, ES_NAME_MAX},        {ES_M_STREAM, ES_SESSION_MAX}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (unsigned over = 0; over < 2; over++) {
            uint8_t buf[ES_ENVELOPE_MAX] = {0x97, 1, 1, 0, 0, 0, 0xc0, 0x81};
            size_t len = limits[i].max + over, head = 12;
            buf[8] = (uint8_t)limits[i].key;
            buf[9] = limits[i].key == ES_M_CHECKPOINT ? 0xc5 : 0xda;
            buf[10] = (uint8_t)(len >> 8);
            buf[11] = (uint8_t)len;
            memset(buf + head, 'x', len);
            es_msg_t out;
            assert_int_equal(es_decode(*state, buf, head + len, &out), over ? ES_DECODE_RANGE : ES_DECODE_OK);
        }
    }
}

static void nesting_is_bounded(void **state)
{
    /* [1, 1, 0, 0, 0, nil, {99: [[[[[[1]]]]]]}]: eight deep */
    ACCEPTED("970101000000c0 81 63 91919191919101");
    REFUSED(ES_DECODE_MALFORMED, "970101000000c0 81 63 9191919191919101");
    ACCEPTED("970101000000c0 81 63 91919191919190"); /* an empty one holds nothing */
    uint8_t deep[ES_ENVELOPE_MAX];
    es_msg_t out;
    memset(deep, 0x91, sizeof deep);
    assert_int_equal(es_decode(*state, deep, sizeof deep, &out), ES_DECODE_MALFORMED);
    memset(deep, 0x81, sizeof deep);
    assert_int_equal(es_decode(*state, deep, sizeof deep, &out), ES_DECODE_MALFORMED);
}

static void declared_sizes_ask_for_nothing(void **state)
{
    REFUSED(ES_DECODE_TRUNCATED, "ddffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "dd0aaaaaaa 0101");
    REFUSED(ES_DECODE_TRUNCATED, "dfffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "dcffff");
    REFUSED(ES_DECODE_TRUNCATED, "970101000000c0 dfffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "970101000000c0 81 63 ddffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "970101000000c0 81 0a dbffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "970101000000c0 81 05 c6ffffffff");
    REFUSED(ES_DECODE_TRUNCATED, "970101000000c0 81 63 c9ffffffff00");
    REFUSED(ES_DECODE_MALFORMED, "c1");
    REFUSED(ES_DECODE_MALFORMED, "97010100000 0c0c1");
}

static void every_msgpack_type_can_be_skipped(void **state)
{
    const char *value = "00 7f ff e0 80 90 a0 c0 c2 c3 c40101 c5000101 c60000000101 c7010501 c800010501 c9000000010501 "
                        "cc01 cd0101 ce01010101 cf0101010101010101 d001 d10101 d201010101 d30101010101010101 "
                        "ca01010101 cb0101010101010101 d40501 d5050101 d60501010101 d7050101010101010101 "
                        "d80501010101010101010101010101010101 d90161 da000161 db0000000161 "
                        "dc000101 dd0000000101 de00010101 df000000010101";
    for (size_t len; *value; value += len + (value[len] == ' ')) {
        len = strcspn(value, " ");
        char hex[128];
        snprintf(hex, sizeof hex, "970101000000c0 82 63 %.*s 02 07", (int)len, value);
        es_msg_t out;
        assert_int_equal(decode_hex(state, hex, &out), ES_DECODE_OK);
        assert_int_equal(out.pos, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(truncated_at_every_byte, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(every_byte_changed_in_every_way, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(lengths, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(shape, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(versions, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(types_of_the_array, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(types_of_meta, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(unknown_keys_are_skipped, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(limits_of_strings, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(nesting_is_bounded, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(declared_sizes_ask_for_nothing, with_decoder, without_decoder),
        cmocka_unit_test_setup_teardown(every_msgpack_type_can_be_skipped, with_decoder, without_decoder),
    };
    return cmocka_run_group_tests_name("envelope_decode", tests, NULL, NULL);
}
