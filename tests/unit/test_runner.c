/* Each case forks before any thread exists: the child is a whole process under the runner. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner.h"
#include "wire.h"

typedef enum { SERVES, FAILS, ENDS, STUBBORN, LEAVES, RELOADS } behaviour_t;

typedef struct {
    es_common_config_t common;
    behaviour_t behaviour;
} config_t;

static char home[64];

static int make_home(void **state)
{
    char run[80];
    (void)state;
    snprintf(home, sizeof home, "/tmp/es-runner-XXXXXX");
    assert_non_null(mkdtemp(home));
    snprintf(run, sizeof run, "%s/run", home);
    return mkdir(run, 0700);
}

static int remove_home(void **state)
{
    char run[80];
    (void)state;
    snprintf(run, sizeof run, "%s/run", home);
    return rmdir(run) | rmdir(home); /* no pid file was left */
}

static void told(void *ctx, uint64_t now_us)
{
    (void)ctx;
    (void)now_us;
}

/* Twice is the same as once. */
static uint64_t leave(void *watch, uint64_t now_us)
{
    es_runner_drain(watch, now_us);
    return now_us;
}

/* A clean end for whom that is the first word, and for no other. */
static void await_reload(zsock_t *pipe)
{
    zsock_signal(pipe, 0);
    char *said = zstr_recv(pipe);
    if (said && strcmp(said, ES_RUNNER_RELOAD) == 0) es_runner_leaving(pipe);
    zstr_free(&said);
}

static void actor(zsock_t *pipe, void *args)
{
    const config_t *config = args;
    if (config->behaviour == RELOADS) {
        await_reload(pipe);
        return;
    }
    if (config->behaviour == FAILS) {
        es_runner_fail(pipe);
        return;
    }
    es_loop_t *loop = es_loop_new();
    es_pipe_watch_t *watch = es_runner_watch_pipe(loop, pipe, config->behaviour == STUBBORN ? told : NULL, NULL);
    if (config->behaviour == LEAVES) es_loop_add_tick(loop, leave, watch);
    zsock_signal(pipe, 0);
    if (config->behaviour != ENDS) es_loop_run(loop);
    es_loop_destroy(&loop);
}

static pid_t run(behaviour_t behaviour)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) return pid;
    char name[] = "tester";
    config_t config = {.common = {.name = name, .data = home, .log_level = 3}, .behaviour = behaviour};
    es_runner_prepare();
    int status = es_runner_main(actor, &config, &config.common);
    zsys_shutdown();
    _exit(status);
}

static bool pidfile(pid_t *pid)
{
    char path[96], text[32] = "";
    snprintf(path, sizeof path, "%s/run/tester.pid", home);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    *pid = (pid_t)strtol(text, NULL, 10);
    return n > 1 && text[n - 1] == '\n';
}

static void await_pidfile(pid_t child)
{
    uint64_t end = es_now_us() + 10000000;
    pid_t pid = 0;
    while (!pidfile(&pid)) {
        assert_true(es_now_us() < end);
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    }
    assert_int_equal(pid, child);
}

