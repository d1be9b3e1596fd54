#include "environment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int set(void **state)
{
    (void)state;
    setenv("EARSHOT_LLM_KEY", "secret", 1);
    setenv("PGPASSWORD", "secret", 1);
    setenv("PATH", "/bin", 1);
    setenv("LANG", "C", 1);
    return setenv("LC_TIME", "C", 1);
}

static bool has(char **list, const char *entry)
{
    for (; *list; list++)
        if (strcmp(*list, entry) == 0) return true;
    return false;
}

static void settings_do_not_come_along(void **state)
{
    char *bare[ES_ENVIRONMENT_BARE_MAX];
    (void)state;
    es_environment_bare(bare);
    assert_true(has(bare, "PATH=/bin") && has(bare, "LANG=C") && has(bare, "LC_TIME=C"));
    assert_false(has(bare, "EARSHOT_LLM_KEY=secret") || has(bare, "PGPASSWORD=secret"));
    assert_string_equal(getenv("EARSHOT_LLM_KEY"), "secret");
}

static void languages_without_end_are_cut(void **state)
{
    char *bare[ES_ENVIRONMENT_BARE_MAX], name[16];
    size_t n = 0;
    (void)state;
    for (int i = 0; i < 2 * ES_ENVIRONMENT_BARE_MAX; i++) {
        snprintf(name, sizeof name, "LC_%d", i);
        setenv(name, "C", 1);
    }
    es_environment_bare(bare);
    while (bare[n]) n++;
    assert_int_equal(n, ES_ENVIRONMENT_BARE_MAX - 1);
}

static void what_is_stripped_is_wiped(void **state)
{
    const char *key = getenv("EARSHOT_LLM_KEY"), *password = getenv("PGPASSWORD");
    int status;
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        es_environment_strip();
        _exit(*key || *password || getenv("EARSHOT_LLM_KEY") || getenv("HOME") || strcmp(getenv("PATH"), "/bin") != 0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(settings_do_not_come_along, set),
        cmocka_unit_test_setup(languages_without_end_are_cut, set),
        cmocka_unit_test_setup(what_is_stripped_is_wiped, set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
