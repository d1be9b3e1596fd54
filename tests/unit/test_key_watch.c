/* A directory of keys is watched: files that come and go, and the directory itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key_watch.h"
#include "wire.h"

enum {
    DEADLINE_US = 10000000,
    AT_ONCE_US = 200000, /* by inotify */
    SOON_US = 900000     /* by looking, twice a second */
};

typedef struct {
    char dir[64], keys[80], watched[96], aside[80], file[112], other[96];
    es_key_watch_t *watch;
    es_loop_t *loop;
    unsigned looks, wanted;
    uint64_t start_us, heard_us;
    bool again;
} world_t;

static void on_change(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    w->looks++;
    w->heard_us = now_us;
    if (w->again) es_key_watch_again(w->watch, now_us);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    world_t *w = ctx;
    if (w->looks >= w->wanted || now_us > w->start_us + DEADLINE_US) es_loop_stop(w->loop);
    return now_us + 5000;
}

static void await_look(world_t *w, uint64_t within_us)
{
    w->start_us = es_now_us();
    w->wanted = w->looks + 1;
    es_loop_run(w->loop);
    assert_true(w->looks >= w->wanted);
    assert_true(w->heard_us < w->start_us + within_us);
}

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/earshot-watch-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->keys, sizeof w->keys, "%s/keys", w->dir);
    snprintf(w->watched, sizeof w->watched, "%s/allowed", w->keys);
    snprintf(w->aside, sizeof w->aside, "%s/aside", w->dir);
    snprintf(w->file, sizeof w->file, "%s/a.pub", w->watched);
    snprintf(w->other, sizeof w->other, "%s/a.pub", w->dir);
    assert_int_equal(mkdir(w->keys, 0700), 0);
    assert_int_equal(mkdir(w->watched, 0700), 0);
    w->watch = es_key_watch_new(w->watched, on_change, w);
    w->loop = es_loop_new();
    es_key_watch_attach(w->watch, w->loop);
    es_loop_add_tick(w->loop, on_tick, w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    char command[96];
    es_loop_destroy(&w->loop);
    es_key_watch_destroy(&w->watch);
    snprintf(command, sizeof command, "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static void put(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("x", f);
    fclose(f);
}

static void files_that_come_and_go_are_noticed(void **state)
{
    world_t *w = *state;
    put(w->file);
    await_look(w, AT_ONCE_US);
    assert_int_equal(rename(w->file, w->other), 0);
    await_look(w, AT_ONCE_US);
    assert_int_equal(rename(w->other, w->file), 0);
    await_look(w, AT_ONCE_US);
    assert_int_equal(unlink(w->file), 0);
    await_look(w, AT_ONCE_US);
}

static void so_are_links(void **state)
{
    world_t *w = *state;
    put(w->other);
    assert_int_equal(link(w->other, w->file), 0);
    await_look(w, AT_ONCE_US);
    assert_int_equal(unlink(w->file), 0);
    await_look(w, AT_ONCE_US);
    assert_int_equal(symlink(w->other, w->file), 0);
    await_look(w, AT_ONCE_US);
}

static void what_a_link_leads_to_may_go(void **state)
{
    world_t *w = *state;
    put(w->other);
    assert_int_equal(symlink(w->other, w->file), 0);
    await_look(w, AT_ONCE_US);
    assert_int_equal(unlink(w->other), 0);
    await_look(w, SOON_US);
    put(w->other);
    await_look(w, SOON_US);
    assert_int_equal(chmod(w->other, 0600), 0);
    await_look(w, SOON_US);
}

static void the_directory_itself_may_be_another(void **state)
{
    world_t *w = *state;
    assert_int_equal(rename(w->watched, w->aside), 0);
    await_look(w, AT_ONCE_US);
    assert_int_equal(mkdir(w->watched, 0700), 0);
    await_look(w, SOON_US);
    put(w->file);
    await_look(w, AT_ONCE_US);
}

static void so_may_its_parent(void **state)
{
    world_t *w = *state;
    char fresh[80], allowed[96];
    snprintf(fresh, sizeof fresh, "%s/fresh", w->dir);
    snprintf(allowed, sizeof allowed, "%s/allowed", fresh);
    assert_int_equal(mkdir(fresh, 0700), 0);
    assert_int_equal(mkdir(allowed, 0700), 0);
    assert_int_equal(rename(w->keys, w->aside), 0);
    assert_int_equal(rename(fresh, w->keys), 0);
    await_look(w, SOON_US);
    put(w->file);
    await_look(w, AT_ONCE_US);
    assert_int_equal(rename(w->keys, fresh), 0);
    assert_int_equal(symlink(w->aside, w->keys), 0);
    await_look(w, SOON_US);
    put(w->file);
    await_look(w, AT_ONCE_US);
}

static void what_stays_as_it_is_is_not_told(void **state)
{
    world_t *w = *state;
    put(w->file);
    await_look(w, AT_ONCE_US);
    unsigned before = w->looks;
    w->wanted = UINT32_MAX;
    w->start_us = es_now_us() - DEADLINE_US + 1200000; /* two looks long */
    es_loop_run(w->loop);
    assert_int_equal(w->looks, before);
}

static void a_look_that_failed_is_taken_again(void **state)
{
    world_t *w = *state;
    w->again = true;
    put(w->file);
    await_look(w, AT_ONCE_US);
    await_look(w, AT_ONCE_US);
    w->again = false;
    await_look(w, AT_ONCE_US);
}

static void who_looks_sees_it_before_the_loop_does(void **state)
{
    world_t *w = *state;
    es_key_watch_look(w->watch, es_now_us());
    assert_int_equal(w->looks, 0);
    put(w->file);
    es_key_watch_look(w->watch, es_now_us());
    assert_int_equal(w->looks, 1);
    es_key_watch_look(w->watch, es_now_us());
    assert_int_equal(w->looks, 1);
}

static void what_is_about_to_be_written_is_waited_for(void **state)
{
    world_t *w = *state;
    FILE *f = fopen(w->file, "w");
    assert_non_null(f);
    es_key_watch_look(w->watch, es_now_us());
    assert_int_equal(w->looks, 0);
    fputs("x", f);
    fclose(f);
    es_key_watch_look(w->watch, es_now_us());
    assert_int_equal(w->looks, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_that_come_and_go_are_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(so_are_links, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_link_leads_to_may_go, setup, teardown),
        cmocka_unit_test_setup_teardown(the_directory_itself_may_be_another, setup, teardown),
        cmocka_unit_test_setup_teardown(so_may_its_parent, setup, teardown),
        cmocka_unit_test_setup_teardown(what_stays_as_it_is_is_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_look_that_failed_is_taken_again, setup, teardown),
        cmocka_unit_test_setup_teardown(who_looks_sees_it_before_the_loop_does, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_about_to_be_written_is_waited_for, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
