/* Whose .env is obeyed; what stands in one, test_config.c has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_parts.h"

enum { SOMEBODY = 65534 };

/* Every test has a directory of its own as its working directory, in it a .env. */
typedef struct {
    char home[64], before[512], err[600];
} world_t;

static void put(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("EARSHOT_PORT=5\n", f);
    fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
}

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->home, sizeof w->home, "/tmp/earshot-env-XXXXXX");
    assert_non_null(mkdtemp(w->home));
    assert_non_null(getcwd(w->before, sizeof w->before));
    assert_int_equal(chdir(w->home), 0);
    put(".env");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_t *w = *state;
    char command[96];
    assert_int_equal(chdir(w->before), 0);
    snprintf(command, sizeof command, "rm -r %s", w->home);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

/* How many settings are obeyed; -1: it is refused. */
static int settings(world_t *w, bool named)
{
    es_env_file_t file;
    if (es_env_file_read(&file, ".env", named, w->err, sizeof w->err) != 0) return -1;
    int n = (int)file.count;
    es_env_file_fini(&file);
    return n;
}

static int settings_for(world_t *w, uid_t user, bool named)
{
    assert_int_equal(seteuid(user), 0);
    int n = settings(w, named);
    assert_int_equal(seteuid(0), 0);
    return n;
}

static void assert_refused(world_t *w, const char *why)
{
    assert_int_equal(settings(w, false), -1);
    if (!strstr(w->err, why)) fail_msg("\"%s\" is not in: %s", why, w->err);
    assert_non_null(strstr(w->err, "--env-file .env"));
}

static void ours_is_obeyed(void **state)
{
    world_t *w = *state;
    assert_int_equal(settings(w, false), 1);
    assert_int_equal(chmod(".env", 0664), 0); /* as with a umask of 002 */
    assert_int_equal(settings(w, false), 1);
}

static void one_that_others_may_change_is_not(void **state)
{
    world_t *w = *state;
    assert_int_equal(chmod(".env", 0606), 0);
    assert_refused(w, ".env may be changed by others: chmod 600 it");
    assert_int_equal(settings(w, true), 1);
    if (geteuid() != 0) skip();
    assert_int_equal(chown(".env", 0, SOMEBODY), 0);
    assert_int_equal(chmod(".env", 0660), 0);
    assert_refused(w, ".env may be changed by others");
}

static void nobody_elses_is_unless_it_is_named(void **state)
{
    world_t *w = *state;
    if (geteuid() != 0) skip();
    assert_int_equal(chown(".env", SOMEBODY, 0), 0);
    assert_refused(w, ".env belongs to user 65534, and this is user 0");
    assert_int_equal(settings(w, true), 1);
}

static void roots_is_everybodys(void **state)
{
    world_t *w = *state;
    if (geteuid() != 0) skip();
    assert_int_equal(chmod(w->home, 0755), 0);
    assert_int_equal(chmod(".env", 0644), 0);
    assert_int_equal(settings_for(w, SOMEBODY, false), 1);
}

/* A link of somebody else's to a file of ours, and a pipe at which a start would wait for ever. */
static void nor_their_links_and_pipes(void **state)
{
    world_t *w = *state;
    if (geteuid() != 0) skip();
    assert_int_equal(rename(".env", "ours"), 0);
    assert_int_equal(symlink("ours", ".env"), 0);
    assert_int_equal(settings(w, false), 1);
    assert_int_equal(lchown(".env", SOMEBODY, 0), 0);
    assert_refused(w, ".env belongs to user 65534");
    assert_int_equal(unlink(".env"), 0);
    assert_int_equal(mkfifo(".env", 0600), 0);
    assert_int_equal(chown(".env", SOMEBODY, 0), 0);
    assert_refused(w, ".env belongs to user 65534");
}

static void one_that_is_not_there_is_empty(void **state)
{
    world_t *w = *state;
    assert_int_equal(unlink(".env"), 0);
    assert_int_equal(settings(w, false), 0);
    assert_int_equal(settings(w, true), -1);
    assert_int_equal(symlink("none", ".env"), 0);
    assert_int_equal(settings(w, false), 0);
}

/* As `sudo -u earshot` leaves somebody in root's home. A file that is there and may not be read is no such case. */
static void a_closed_directory_has_none(void **state)
{
    world_t *w = *state;
    if (geteuid() != 0) skip();
    assert_int_equal(settings_for(w, SOMEBODY, false), 0);
    assert_int_equal(settings_for(w, SOMEBODY, true), -1);
    assert_int_equal(chmod(w->home, 0755), 0);
    assert_int_equal(settings_for(w, SOMEBODY, false), -1);
    assert_string_equal(w->err, "cannot read .env: Permission denied");
}

#define WITH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH(ours_is_obeyed),
                                       WITH(one_that_others_may_change_is_not),
                                       WITH(nobody_elses_is_unless_it_is_named),
                                       WITH(roots_is_everybodys),
                                       WITH(nor_their_links_and_pipes),
                                       WITH(one_that_is_not_there_is_empty),
                                       WITH(a_closed_directory_has_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
