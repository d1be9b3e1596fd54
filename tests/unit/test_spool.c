/* actors/jobs/spool.h with real directories, and processes that die at every step. */
#include "spool_world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static const uint64_t later_ms = UINT64_MAX / 2;

static void make_file(spool_world_t *w, const char *job, const char *text)
{
    es_part_t part;
    assert_int_equal(es_part_make(w->spool, job, KEY, 0, &part), 0);
    assert_int_equal(es_part_write(w->spool, &part, 0, text, strlen(text)), 0);
    assert_int_equal(es_part_finish(w->spool, &part, strlen(text)), 0);
    assert_int_equal(es_spool_sync_files(w->spool), 0);
}

static void check_file(spool_world_t *w, const char *job, const char *text)
{
    char got[64] = "";
    int fd = es_spool_file_open(w->spool, job);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, got, sizeof got), strlen(text));
    assert_string_equal(got, text);
    close(fd);
    assert_int_equal(es_spool_file_size(w->spool, job), strlen(text));
}

static void a_file_comes_and_goes(void **state)
{
    spool_world_t *w = *state;
    make_file(w, JOB, "words");
    check_file(w, JOB, "words");
    assert_int_equal(spool_bytes(w), 5);
    make_file(w, JOB, "words again");
    check_file(w, JOB, "words again");
    assert_int_equal(spool_bytes(w), 11);
    es_spool_file_remove(w->spool, JOB);
    es_spool_file_remove(w->spool, JOB);
    assert_int_equal(spool_bytes(w), 0);
    assert_int_equal(es_spool_file_open(w->spool, JOB), -1);
    assert_int_equal(es_spool_file_size(w->spool, JOB), -1);
}

static void a_name_is_made_once(void **state)
{
    spool_world_t *w = *state;
    char id[ES_SPOOL_ID_LEN + 1];
    snprintf(id, sizeof id, "%s", es_spool_id(w->spool));
    assert_int_equal(strlen(id), ES_SPOOL_ID_LEN);
    es_spool_t *second = spool_open(w->dir, 0, 0);
    assert_string_equal(es_spool_id(second), id);
    es_spool_close(&second);
    spool_reopen(w, 0, 0);
    assert_string_equal(es_spool_id(w->spool), id);
}

static void a_wrong_name_is_told(void **state)
{
    spool_world_t *w = *state;
    char path[128], err[512];
    snprintf(path, sizeof path, "%s/spool.id", w->dir);
    FILE *file = fopen(path, "w");
    fputs("../../../etc/pas", file);
    fclose(file);
    es_spool_config_t config = {.dir = w->dir};
    assert_null(es_spool_open(&config, err, sizeof err));
    assert_non_null(strstr(err, "spool.id is not the name of a spool"));
}

static void only_ids_are_names(void **state)
{
    static const char *const hostile[] = {"",
                                          ".",
                                          "..",
                                          "../files/x",
                                          "/etc/passwd",
                                          "0123abcd-0000-4000-8000-00000000000A",
                                          JOB "/x",
                                          "a/b",
                                          "x" JOB,
                                          "0123abcd-0000-4000-8000-0000000000..",
                                          "../23abcd-0000-4000-8000-00000000000a"};
    spool_world_t *w = *state;
    es_part_t part;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        assert_int_equal(es_part_make(w->spool, hostile[i], KEY, 0, &part), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(es_part_make(w->spool, JOB, hostile[i], 0, &part), -1);
        assert_int_equal(es_part_take(w->spool, hostile[i], KEY, 0, 0, &part), -1);
        assert_int_equal(es_part_keep_head(w->spool, hostile[i], KEY, "x", 1), -1);
        assert_int_equal(es_spool_file_open(w->spool, hostile[i]), -1);
        assert_int_equal(es_spool_file_size(w->spool, hostile[i]), -1);
        assert_false(es_part_clear(w->spool, hostile[i]));
        es_spool_file_remove(w->spool, hostile[i]);
    }
    assert_int_equal(spool_bytes(w), 0);
}

