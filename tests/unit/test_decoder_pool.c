/* Real processes, an engine that does what its samples say: sum, die, hang, fail. */
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "decoder_pool.h"
#include "decoder_wire.h"
#include "partials.h"
#include "wire.h"

enum { PLAIN = 0, DIE = 1, HANG = 2, FAIL = 3, DIE_ONCE = 4, LATE = 5, EXIT = 6, SPIN = 7, TOIL = 8 };

/* --- the engine --- */

typedef struct {
    int what;
    int64_t sum;
    size_t fed;
    char flag[64]; /* a file that exists: DIE_ONCE has died */
    char text[64];
    int pipe[2];
    es_word_t word;
} fake_t;

static void *fake_load(const es_engine_config_t *config, char *err, size_t err_len)
{
    if (strcmp(config->model_dir, "none") == 0) {
        snprintf(err, err_len, "there is no model");
        return NULL;
    }
    if (strcmp(config->model_dir, "exit") == 0) exit(1);
    fake_t *self = calloc(1, sizeof *self);
    snprintf(self->flag, sizeof self->flag, "%s", config->model_dir);
    return self;
}

static void *fake_attach(void *model)
{
    return model;
}

static es_engine_status_t fake_begin(void *state, const es_segment_t *segment)
{
    fake_t *self = state;
    (void)segment;
    self->sum = 0;
    self->fed = 0;
    self->what = PLAIN;
    return ES_ENGINE_OK;
}

static es_engine_status_t fake_feed(void *state, const int16_t *pcm, size_t samples)
{
    fake_t *self = state;
    if (samples > ES_ENGINE_FEED) return ES_ENGINE_ERROR;
    if (self->fed == 0) self->what = pcm[0];
    for (size_t i = 0; i < samples; i++) self->sum += pcm[i];
    self->fed += samples;
    return ES_ENGINE_OK;
}

static es_engine_status_t say_sum(fake_t *self, es_engine_result_t *out)
{
    snprintf(self->text, sizeof self->text, "sum %lld of %zu", (long long)self->sum, self->fed);
    self->word = (es_word_t){es_span_of(self->text, 3), 1, 2, 900};
    *out = (es_engine_result_t){.text = es_span(self->text), .words = &self->word, .n_words = 1, .confidence = 900};
    return ES_ENGINE_OK;
}

static es_engine_status_t fake_partial(void *state, es_engine_result_t *out)
{
    return say_sum(state, out);
}

/* Has the processor for a tenth of the time at most, as on a machine with too much to do. */
static void toil(void)
{
    for (int i = 0; i < 20; i++) {
        poll(NULL, 0, 45);
        for (clock_t until = clock() + CLOCKS_PER_SEC / 200; clock() < until;) continue;
    }
}

static es_engine_status_t fake_end(void *state, es_engine_result_t *out)
{
    fake_t *self = state;
    switch (self->what) {
    case DIE_ONCE:
        if (access(self->flag, F_OK) == 0) break;
        fclose(fopen(self->flag, "w"));
        abort();
    case DIE:
        raise(SIGKILL);
        break;
    case EXIT:
        exit(1);
    case HANG:
        for (;;) pause();
    case SPIN:
        for (volatile unsigned i = 0;; i = i + 1) continue;
    case TOIL:
        toil();
        break;
    case FAIL:
        out->error = es_span("too quiet");
        return ES_ENGINE_ERROR;
    case LATE:
        if (pipe(self->pipe) != 0 || write(self->pipe[1], "x", 1) != 1) abort();
        return ES_ENGINE_LATER;
    default:
        break;
    }
    return say_sum(self, out);
}

static int fake_fd(void *state)
{
    return ((fake_t *)state)->pipe[0];
}

static es_engine_status_t fake_pump(void *state, es_engine_result_t *out)
{
    fake_t *self = state;
    close(self->pipe[0]);
    close(self->pipe[1]);
    return say_sum(self, out);
}

static void fake_cancel(void *state)
{
    (void)state;
}

static const es_engine_t fake = {.name = "fake",
                                 .capabilities = ES_ENGINE_PARTIALS | ES_ENGINE_WORDS | ES_ENGINE_ASYNC,
                                 .load = fake_load,
                                 .attach = fake_attach,
                                 .begin = fake_begin,
                                 .feed = fake_feed,
                                 .partial = fake_partial,
                                 .end = fake_end,
                                 .cancel = fake_cancel,
                                 .fd = fake_fd,
                                 .pump = fake_pump,
                                 .free = free};

/* --- the world --- */

