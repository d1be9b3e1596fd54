/* Root in the directories of others, and what is said of whose they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_owner.h"

enum { SOMEBODY = 65534 };

typedef struct {
    char dir[64], before[512], said[600];
} world_t;

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/earshot-owner-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    assert_non_null(getcwd(w->before, sizeof w->before));
    assert_int_equal(chdir(w->dir), 0);
    assert_int_equal(chmod(w->dir, 0755), 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    char command[96];
    assert_int_equal(chdir(w->before), 0);
    snprintf(command, sizeof command, "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static uid_t owner_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_uid;
}

static int touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0) close(fd);
    return fd >= 0 ? 0 : -1;
}

static void theirs(const char *dir)
{
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(chown(dir, SOMEBODY, SOMEBODY), 0);
}

static void what_root_makes_is_theirs(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    theirs("theirs");
    es_file_owner_t us = es_file_owner_enter("theirs/new/newer");
    assert_int_equal(mkdir("theirs/new", 0700), 0);
    assert_int_equal(touch("theirs/new/file"), 0);
    es_file_owner_leave(&us);
    assert_int_equal(touch("theirs/ours"), 0);
    assert_int_equal(owner_of("theirs/new"), SOMEBODY);
    assert_int_equal(owner_of("theirs/new/file"), SOMEBODY);
    assert_int_equal(owner_of("theirs/ours"), 0);
}

static void among_our_own_nothing_changes(void **state)
{
    (void)state;
    es_file_owner_t us = es_file_owner_enter("new/newer");
    assert_int_equal(mkdir("new", 0700), 0);
    es_file_owner_leave(&us);
    assert_int_equal(owner_of("new"), geteuid());
}

/* They lead root no further than they get themselves. */
static void their_links_lead_nowhere(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    theirs("theirs");
    assert_int_equal(mkdir("ours", 0700), 0);
    assert_int_equal(touch("ours/secret"), 0);
    assert_int_equal(symlink("../ours", "theirs/link"), 0);
    assert_int_equal(lchown("theirs/link", SOMEBODY, SOMEBODY), 0);
    es_file_owner_t us = es_file_owner_enter("theirs/link");
    int made = touch("theirs/link/new"), error = errno, written = touch("theirs/link/secret");
    es_file_owner_leave(&us);
    assert_int_equal(made, -1);
    assert_int_equal(error, EACCES);
    assert_int_equal(written, -1);
}

static void core_files_stay_as_they_were(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    theirs("theirs");
    for (int dumpable = 0; dumpable <= 1; dumpable++) {
        prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
        es_file_owner_t us = es_file_owner_enter("theirs/new");
        es_file_owner_leave(&us);
        assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), dumpable);
    }
}

static void whose_it_is_is_said(void **state)
{
    world_t *w = *state;
    assert_false(es_file_owner_explain(w->said, sizeof w->said, "none", ENOENT));
    assert_string_equal(w->said, "No such file or directory");
    assert_false(es_file_owner_explain(w->said, sizeof w->said, "none", EACCES));
    assert_string_equal(w->said, "Permission denied");
    if (geteuid() != 0) skip();
    assert_int_equal(mkdir("ours", 0700), 0);
    assert_int_equal(touch("ours/file"), 0);
    assert_int_equal(seteuid(SOMEBODY), 0);
    bool others = es_file_owner_explain(w->said, sizeof w->said, "ours/file", EACCES);
    assert_int_equal(seteuid(0), 0);
    assert_true(others);
    assert_string_equal(w->said, "Permission denied: \"ours\" belongs to user root, and this is user nobody");
}

static void errno_is_left_alone(void **state)
{
    world_t *w = *state;
    errno = EMFILE;
    es_file_owner_explain(w->said, sizeof w->said, "/root/none", EACCES);
    assert_int_equal(errno, EMFILE);
}

static void users_without_a_name_have_a_number(void **state)
{
    char name[ES_USER_NAME_MAX];
    (void)state;
    es_user_name(name, 0);
    assert_string_equal(name, "root");
    es_user_name(name, 4000123);
    assert_string_equal(name, "4000123");
}

#define WITH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH(what_root_makes_is_theirs),
                                       WITH(among_our_own_nothing_changes),
                                       WITH(their_links_lead_nowhere),
                                       WITH(core_files_stay_as_they_were),
                                       WITH(whose_it_is_is_said),
                                       WITH(errno_is_left_alone),
                                       cmocka_unit_test(users_without_a_name_have_a_number)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