static void links_are_not_followed(void **state)
{
    spool_world_t *w = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/files/%s", w->dir, JOB);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(es_spool_file_open(w->spool, JOB), -1);
    assert_int_equal(errno, ELOOP);
    assert_int_equal(es_spool_file_size(w->spool, JOB), -1);
    make_file(w, JOB, "words"); /* takes the link's place */
    check_file(w, JOB, "words");
}

static void files_are_ours_alone(void **state)
{
    spool_world_t *w = *state;
    char path[128];
    struct stat st;
    make_file(w, JOB, "words");
    snprintf(path, sizeof path, "%s/files/%s", w->dir, JOB);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/files", w->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void room_is_bounded(void **state)
{
    spool_world_t *w = *state;
    es_spool_usage_t usage;
    es_part_t part;
    spool_reopen(w, 100, 0);
    make_file(w, JOB, "0123456789");
    assert_int_equal(es_spool_room(w->spool, 90), ES_ROOM_ENOUGH);
    assert_int_equal(es_spool_room(w->spool, 91), ES_ROOM_QUOTA);
    assert_int_equal(es_part_make(w->spool, OTHER, KEY, 60, &part), 0);
    assert_int_equal(es_spool_room(w->spool, 30), ES_ROOM_ENOUGH);
    assert_int_equal(es_spool_room(w->spool, 31), ES_ROOM_QUOTA);
    assert_int_equal(es_part_write(w->spool, &part, 0, "0123456789", 10), 0);
    es_spool_usage(w->spool, &usage);
    assert_int_equal(usage.reserved, 50);
    assert_int_equal(usage.bytes, 20);
    es_part_drop(w->spool, &part);
    assert_int_equal(es_spool_room(w->spool, 90), ES_ROOM_ENOUGH);
    assert_int_equal(es_spool_room(w->spool, UINT64_MAX), ES_ROOM_QUOTA);
    spool_reopen(w, 0, usage.disk_free * 2);
    assert_int_equal(es_spool_room(w->spool, 0), ES_ROOM_FLOOR);
    spool_reopen(w, 0, 0);
    assert_int_equal(es_spool_room(w->spool, UINT64_MAX), ES_ROOM_FLOOR);
}

static void processes_share_a_count(void **state)
{
    spool_world_t *w = *state;
    make_file(w, JOB, "words");
    spool_world_t other = {.spool = spool_open(w->dir, 0, 0)};
    make_file(&other, OTHER, "more");
    assert_int_equal(spool_bytes(w), 9);
    es_spool_close(&other.spool);
    assert_int_equal(spool_bytes(w), 9);
}

static void a_part_is_taken_over(void **state)
{
    spool_world_t *w = *state;
    es_part_t old, fresh;
    assert_int_equal(es_part_make(w->spool, JOB, KEY, 0, &old), 0);
    assert_int_equal(es_part_write(w->spool, &old, 0, "01234", 5), 0);
    assert_int_equal(es_part_keep_head(w->spool, JOB, KEY, "{}", 2), 0);
    assert_int_equal(es_part_take(w->spool, JOB, "00000000000000bb", 0, 0, &fresh), -1); /* another stream's */
    assert_int_equal(es_part_take(w->spool, JOB, KEY, 6, 0, &fresh), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(es_part_take(w->spool, JOB, KEY, 3, 10, &fresh), 0);
    assert_int_equal(fresh.bytes, 5);
    assert_int_equal(fresh.reserved, 5);
    assert_int_equal(es_part_write(w->spool, &fresh, 3, "34567", 5), 0);
    assert_int_equal(es_part_write(w->spool, &old, 5, "56", 2), 0); /* alive, and slow */
    assert_int_equal(es_part_finish(w->spool, &old, 7), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(es_part_finish(w->spool, &fresh, 8), 0);
    check_file(w, JOB, "01234567");
    char head[8];
    assert_int_equal(es_part_read_head(w->spool, JOB, KEY, head, sizeof head), 2);
    es_part_drop_head(w->spool, JOB, KEY);
    assert_int_equal(es_part_read_head(w->spool, JOB, KEY, head, sizeof head), -1);
}

static void the_dead_are_cleared_up_after(void **state)
{
    spool_world_t *w = *state;
    es_part_t open, left;
    assert_int_equal(es_part_make(w->spool, JOB, KEY, 0, &open), 0);
    assert_int_equal(es_part_make(w->spool, OTHER, KEY, 0, &left), 0);
    assert_int_equal(es_part_write(w->spool, &left, 0, "01234", 5), 0);
    assert_int_equal(es_part_keep_head(w->spool, OTHER, KEY, "{}", 2), 0);
    es_part_leave(w->spool, &left);
    make_file(w, JOB, "words");
    assert_int_equal(es_spool_clear_parts(w->spool, 0, 0), 0); /* it is young */
    assert_int_equal(es_spool_clear_parts(w->spool, later_ms, 0), 1);
    assert_int_equal(spool_bytes(w), 5);
    assert_int_equal(es_part_write(w->spool, &open, 0, "0", 1), 0);
    assert_int_equal(es_part_finish(w->spool, &open, 1), 0);
    check_file(w, JOB, "0");
}

/* ---- death */

enum { STEPS = 10 };

static void step(int *left)
{
    if ((*left)-- == 0) raise(SIGKILL);
}

/* All that an owner does with an upload, dying after `steps` of it. */
static void live_and_die(const char *dir, int steps)
{
    es_part_t part, taken;
    es_spool_t *spool = spool_open(dir, 0, 0);
    if (es_part_make(spool, JOB, KEY, 100, &part) != 0) _exit(1);
    step(&steps);
    es_part_write(spool, &part, 0, "01234", 5);
    step(&steps);
    es_part_keep_head(spool, JOB, KEY, "{}", 2);
    step(&steps);
    es_part_sync(&part);
    es_spool_sync_parts(spool);
    step(&steps);
    es_part_leave(spool, &part);
    step(&steps);
    if (es_part_take(spool, JOB, KEY, 5, 100, &taken) != 0) _exit(1);
    step(&steps);
    es_part_write(spool, &taken, 5, "56789", 5);
    step(&steps);
    es_part_finish(spool, &taken, 10);
    step(&steps);
    es_spool_sync_files(spool);
    step(&steps);
    es_part_drop_head(spool, JOB, KEY);
    step(&steps);
    _exit(1);
}

static void whoever_dies_leaves_it_whole(void **state)
{
    spool_world_t *w = *state;
    for (int steps = 0; steps < STEPS; steps++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) live_and_die(w->dir, steps);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        spool_reopen(w, 0, 0);
        es_spool_clear_parts(w->spool, later_ms, 0);
        if (steps < 7) {
            assert_int_equal(spool_files(w), 0);
            assert_int_equal(spool_bytes(w), 0);
        } else {
            check_file(w, JOB, "0123456789");
            assert_int_equal(spool_bytes(w), 10);
            es_spool_file_remove(w->spool, JOB);
        }
    }
}

/* What a dead owner had committed is there for the next one, whatever it was doing. */
static void whoever_dies_can_be_followed(void **state)
{
    spool_world_t *w = *state;
    for (int steps = 3; steps < 7; steps++) {
        es_part_t part;
        int status;
        pid_t pid = fork();
        if (pid == 0) live_and_die(w->dir, steps);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(es_part_take(w->spool, JOB, KEY, 5, 0, &part), 0);
        assert_int_equal(es_part_write(w->spool, &part, 5, "56789", 5), 0);
        assert_int_equal(es_part_finish(w->spool, &part, 10), 0);
        check_file(w, JOB, "0123456789");
        es_spool_file_remove(w->spool, JOB);
        es_part_drop_head(w->spool, JOB, KEY);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, spool_setup, spool_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_comes_and_goes),
        TEST(a_name_is_made_once),
        TEST(a_wrong_name_is_told),
        TEST(only_ids_are_names),
        TEST(links_are_not_followed),
        TEST(files_are_ours_alone),
        TEST(room_is_bounded),
        TEST(processes_share_a_count),
        TEST(a_part_is_taken_over),
        TEST(the_dead_are_cleared_up_after),
        TEST(whoever_dies_leaves_it_whole),
        TEST(whoever_dies_can_be_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
