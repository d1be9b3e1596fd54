#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "actor_thread.h"

enum { WAIT_MS = 10000 };

/* What a library keeps for a thread is freed after the actor has returned and has said so. */
static pthread_key_t kept;
static atomic_bool freed;

static void free_kept(void *value)
{
    (void)value;
    zmq_poll(NULL, 0, 20); /* late: any starter that does not wait for it is elsewhere by now */
    atomic_store(&freed, true);
}

static void await_term(zsock_t *pipe)
{
    char *word = zstr_recv(pipe);
    while (word && strcmp(word, "$TERM") != 0) {
        zstr_free(&word);
        word = zstr_recv(pipe);
    }
    zstr_free(&word);
}

static void serves(zsock_t *pipe, void *args)
{
    pthread_setspecific(kept, args);
    zsock_signal(pipe, 0);
    await_term(pipe);
}

static void leaves(zsock_t *pipe, void *args)
{
    pthread_setspecific(kept, args);
    zsock_signal(pipe, 0);
}

static void fails(zsock_t *pipe, void *args)
{
    pthread_setspecific(kept, args);
    es_runner_fail(pipe);
}

/* Passes over the first wish. */
static void is_stubborn(zsock_t *pipe, void *args)
{
    (void)args;
    zsock_signal(pipe, 0);
    await_term(pipe);
    await_term(pipe);
}

static es_actor_thread_t *start(es_actor_fn fn)
{
    atomic_store(&freed, false);
    es_actor_thread_t *thread = es_actor_thread_start(fn, &freed, "tester");
    assert_non_null(thread);
    return thread;
}

static void its_thread_is_gone_at_its_end(void **state)
{
    static const es_actor_fn actors[] = {serves, leaves, fails};
    (void)state;
    for (size_t i = 0; i < sizeof actors / sizeof *actors; i++) {
        es_actor_thread_t *thread = start(actors[i]);
        assert_int_equal(es_actor_thread_failed(thread), actors[i] == fails);
        assert_true(es_actor_thread_end(&thread, WAIT_MS));
        assert_null(thread);
        assert_true(atomic_load(&freed));
    }
}

static void its_last_word_comes_after_what_it_signalled(void **state)
{
    (void)state;
    es_actor_thread_t *thread = start(fails);
    zsock_t *pipe = es_actor_thread_pipe(thread);
    zsock_set_rcvtimeo(pipe, WAIT_MS);
    assert_int_equal(zsock_wait(pipe), 1);
    assert_int_equal(zsock_wait(pipe), ES_ACTOR_THREAD_ENDED);
    assert_true(es_actor_thread_end(&thread, WAIT_MS));
}

static void one_that_goes_on_is_left_alone(void **state)
{
    (void)state;
    es_actor_thread_t *thread = start(is_stubborn);
    assert_false(es_actor_thread_end(&thread, 1));
    assert_non_null(thread);
    assert_true(es_actor_thread_end(&thread, WAIT_MS));
}

static void who_is_no_actor_has_not_failed(void **state)
{
    (void)state;
    es_actor_thread_note_failed();
    es_actor_thread_t *thread = start(serves);
    assert_false(es_actor_thread_failed(thread));
    assert_true(es_actor_thread_end(&thread, WAIT_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_thread_is_gone_at_its_end),
        cmocka_unit_test(its_last_word_comes_after_what_it_signalled),
        cmocka_unit_test(one_that_goes_on_is_left_alone),
        cmocka_unit_test(who_is_no_actor_has_not_failed),
    };
    zsys_handler_set(NULL);
    pthread_key_create(&kept, free_kept);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
