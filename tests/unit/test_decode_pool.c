/* Against the real earshot-decode, and children that misbehave. */
#include "decode_pool.h"
#include "sound_files.h"
#include "wire.h"

#define SECOND UINT64_C(1000000)

typedef struct {
    es_loop_t *loop;
    es_decode_pool_t *pool;
    es_decoding_t *decoding;
    char story[64], text[ES_DECODE_TEXT_MAX + 1], format[ES_DECODE_TEXT_MAX + 1];
    uint64_t from, next, total;
    int16_t *samples;
    uint64_t pause_at, deadline; /* pause_at: listen no more once so many samples came */
    bool over;
} heard_t;

static void copy_text(char *to, const es_decode_msg_t *msg)
{
    memcpy(to, msg->text, msg->text_len);
    to[msg->text_len] = '\0';
}

static void over(heard_t *self, const char *how)
{
    snprintf(self->story, sizeof self->story, "%s", how);
    self->decoding = NULL;
    self->over = true;
    es_loop_stop(self->loop);
}

static void on_said(void *ctx, const es_decode_msg_t *msg, uint64_t now_us)
{
    heard_t *self = ctx;
    if (msg->kind == ES_DECODE_INFO) copy_text(self->format, msg);
    if (msg->kind == ES_DECODE_AUDIO) {
        assert_int_equal(msg->pos, self->next);
        memcpy(self->samples + self->next, msg->samples, msg->n_samples * 2);
        self->next += msg->n_samples;
        if (self->pause_at && self->next >= self->pause_at) {
            es_decoding_listen(self->decoding, false, now_us);
            es_loop_stop(self->loop);
        }
    }
    if (msg->kind != ES_DECODE_END && msg->kind != ES_DECODE_REFUSED) return;
    copy_text(self->text, msg);
    self->total = msg->pos;
    over(self, msg->kind == ES_DECODE_END ? "end" : "refused");
}

static void on_failed(void *ctx, const char *why, uint64_t now_us)
{
    heard_t *self = ctx;
    (void)now_us;
    snprintf(self->text, sizeof self->text, "%s", why);
    over(self, "failed");
}

static const es_decoding_ops_t ops = {.said = on_said, .failed = on_failed};

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    heard_t *self = ctx;
    assert_true(now_us < self->deadline);
    uint64_t next = es_decode_pool_tick(self->pool, now_us);
    return next < self->deadline ? next : self->deadline;
}

static void begin(heard_t *self, const char *program, uint64_t silence_us)
{
    es_decode_pool_config_t config = {.program = program ? program : ES_BIN "/earshot-decode",
                                      .silence_us = silence_us,
                                      .cpu_us = 60 * SECOND,
                                      .memory_mib = 512};
    *self = (heard_t){.loop = es_loop_new(), .samples = calloc(2, 1000000), .deadline = es_now_us() + 20 * SECOND};
    self->pool = es_decode_pool_new(&config, self->loop);
    es_loop_add_tick(self->loop, on_tick, self);
}

static void end(heard_t *self)
{
    es_decode_pool_destroy(&self->pool);
    es_loop_destroy(&self->loop);
    free(self->samples);
}

static const char *decode(heard_t *self, const char *name, uint64_t from)
{
    self->over = false;
    self->next = self->from = from;
    self->decoding = es_decode_pool_begin(self->pool, open_sound(name), from, 1000000, &ops, self, es_now_us());
    assert_non_null(self->decoding);
    es_loop_run(self->loop);
    return self->story;
}

static uint64_t started(void)
{
    return es_metric_get(es_decode_pool_metrics()[0]);
}

static int make_all(void **state)
{
    if (sounds_setup(state) != 0) return -1;
    make_wav("a.wav", 44100, 2, 10 * 44100, 440);
    make("lame --quiet a.wav a.mp3");
    make("flac -s -o a.flac a.wav; oggenc -Q -o a.ogg a.wav; opusenc --quiet a.wav a.opus; sox a.wav a.aiff");
    make("echo no > no.txt");
    make("printf '#!/bin/sh\\nenv >\"${0%%/*}\"/seen\\n' > curious; chmod +x curious");
    make("printf '#!/bin/sh\\nexec sleep 60\\n' > silent; printf '#!/bin/sh\\nhead -c 1 <&3 >/dev/null\\nexit 1\\n' > "
         "dead; chmod +x silent dead");
    make("printf '#!/usr/bin/python3\\nimport socket\\ns = "
         "socket.socket(fileno=3)\\ns.recv(100)\\ns.send(b\"nonsense\")\\ns.recv(1)\\n' > mad"
         "; chmod +x mad");
    return 0;
}

static void one_child_serves_file_after_file(void **state)
{
    heard_t heard;
    (void)state;
    begin(&heard, NULL, 20 * SECOND);
    uint64_t before = started();
    for (int i = 0; i < 5; i++) {
        assert_string_equal(decode(&heard, "a.wav", 0), "end");
        assert_int_equal(heard.total, 160000);
        assert_int_equal(heard.next, 160000);
        assert_string_equal(heard.format, "WAV 16 bit, 44100 Hz, 2 channels");
        assert_string_equal(heard.text, "");
        assert_string_equal(decode(&heard, "no.txt", 0), "refused");
        assert_non_null(strstr(heard.text, "This is text."));
    }
    assert_int_equal(started() - before, 1);
    end(&heard);
}