enum { ANSWERS = 256, PATIENCE_US = 20000000 };

typedef struct {
    char text[64], error[128];
    uint64_t id;
} answer_t;

static struct {
    es_zygote_t *zygote;
    es_loop_t *loop;
    es_decoder_pool_t *pool;
    answer_t answers[ANSWERS];
    size_t n, wanted, partials, partial_samples;
    char partial[64], flag[64];
    uint64_t until_us, longest_us, last_us;
} w;

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    (void)ctx;
    if (w.last_us && now_us - w.last_us > w.longest_us) w.longest_us = now_us - w.last_us;
    w.last_us = now_us;
    if (w.n >= w.wanted || now_us > w.until_us) es_loop_stop(w.loop);
    return now_us + 10000;
}

static void on_answer(void *owner, uint64_t id, const es_engine_result_t *result)
{
    answer_t *a = &w.answers[w.n++];
    assert_ptr_equal(owner, &w);
    a->id = id;
    snprintf(a->text, sizeof a->text, "%.*s", (int)result->text.len, result->text.len ? result->text.ptr : "");
    snprintf(a->error, sizeof a->error, "%.*s", (int)result->error.len, result->error.len ? result->error.ptr : "");
    if (result->error.len == 0) {
        assert_int_equal(result->n_words, 1);
        assert_int_equal(result->words[0].confidence, 900);
        assert_memory_equal(result->words[0].text.ptr, "sum", 3);
    }
}

static void setup(uint32_t decoders, uint64_t deadline_us, size_t queue_bytes)
{
    char err[256] = "";
    memset(&w, 0, sizeof w);
    snprintf(w.flag, sizeof w.flag, "/tmp/es-pool-%d", (int)getpid());
    unlink(w.flag);
    w.zygote = es_zygote_start(&fake, &(es_engine_config_t){.model_dir = w.flag}, err, sizeof err);
    assert_string_equal(err, "");
    assert_non_null(w.zygote);
    w.loop = es_loop_new();
    es_loop_add_tick(w.loop, on_tick, NULL);
    es_decoder_pool_config_t config = {.decoders = decoders, .deadline_us = deadline_us, .queue_bytes = queue_bytes};
    w.pool = es_decoder_pool_new(&config, w.zygote, w.loop, on_answer);
}

static void teardown(void)
{
    es_decoder_pool_destroy(&w.pool);
    es_loop_destroy(&w.loop);
    es_zygote_destroy(&w.zygote);
    unlink(w.flag);
}

static int submit(uint64_t id, int what, size_t samples)
{
    int16_t *pcm = calloc(samples, sizeof *pcm);
    for (size_t i = 0; i < samples; i++) pcm[i] = (int16_t)(i % 100);
    pcm[0] = (int16_t)what;
    int rc = es_decoder_pool_submit(w.pool, &w, id, pcm, samples);
    free(pcm);
    return rc;
}

static void await_answers(size_t wanted)
{
    w.wanted = wanted;
    w.until_us = es_now_us() + PATIENCE_US;
    es_loop_run(w.loop);
    assert_int_equal(w.n, wanted);
}

static const answer_t *answer_of(uint64_t id)
{
    for (size_t i = 0; i < w.n; i++)
        if (w.answers[i].id == id) return &w.answers[i];
    fail_msg("no answer to %llu", (unsigned long long)id);
    return NULL;
}

/* --- the tests --- */

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

/* Numbers of the children that pid has, zombies too. */
static size_t children_of(int pid, int *first)
{
    char path[64], list[8192];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    list[fread(list, 1, sizeof list - 1, file)] = 0;
    fclose(file);
    size_t n = 0;
    for (char *save = NULL, *at = strtok_r(list, " ", &save); at; at = strtok_r(NULL, " ", &save))
        if (n++ == 0 && first) *first = (int)strtol(at, NULL, 10);
    return n;
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
    es_decoder_pool_forget(w.pool, &other);
    assert_true(es_decoder_pool_waiting(w.pool) <= 2);
    await_answers(1);
    assert_int_equal(w.answers[0].id, 10);
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
    char err[256] = "";
    (void)state;
    assert_null(es_zygote_start(&fake, &(es_engine_config_t){.model_dir = "none"}, err, sizeof err));
    assert_string_equal(err, "there is no model");
    assert_null(es_zygote_start(&fake, &(es_engine_config_t){.model_dir = "exit"}, err, sizeof err));
    assert_non_null(strstr(err, "ended the process"));
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
        cmocka_unit_test(two_hundred_deaths_leave_nothing),
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
