#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "chat_captions.h"

static void speak(es_chat_captions_t *captions, const char *member, const char *text, bool final, uint64_t now)
{
    const es_message_t m = {
        .type = ES_MESSAGE_CAPTION, .member = member, .name = member, .stream = "1", .text = text, .final = final};
    es_chat_captions_hear(captions, &m, now);
}

static void check(es_chat_captions_t *captions, uint64_t now, const char *name, const char *text, unsigned others)
{
    uint64_t wake = UINT64_MAX;
    unsigned more;
    const es_chat_speaker_t *speaker = es_chat_captions_latest(captions, now, &more, &wake);
    if (!name) {
        assert_null(speaker);
        assert_int_equal(wake, UINT64_MAX);
        return;
    }
    assert_non_null(speaker);
    assert_string_equal(speaker->name, name);
    assert_string_equal(speaker->text, text);
    assert_int_equal(more, others);
    assert_true(wake > now && wake <= now + ES_CHAT_CAPTION_US);
}

static void a_partial_replaces_the_one_before(void **state)
{
    es_chat_captions_t captions = {0};
    (void)state;
    check(&captions, 0, NULL, NULL, 0);
    speak(&captions, "ann", "go", false, 1);
    speak(&captions, "ann", "go for", false, 2);
    check(&captions, 2, "ann", "go for", 0);
    speak(&captions, "bob", "yes", false, 3);
    check(&captions, 3, "bob", "yes", 1);
    speak(&captions, "bob", "yes", true, 4);
    check(&captions, 4, "ann", "go for", 0);
    speak(&captions, "ann", "", false, 5);
    check(&captions, 5, NULL, NULL, 0);
    es_chat_captions_fini(&captions);
}

static void who_leaves_or_falls_silent_is_forgotten(void **state)
{
    es_chat_captions_t captions = {0};
    const es_message_t left = {.type = ES_MESSAGE_LEFT, .member = "bob"};
    (void)state;
    speak(&captions, "ann", "go", false, 1);
    speak(&captions, "bob", "yes", false, 2);
    es_chat_captions_hear(&captions, &left, 3);
    check(&captions, 3, "ann", "go", 0);
    check(&captions, 1 + ES_CHAT_CAPTION_US, NULL, NULL, 0);
    es_chat_captions_fini(&captions);
}

static void a_crowd_is_bounded(void **state)
{
    es_chat_captions_t captions = {0};
    char name[12];
    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "m%u", (unsigned)i);
        speak(&captions, name, "hm", false, i + 1);
    }
    check(&captions, 21, "m19", "hm", ES_CHAT_SPEAKERS - 1);
    es_chat_captions_fini(&captions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partial_replaces_the_one_before),
        cmocka_unit_test(who_leaves_or_falls_silent_is_forgotten),
        cmocka_unit_test(a_crowd_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
