/* Segments through real processes that die, hang and fail. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "decoder_wire.h"
#include "decoder_world.h"
#include "partials.h"

static void segments_come_back_as_words(void **state)
{
    (void)state;
    setup(2, 5000000, 0);
    for (uint64_t id = 1; id <= 40; id++) assert_int_equal(submit(id, PLAIN, 100 * id), 0);
    await_answers(40);
    char text[64];
    for (uint64_t id = 1; id <= 40; id++) {
        snprintf(text, sizeof text, "sum %d of %d", (int)id * 4950, (int)id * 100);
        assert_string_equal(answer_of(id)->text, text);
    }
    teardown();
}

static void one_decoder_keeps_the_order(void **state)
{
    (void)state;
    setup(1, 5000000, 0);
    for (uint64_t id = 1; id <= 20; id++) submit(id, id == 5 ? DIE : PLAIN, 240000 / id);
    await_answers(20);
    for (uint64_t id = 1; id <= 20; id++) assert_int_equal(w.answers[id - 1].id, id);
    teardown();
}

static void a_dying_decoder_is_replaced_and_the_segment_tried_once_more(void **state)
{
    (void)state;
    setup(2, 5000000, 0);
    submit(1, DIE_ONCE, 1000);
    submit(2, DIE, 1000);
    submit(3, EXIT, 1000);
    submit(4, PLAIN, 1000);
    await_answers(4);
    assert_string_equal(answer_of(1)->error, "");
    assert_string_equal(answer_of(1)->text, "sum 49504 of 1000");
    assert_non_null(strstr(answer_of(2)->error, "ended"));
    assert_non_null(strstr(answer_of(3)->error, "ended"));
    assert_string_equal(answer_of(4)->error, "");
    teardown();
}

static size_t files_of(int pid)
{
    char path[64];
    size_t n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir)) n++;
    closedir(dir);
    return n;
}

static void settings_stay_with_the_host(void **state)
{
    char path[64], seen[65536];
    int zygote = 0;
    (void)state;
    setup(1, 5000000, 0);
    assert_int_equal(children_of((int)getpid(), &zygote), 1);
    snprintf(path, sizeof path, "/proc/%d/environ", zygote);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(seen, 1, sizeof seen - 1, file);
    fclose(file);
    seen[len] = 0;
    for (const char *entry = seen; entry < seen + len; entry += strlen(entry) + 1)
        if (*entry && strncmp(entry, "PATH=", 5) != 0 && strncmp(entry, "LD_LIBRARY_PATH=", 16) != 0 &&
            strncmp(entry, "LANG=", 5) != 0 && strncmp(entry, "LC_", 3) != 0 && !strstr(entry, "SAN_OPTIONS="))
            fail_msg("the zygote knows of %.60s", entry);
    teardown();
}

static void two_hundred_deaths_leave_nothing(void **state)
{
    int zygote = 0;
    (void)state;
    setup(2, 5000000, 0);
    submit(200, PLAIN, 100);
    await_answers(1);
    assert_int_equal(children_of((int)getpid(), &zygote), 1);
    size_t ours = files_of((int)getpid()), its = files_of(zygote);
    for (uint64_t id = 1; id <= 100; id++) submit(id, DIE, 100); /* each twice */
    await_answers(101);
    submit(201, PLAIN, 100);
    await_answers(102);
    uint64_t until = es_now_us() + PATIENCE_US;
    /* One more than before on our side: the second decoder's, which may not have been there. A spawn under way holds one more for a moment. */
    while ((children_of(zygote, NULL) > 2 || files_of((int)getpid()) > ours + 1 || files_of(zygote) > its) &&
           es_now_us() < until)
        continue;
    assert_true(children_of(zygote, NULL) <= 2);
    assert_true(files_of((int)getpid()) <= ours + 1);
    assert_true(files_of(zygote) <= its);
    teardown();
}

static uint32_t broken_after;

static void on_broken(void *ctx, uint32_t failures)
{
    assert_ptr_equal(ctx, &w);
    assert_int_equal(broken_after, 0);
    broken_after = failures;
    es_loop_stop(w.loop);
}

