/* Decoders of file jobs: they give way, and are judged by whether they work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "decoder_world.h"

static void batch_decoders_give_way(void **state)
{
    int zygote = 0, decoder = 0;
    (void)state;
    setup_as(
        (es_decoder_pool_config_t){.decoders = 1, .deadline_us = 5000000, .batch = true, .nice = 7, .first_id = 100});
    submit(1, PLAIN, 100);
    await_answers(1);
    children_of((int)getpid(), &zygote);
    assert_int_equal(children_of(zygote, &decoder), 1);
    assert_int_equal(getpriority(PRIO_PROCESS, (id_t)decoder), getpriority(PRIO_PROCESS, 0) + 7);
    assert_int_equal(sched_getscheduler(decoder), SCHED_BATCH);
    assert_int_equal(getpriority(PRIO_PROCESS, (id_t)zygote), getpriority(PRIO_PROCESS, 0));
    teardown();
}

/* A live segment is not kept waiting by any number of others: those have decoders of their own. */
static void pools_share_a_zygote(void **state)
{
    (void)state;
    setup(1, 5000000, 0);
    es_decoder_pool_config_t config = {.decoders = 1, .deadline_us = 60000000, .batch = true, .first_id = 1};
    es_decoder_pool_t *batch = es_decoder_pool_new(&config, w.zygote, w.loop, on_answer);
    int16_t pcm[1600] = {HANG};
    for (uint64_t id = 1; id <= 10; id++) es_decoder_pool_submit(batch, &w, id, pcm, 1600);
    submit(11, PLAIN, 1600);
    await_answers(1);
    assert_int_equal(w.answers[0].id, 11);
    es_decoder_pool_destroy(&batch);
    teardown();
}

/* What a decoder of a file job does for nobody ends at once: it takes as long as the next segment would wait. */
static void what_nobody_wants_is_not_done(void **state)
{
    int other;
    int16_t pcm[1600] = {HANG};
    (void)state;
    setup_as((es_decoder_pool_config_t){.decoders = 1, .deadline_us = 60000000, .batch = true});
    es_decoder_pool_submit(w.pool, &other, 1, pcm, 1600);
    submit(2, PLAIN, 1600);
    w.n = w.wanted = 0;
    es_decoder_pool_forget(w.pool, &other);
    await_answers(1);
    assert_int_equal(w.answers[0].id, 2);
    teardown();
}

static pid_t compete(void)
{
    pid_t pid = fork();
    if (pid != 0) return pid;
    keep_to_one_processor();
    for (volatile unsigned i = 0;; i = i + 1) continue;
}

static void batch_may_wait_for_the_processor_but_not_hang(void **state)
{
    (void)state;
    setup_as((es_decoder_pool_config_t){.decoders = 2, .deadline_us = 100000, .batch = true, .nice = 18});
    pid_t other = compete();
    submit(1, STARVE, 160);
    submit(2, HANG, 160);
    await_answers(2);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    assert_string_equal(answer_of(1)->error, "");
    assert_string_equal(answer_of(2)->error, "the decoder took longer than 100 ms");
    submit(3, SPIN, 160);
    await_answers(3);
    assert_non_null(strstr(answer_of(3)->error, "longer than 100 ms"));
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_decoders_give_way),
        cmocka_unit_test(pools_share_a_zygote),
        cmocka_unit_test(what_nobody_wants_is_not_done),
        cmocka_unit_test(batch_may_wait_for_the_processor_but_not_hang),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
