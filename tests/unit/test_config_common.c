/* The directory of a house, where root or another user comes to it; the rest of settling, test_config.c has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"

enum { SOMEBODY = 65534 };

typedef struct {
    char home[64], data[96], said[96], text[1000];
} world_t;

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->home, sizeof w->home, "/tmp/earshot-data-XXXXXX");
    assert_non_null(mkdtemp(w->home));
    assert_int_equal(chmod(w->home, 0755), 0);
    snprintf(w->data, sizeof w->data, "%s/data", w->home);
    snprintf(w->said, sizeof w->said, "%s/said", w->home);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", w->home);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

/* In a process of its own, for there is no way back from another user. What it says is kept in w->text. */
static int settle_as(world_t *w, uid_t user, const char *data)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        es_common_config_t common = {.data = strdup(data)};
        if (!freopen(w->said, "w", stderr) || setresuid(user, user, user) != 0) _exit(9);
        int rc = es_common_config_settle(&common, "x");
        fflush(stderr);
        _exit(rc == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    FILE *f = fopen(w->said, "r");
    size_t n = fread(w->text, 1, sizeof w->text - 1, f);
    w->text[n] = 0;
    fclose(f);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_owner(const char *dir, const char *below, uid_t owner)
{
    struct stat st;
    char path[200];
    snprintf(path, sizeof path, "%s%s", dir, below);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0700);
    assert_int_equal(st.st_uid, owner);
}

/* A command that root has given in the house of another user is to leave nothing there that the house cannot use. */
static void what_root_makes_belongs_to_the_house(void **state)
{
    world_t *w = *state;
    char deeper[160];
    if (geteuid() != 0) skip();
    assert_int_equal(mkdir(w->data, 0700), 0);
    assert_int_equal(chown(w->data, SOMEBODY, SOMEBODY), 0);
    assert_int_equal(settle_as(w, 0, w->data), 0);
    assert_owner(w->data, "/run", SOMEBODY);
    assert_int_equal(settle_as(w, SOMEBODY, w->data), 0);
    snprintf(deeper, sizeof deeper, "%s/a/b", w->data);
    assert_int_equal(settle_as(w, 0, deeper), 0);
    assert_owner(deeper, "/run", SOMEBODY);
}

static void where_root_is_at_home_it_is_roots(void **state)
{
    world_t *w = *state;
    if (geteuid() != 0) skip();
    assert_int_equal(settle_as(w, 0, w->data), 0);
    assert_owner(w->data, "/run", 0);
}

static void whose_it_is_is_said(void **state)
{
    world_t *w = *state;
    if (geteuid() != 0) skip();
    assert_int_equal(settle_as(w, SOMEBODY, w->data), 1);
    assert_non_null(strstr(w->text, "Permission denied: \"/tmp/earshot-data-"));
    assert_int_equal(settle_as(w, 0, w->data), 0);
    assert_int_equal(chown(w->data, SOMEBODY, 0), 0);
    assert_int_equal(settle_as(w, SOMEBODY, w->data), 1);
    assert_non_null(strstr(w->text, "/data/run\" belongs to user root, and this is user nobody; chown it"));
}

#define WITH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH(what_root_makes_belongs_to_the_house),
                                       WITH(where_root_is_at_home_it_is_roots), WITH(whose_it_is_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