/* Confined as it is: test_recording hears the same files free. */
static void every_format_is_decoded(void **state)
{
    static const char *const names[] = {"a.wav", "a.flac", "a.ogg", "a.opus", "a.aiff", "a.mp3"};
    heard_t heard;
    (void)state;
    begin(&heard, NULL, 20 * SECOND);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_string_equal(decode(&heard, names[i], 0), "end");
        assert_string_equal(heard.text, "");
        assert_in_range(heard.total, 160000, 161600);
        spoil(names[i], "cut", 60, 0);
        assert_string_equal(decode(&heard, "cut", 0), "end");
        assert_in_range(heard.total, 40000, 110000);
    }
    end(&heard);
}

static void it_knows_no_settings(void **state)
{
    char line[4096];
    unsigned paths = 0;
    heard_t heard;
    (void)state;
    setenv("EARSHOT_LLM_KEY", "secret", 1);
    setenv("EARSHOT_STORE", "postgresql://bob:secret@db/jobs", 1);
    begin(&heard, sound_path("curious"), 10 * SECOND);
    assert_string_equal(decode(&heard, "a.wav", 0), "failed");
    end(&heard);
    FILE *seen = fopen(sound_path("seen"), "r");
    assert_non_null(seen);
    while (fgets(line, sizeof line, seen)) {
        assert_null(strstr(line, "EARSHOT_"));
        assert_null(strstr(line, "secret"));
        paths += strncmp(line, "PATH=", 5) == 0;
    }
    fclose(seen);
    assert_int_equal(paths, 1);
    unsetenv("EARSHOT_LLM_KEY");
    unsetenv("EARSHOT_STORE");
}

static void from_anywhere_it_is_the_same(void **state)
{
    static const char *const names[] = {"a.wav", "a.mp3"};
    static const uint64_t froms[] = {1600, 48000, 100800};
    heard_t whole, part;
    (void)state;
    for (size_t n = 0; n < 2; n++) {
        begin(&whole, NULL, 20 * SECOND);
        decode(&whole, names[n], 0);
        for (size_t i = 0; i < 3; i++) {
            begin(&part, NULL, 20 * SECOND);
            assert_string_equal(decode(&part, names[n], froms[i]), "end");
            assert_int_equal(part.total, whole.total);
            assert_memory_equal(part.samples + froms[i], whole.samples + froms[i], (whole.total - froms[i]) * 2);
            end(&part);
        }
        end(&whole);
    }
}

static void beyond_the_end_there_is_nothing(void **state)
{
    heard_t heard;
    (void)state;
    begin(&heard, NULL, 20 * SECOND);
    assert_string_equal(decode(&heard, "a.wav", 400000), "end");
    assert_int_equal(heard.total, 160000);
    end(&heard);
}

static void who_is_not_listened_to_waits(void **state)
{
    heard_t heard;
    (void)state;
    begin(&heard, NULL, 20 * SECOND);
    heard.pause_at = 16000;
    decode(&heard, "a.wav", 0);
    assert_false(heard.over);
    assert_in_range(heard.next, 16000, 16000);
    heard.pause_at = 0;
    es_decoding_listen(heard.decoding, true, es_now_us());
    es_loop_run(heard.loop);
    assert_int_equal(heard.next, 160000);
    end(&heard);
}

static void what_is_stopped_says_no_more(void **state)
{
    heard_t heard;
    (void)state;
    begin(&heard, NULL, 20 * SECOND);
    heard.pause_at = 1600;
    decode(&heard, "a.wav", 0);
    es_decoding_stop(&heard.decoding);
    assert_null(heard.decoding);
    heard.pause_at = 0;
    assert_string_equal(decode(&heard, "a.wav", 0), "end"); /* by another */
    end(&heard);
}

static void who_dies_is_silent_or_mad_is_told(void **state)
{
    static const struct {
        const char *program, *says;
        uint64_t silence_us;
    } cases[] = {{"dead", "The process that decodes the file died.", 10 * SECOND},
                 {"silent", "The process that decodes the file said nothing for too long.", SECOND / 5},
                 {"mad", "The process that decodes the file went wrong.", 10 * SECOND}};
    heard_t heard;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        begin(&heard, sound_path(cases[i].program), cases[i].silence_us);
        assert_string_equal(decode(&heard, "a.wav", 0), "failed");
        assert_string_equal(heard.text, cases[i].says);
        end(&heard);
    }
    begin(&heard, sound_path("not there"), SECOND);
    assert_null(es_decode_pool_begin(heard.pool, open_sound("a.wav"), 0, 1, &ops, &heard, es_now_us()));
    end(&heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_child_serves_file_after_file),
        cmocka_unit_test(every_format_is_decoded),
        cmocka_unit_test(it_knows_no_settings),
        cmocka_unit_test(from_anywhere_it_is_the_same),
        cmocka_unit_test(beyond_the_end_there_is_nothing),
        cmocka_unit_test(who_is_not_listened_to_waits),
        cmocka_unit_test(what_is_stopped_says_no_more),
        cmocka_unit_test(who_dies_is_silent_or_mad_is_told),
    };
    return cmocka_run_group_tests(tests, make_all, sounds_teardown);
}