static void decoders_that_never_start_are_told(void **state)
{
    (void)state;
    name_flag();
    fclose(fopen(w.flag, "w"));
    open_world((es_decoder_pool_config_t){
        .decoders = 1, .deadline_us = 1000000, .start_limit = 3, .broken = on_broken, .broken_ctx = &w});
    assert_int_equal(submit(1, PLAIN, 100), 0);
    w.wanted = 1;
    w.until_us = es_now_us() + PATIENCE_US;
    es_loop_run(w.loop);
    assert_int_equal(broken_after, 3);
    assert_int_equal(w.n, 0);
    teardown();
}

static void a_hanging_decoder_is_killed_at_its_deadline(void **state)
{
    (void)state;
    setup(1, 150000, 0);
    submit(1, HANG, 1600); /* three times its 100 ms, twice */
    submit(2, PLAIN, 1600);
    uint64_t from = es_now_us();
    await_answers(2);
    assert_true(es_now_us() - from >= 600000);
    assert_string_equal(answer_of(1)->error, "the decoder took longer than 300 ms");
    assert_string_equal(answer_of(2)->error, "");
    teardown();
}

static void one_that_spins_is_killed_and_one_that_toils_is_not(void **state)
{
    (void)state;
    setup(2, 400000, 0);
    submit(1, SPIN, 160);
    submit(2, TOIL, 160);
    await_answers(2);
    assert_non_null(strstr(answer_of(1)->error, "longer than 400 ms"));
    assert_string_equal(answer_of(2)->error, "");
    teardown();
}

static void an_engine_may_fail_and_may_be_late(void **state)
{
    (void)state;
    setup(1, 5000000, 0);
    submit(1, FAIL, 100);
    submit(2, LATE, 100);
    await_answers(2);
    assert_string_equal(answer_of(1)->error, "too quiet");
    assert_string_equal(answer_of(2)->text, "sum 4955 of 100");
    teardown();
}

static void what_is_forgotten_is_not_answered(void **state)
{
    int other;
    int16_t pcm[1600] = {HANG};
    (void)state;
    setup(1, 300000, 0);
    es_decoder_pool_submit(w.pool, &other, 1, pcm, 1600);
    pcm[0] = PLAIN;
    for (uint64_t id = 2; id < 10; id++) es_decoder_pool_submit(w.pool, &other, id, pcm, 1600);
    submit(10, PLAIN, 1600);
    assert_true(es_decoder_pool_waiting(w.pool) >= 9);
    assert_true(es_decoder_pool_oldest(w.pool) > 0);
    es_decoder_pool_forget(w.pool, &other);
    assert_true(es_decoder_pool_waiting(w.pool) <= 2);
    await_answers(1);
    assert_int_equal(w.answers[0].id, 10);
    assert_true(es_decoder_pool_oldest(w.pool) == 0);
    teardown();
}

static void the_queue_has_an_end(void **state)
{
    (void)state;
    setup(1, 5000000, 10000);
    assert_int_equal(submit(1, PLAIN, 2000), 0);
    assert_int_equal(submit(2, PLAIN, 2000), 0);
    assert_int_equal(submit(3, PLAIN, 2000), -1);
    assert_int_equal(submit(4, PLAIN, ES_DW_MAX), -1);
    await_answers(2);
    assert_int_equal(submit(5, PLAIN, 2000), 0);
    await_answers(3);
    teardown();
}

/* The loop is what answers heartbeats: long segments and dying decoders must not hold it up. */
static void the_loop_is_never_held_up(void **state)
{
    (void)state;
    setup(2, 300000, 0);
    for (uint64_t id = 1; id <= 12; id++) submit(id, id % 4 == 0 ? DIE : id == 6 ? HANG : PLAIN, 240000);
    await_answers(6); /* the hanging one still hangs */
    assert_true(w.longest_us < 400000);
    teardown();
}