static int status_of(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void ends_cleanly(behaviour_t behaviour, int signal)
{
    pid_t child = run(behaviour), pid;
    await_pidfile(child);
    assert_int_equal(kill(child, signal), 0);
    assert_int_equal(status_of(child), 0);
    assert_false(pidfile(&pid));
}

static void term_and_int_end_it(void **state)
{
    (void)state;
    ends_cleanly(SERVES, SIGTERM);
    ends_cleanly(SERVES, SIGINT);
}

static void hup_is_a_wish_to_reload(void **state)
{
    (void)state;
    ends_cleanly(RELOADS, SIGHUP);
    pid_t child = run(SERVES); /* which knows of no such wish */
    await_pidfile(child);
    assert_int_equal(kill(child, SIGHUP), 0);
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(status_of(child), 0);
}

static void a_second_signal_ends_at_once(void **state)
{
    (void)state;
    pid_t child = run(STUBBORN), pid;
    int status = -1;
    await_pidfile(child);
    uint64_t began = es_now_us();
    assert_int_equal(kill(child, SIGTERM), 0);
    while (waitpid(child, &status, WNOHANG) == 0) {
        kill(child, SIGINT); /* another signal, so that the two cannot merge; at first it is taken for the same wish */
        zmq_poll(NULL, 0, 5);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(es_now_us() - began >= ES_RUNNER_SAME_STOP_US);
    assert_false(pidfile(&pid));
}

static void a_failed_start_is_seen(void **state)
{
    pid_t pid;
    (void)state;
    assert_int_equal(status_of(run(FAILS)), 1);
    assert_false(pidfile(&pid));
}

static void an_end_unasked_is_an_error(void **state)
{
    pid_t pid;
    (void)state;
    assert_int_equal(status_of(run(ENDS)), 1);
    assert_false(pidfile(&pid));
}

static void an_end_that_was_asked_for_elsewhere_is_a_clean_one(void **state)
{
    pid_t pid;
    (void)state;
    assert_int_equal(status_of(run(LEAVES)), 0);
    assert_false(pidfile(&pid));
}

static void it_serves_without_a_pid_file(void **state)
{
    char dir[80];
    (void)state;
    snprintf(dir, sizeof dir, "%s/run", home);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(status_of(run(LEAVES)), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
}

static void pid_files_are_replaced(void **state)
{
    pid_t pid = 0;
    (void)state;
    assert_int_equal(es_pidfile_write(home, "tester", 12), 0);
    assert_int_equal(es_pidfile_write(home, "tester", 345678), 0);
    assert_true(pidfile(&pid));
    assert_int_equal(pid, 345678);
    es_pidfile_remove(home, "tester");
    es_pidfile_remove(home, "tester");
    assert_false(pidfile(&pid));
    assert_int_equal(es_pidfile_write("/nonexistent", "tester", 1), -1);
}

/* Another of our name lives: here this process plays it. */
static void a_failed_start_leaves_anothers_pid_file(void **state)
{
    pid_t pid = 0;
    (void)state;
    assert_int_equal(es_pidfile_write(home, "tester", (int)getpid()), 0);
    assert_int_equal(status_of(run(FAILS)), 1);
    assert_true(pidfile(&pid));
    assert_int_equal(pid, getpid());
    es_pidfile_remove(home, "tester");
}

static void only_its_own_pid_file_is_removed(void **state)
{
    pid_t child = run(SERVES), pid = 0;
    (void)state;
    await_pidfile(child);
    assert_int_equal(es_pidfile_write(home, "tester", (int)getpid()), 0);
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(status_of(child), 0);
    assert_true(pidfile(&pid));
    assert_int_equal(es_pidfile_write(home, "tester", (int)child), 0); /* gone: nobody's */
    es_pidfile_remove(home, "tester");
    assert_false(pidfile(&pid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(term_and_int_end_it, make_home, remove_home),
        cmocka_unit_test_setup_teardown(hup_is_a_wish_to_reload, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_second_signal_ends_at_once, make_home, remove_home),
        cmocka_unit_test_setup_teardown(an_end_that_was_asked_for_elsewhere_is_a_clean_one, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_failed_start_is_seen, make_home, remove_home),
        cmocka_unit_test_setup_teardown(an_end_unasked_is_an_error, make_home, remove_home),
        cmocka_unit_test_setup_teardown(it_serves_without_a_pid_file, make_home, remove_home),
        cmocka_unit_test_setup_teardown(pid_files_are_replaced, make_home, remove_home),
        cmocka_unit_test_setup_teardown(a_failed_start_leaves_anothers_pid_file, make_home, remove_home),
        cmocka_unit_test_setup_teardown(only_its_own_pid_file_is_removed, make_home, remove_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