static void a_model_that_cannot_be_loaded_is_said_so(void **state)
{
    const struct {
        const char *model_dir, *said;
        bool refused;
    } cases[] = {{"none", "there is no model", true},
                 {"exit", "the process that was to load the model is gone", false},
                 {"killed", "the process that was to load the model is gone", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char err[256] = "";
        bool refused = !cases[i].refused;
        assert_null(
            es_zygote_start(&fake, &(es_engine_config_t){.model_dir = cases[i].model_dir}, &refused, err, sizeof err));
        assert_non_null(strstr(err, cases[i].said));
        assert_int_equal(refused, cases[i].refused);
    }
}

static void on_partial(void *owner, es_span_t text, size_t samples)
{
    assert_ptr_equal(owner, &w);
    w.partials++;
    w.partial_samples = samples;
    snprintf(w.partial, sizeof w.partial, "%.*s", (int)text.len, text.ptr);
    w.n = w.partials;
}

static void partials_come_every_300_ms(void **state)
{
    static int16_t pcm[48000];
    int other;
    (void)state;
    setup(1, 5000000, 0);
    es_partials_t *partials = es_partials_new(1, w.zygote, w.loop, on_partial);
    for (size_t i = 0; i < 48000; i++) pcm[i] = 1;
    es_partials_hear(partials, &w, 1000, pcm, 100);
    es_partials_hear(partials, &w, 1000, pcm, 4799);
    es_partials_hear(partials, &other, 0, pcm, 48000); /* no slot is free: goes without */
    es_partials_hear(partials, &w, 1000, pcm, 5000);
    await_answers(1);
    assert_string_equal(w.partial, "sum 4800 of 4800");
    es_partials_hear(partials, &w, 1000, pcm, 20000);
    await_answers(4);
    assert_string_equal(w.partial, "sum 19200 of 19200");
    assert_int_equal(w.partial_samples, 19200);
    es_partials_hear(partials, &w, 60000, pcm, 9600); /* the next segment: from its own beginning */
    await_answers(6);
    assert_string_equal(w.partial, "sum 9600 of 9600");
    es_partials_hear(partials, &w, 90000, pcm, 48000);
    es_partials_end(partials, &w); /* answers to that are nobody's any more */
    es_partials_hear(partials, &w, 120000, pcm, 4800);
    await_answers(7);
    assert_string_equal(w.partial, "sum 4800 of 4800");
    es_partials_destroy(&partials);
    teardown();
}

static void results_survive_the_wire_and_nonsense_does_not(void **state)
{
    es_word_t words[2] = {{es_span("turn"), 1, 2, 3}, {es_span("left"), 4, 5, 6}}, back[ES_ENGINE_WORDS_MAX];
    es_engine_result_t result = {
        .text = es_span("turn left"), .words = words, .n_words = 2, .confidence = 7, .error = es_span("e")};
    size_t len;
    char *bytes = es_dw_pack(&result, &len);
    (void)state;
    es_engine_result_t out;
    assert_int_equal(es_dw_unpack(bytes, len, &out, back), 0);
    assert_int_equal(out.n_words, 2);
    assert_true(es_span_eq(out.words[1].text, es_span("left")) && out.words[1].end == 5);
    assert_true(es_span_eq(out.text, es_span("turn left")) && es_span_eq(out.error, es_span("e")));
    for (size_t shorter = 0; shorter < len; shorter++) assert_int_equal(es_dw_unpack(bytes, shorter, &out, back), -1);
    bytes[12] = 127; /* the count of words */
    assert_int_equal(es_dw_unpack(bytes, len, &out, back), -1);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_cannot_be_loaded_is_said_so),
        cmocka_unit_test(segments_come_back_as_words),
        cmocka_unit_test(one_decoder_keeps_the_order),
        cmocka_unit_test(a_dying_decoder_is_replaced_and_the_segment_tried_once_more),
        cmocka_unit_test(settings_stay_with_the_host),
        cmocka_unit_test(two_hundred_deaths_leave_nothing),
        cmocka_unit_test(decoders_that_never_start_are_told),
        cmocka_unit_test(a_hanging_decoder_is_killed_at_its_deadline),
        cmocka_unit_test(one_that_spins_is_killed_and_one_that_toils_is_not),
        cmocka_unit_test(an_engine_may_fail_and_may_be_late),
        cmocka_unit_test(what_is_forgotten_is_not_answered),
        cmocka_unit_test(the_queue_has_an_end),
        cmocka_unit_test(the_loop_is_never_held_up),
        cmocka_unit_test(partials_come_every_300_ms),
        cmocka_unit_test(results_survive_the_wire_and_nonsense_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
