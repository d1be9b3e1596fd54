#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config_parts.h"

typedef struct {
    es_common_config_t common;
    uint64_t port, engine, idle;
    char *text;
    bool threads;
} config_t;

static const es_option_t options[] = {
    ES_OPT_UINT(config_t, port, "port", "APP_PORT", "8000", 0, 65535, "TCP port"),
    ES_OPT_CHOICE(config_t, engine, "engine", "mock", "mock|pocketsphinx", "what transcribes"),
    ES_OPT_DURATION(config_t, idle, "idle-time", "10m", 1000, 3600000000u, "forget after"),
    ES_OPT_STR(config_t, text, "text", NULL, "a|b", 8, "some text"),
    ES_OPT_FLAG(config_t, threads, "threads", "one process"),
    ES_OPT_END};
static const es_option_t *const tables[] = {es_common_options, options, NULL};
static const es_config_about_t about = {
    .program = "earshot-test", .usage = "[OPTIONS]", .about = "A test.", .epilog = "Exit status: 0."};

/* Every test has a directory of its own as its working directory, and a file that catches standard error. */
typedef struct {
    char home[64], before[512];
    config_t config;
    FILE *caught;
    int real[3];
} world_t;

static int setup(void **state)
{
    world_t *w = calloc(1, sizeof *w);
    snprintf(w->home, sizeof w->home, "/tmp/es-config-XXXXXX");
    assert_non_null(mkdtemp(w->home));
    assert_non_null(getcwd(w->before, sizeof w->before));
    assert_int_equal(chdir(w->home), 0);
    w->caught = tmpfile();
    static const char *const names[] = {"APP_PORT",       "BROKER_URL",      "EARSHOT_PORT",
                                        "EARSHOT_ENGINE", "EARSHOT_THREADS", "EARSHOT_BOGUS",
                                        "EARSHOT_DATA",   "EARSHOT_NAME",    "EARSHOT_BROKER"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) unsetenv(names[i]);
    fflush(stdout);
    for (int fd = 1; fd <= 2; fd++) {
        w->real[fd] = dup(fd);
        dup2(fileno(w->caught), fd);
    }
    *state = w;
    return 0;
}

static void remove_tree(const char *path)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static void restore(world_t *w)
{
    fflush(stdout);
    for (int fd = 1; fd <= 2; fd++) {
        if (!w->real[fd]) continue;
        dup2(w->real[fd], fd);
        close(w->real[fd]);
        w->real[fd] = 0;
    }
}

static int teardown(void **state)
{
    world_t *w = *state;
    restore(w);
    es_config_fini(&w->config, tables);
    es_config_fini(&w->config, tables);
    fclose(w->caught);
    assert_int_equal(chdir(w->before), 0);
    remove_tree(w->home);
    free(w);
    return 0;
}

static es_config_result_t load(world_t *w, const char *args)
{
    static char text[512];
    char *argv[16] = {"earshot-test"}, *save = NULL;
    int argc = 1;
    snprintf(text, sizeof text, "%s", args);
    for (char *at = strtok_r(text, " ", &save); at; at = strtok_r(NULL, " ", &save)) argv[argc++] = at;
    assert_int_equal(ftruncate(fileno(w->caught), 0), 0);
    rewind(w->caught);
    es_config_fini(&w->config, tables);
    es_config_result_t result = es_config_load(&w->config, tables, &about, argc, argv, NULL);
    fflush(stdout);
    return result;
}

static const char *said(world_t *w)
{
    static char data[16384];
    ssize_t n = pread(fileno(w->caught), data, sizeof data - 1, 0);
    data[n < 0 ? 0 : n] = 0;
    return data;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void assert_refused(world_t *w, const char *args, const char *const *words)
{
    assert_int_equal(load(w, args), ES_CONFIG_ERROR);
    for (; *words; words++)
        if (!strstr(said(w), *words)) fail_msg("\"%s\" is not in: %s", *words, said(w));
}
#define REFUSED(args, ...) assert_refused(w, args, (const char *const[]){__VA_ARGS__, NULL})

static void defaults(void **state)
{
    world_t *w = *state;
    assert_int_equal(load(w, ""), ES_CONFIG_OK);
    assert_int_equal(w->config.port, 8000);
    assert_int_equal(w->config.engine, 0);
    assert_int_equal(w->config.idle, 600000000);
    assert_string_equal(w->config.text, "a|b");
    assert_false(w->config.threads);
    assert_null(w->config.common.broker);
    assert_int_equal(w->config.common.log_level, 1);
}

static void flag_over_environment_over_file_over_default(void **state)
{
    world_t *w = *state;
    write_file(".env", "APP_PORT=1\n");
    assert_int_equal(load(w, ""), ES_CONFIG_OK);
    assert_int_equal(w->config.port, 1);
    write_file(".env", "APP_PORT=1\nEARSHOT_PORT=2\n");
    assert_int_equal(load(w, ""), ES_CONFIG_OK);
    assert_int_equal(w->config.port, 2);
    setenv("APP_PORT", "3", 1);
    assert_int_equal(load(w, ""), ES_CONFIG_OK);
    assert_int_equal(w->config.port, 3);
    setenv("EARSHOT_PORT", "4", 1);
    assert_int_equal(load(w, ""), ES_CONFIG_OK);
    assert_int_equal(w->config.port, 4);
    assert_int_equal(load(w, "--port 5"), ES_CONFIG_OK);
    assert_int_equal(w->config.port, 5);
    assert_int_equal(load(w, "--port=6 --port=7"), ES_CONFIG_OK);
    assert_int_equal(w->config.port, 7);
}

static void every_type(void **state)
{
    world_t *w = *state;
    assert_int_equal(load(w, "--engine pocketsphinx --idle-time 250ms --text hi --threads --broker tcp://a:1"),
                     ES_CONFIG_OK);
    assert_int_equal(w->config.engine, 1);
    assert_int_equal(w->config.idle, 250000);
    assert_string_equal(w->config.text, "hi");
    assert_true(w->config.threads);
    assert_string_equal(w->config.common.broker, "tcp://a:1");
    assert_int_equal(load(w, "--threads=no --idle-time 1h"), ES_CONFIG_OK);
    assert_false(w->config.threads);
    assert_int_equal(w->config.idle, 3600000000u);
    setenv("EARSHOT_THREADS", "true", 1);
    assert_int_equal(load(w, "--idle-time 90s"), ES_CONFIG_OK);
    assert_true(w->config.threads);
    assert_int_equal(w->config.idle, 90000000);
}

static void wrong_values_are_named_with_what_is_allowed(void **state)
{
    world_t *w = *state;
    REFUSED("--port 65536", "--port", "\"65536\"", "out of range", "from 0 to 65535");
    REFUSED("--port -1", "--port", "\"-1\"", "not a whole number");
    REFUSED("--port 1x", "\"1x\"", "not a whole number");
    REFUSED("--port=", "--port", "not a whole number");
    REFUSED("--port 99999999999999999999", "out of range");
    REFUSED("--engine whisper", "--engine", "\"whisper\"", "one of mock|pocketsphinx");
    REFUSED("--engine moc", "one of mock|pocketsphinx");
    REFUSED("--idle-time 5", "no unit", "from 1ms to 1h");
    REFUSED("--idle-time 5d", "no unit that is known");
    REFUSED("--idle-time soon", "not a time");
    REFUSED("--idle-time 999us", "out of range");
    REFUSED("--idle-time 18446744073709551615h", "out of range");
    REFUSED("--text 123456789", "--text", "too long", "at most 8 bytes");
    REFUSED("--threads=maybe", "--threads", "\"maybe\"", "yes or no");
    setenv("APP_PORT", "http", 1);
    REFUSED("", "APP_PORT in the environment", "\"http\"", "from 0 to 65535");
}

static void wrong_flags(void **state)
{
    world_t *w = *state;
    REFUSED("--prot 1", "there is no option --prot", "did you mean --port?");
    REFUSED("--idle-tiem=1s", "there is no option --idle-tiem", "did you mean --idle-time?");
    REFUSED("--zebra", "there is no option --zebra");
    assert_null(strstr(said(w), "did you mean"));
    REFUSED("-x", "there is no option -x");
    REFUSED("--port", "--port needs a value", "from 0 to 65535");
    REFUSED("--help=1", "--help takes no value");
    REFUSED("extra", "unexpected argument \"extra\"");
    assert_non_null(strstr(said(w), "earshot-test --help"));
}

static void rest_arguments_are_given_back(void **state)
{
    world_t *w = *state;
    char *argv[] = {"earshot-test", "one", "--port", "9", "two", NULL};
    int rest = 0;
    assert_int_equal(es_config_load(&w->config, tables, &about, 5, argv, &rest), ES_CONFIG_OK);
    assert_int_equal(rest, 3);
    assert_string_equal(argv[3], "one");
    assert_string_equal(argv[4], "two");
    assert_int_equal(w->config.port, 9);
}

static void help_and_version(void **state)
{
    world_t *w = *state;
    assert_int_equal(load(w, "--port x --help"), ES_CONFIG_HELP);
    assert_non_null(strstr(said(w), "Usage: earshot-test [OPTIONS]"));
    assert_non_null(strstr(said(w), "--port N"));
    assert_non_null(strstr(said(w), "default 8000; a whole number from 0 to 65535; EARSHOT_PORT, APP_PORT"));
    assert_non_null(strstr(said(w), "EARSHOT_IDLE_TIME"));
    assert_non_null(strstr(said(w), "Exit status: 0."));
    assert_int_equal(load(w, "-V"), ES_CONFIG_HELP);
    assert_memory_equal(said(w), "earshot-test ", 13);
}

static void markdown(void **state)
{
    world_t *w = *state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    (void)w;
    es_config_markdown(out, tables);
    fclose(out);
    assert_non_null(strstr(
        text, "| `--port N` | `EARSHOT_PORT`, `APP_PORT` | `8000` | a whole number from 0 to 65535 | TCP port |\n"));
    assert_non_null(strstr(text, "one of mock\\|pocketsphinx"));
    free(text);
}

static const char *written(char **text, void (*write)(FILE *out))
{
    size_t len = 0;
    FILE *out = open_memstream(text, &len);
    write(out);
    fclose(out);
    return *text;
}

static void write_man(FILE *out)
{
    es_config_man(out, tables, &about);
}

static void write_command_man(FILE *out)
{
    static const es_option_t *const none[] = {NULL};
    static const es_config_about_t command = {.program = "earshot do it",
                                              .usage = "WHAT",
                                              .about = "Does\nv1.2 things. And 'more'.\n.not a request\\",
                                              .epilog = "Exit codes:\n  0    done\n  1    not"};
    es_config_man(out, none, &command);
}

static void write_words(FILE *out)
{
    es_config_words(out, tables);
}

static void manual(void **state)
{
    char *text = NULL;
    (void)state;
    written(&text, write_man);
    assert_ptr_equal(strstr(text, ".TH EARSHOT\\-TEST 8 "), text);
    assert_non_null(strstr(text, "\nearshot\\-test \\- A test\n"));
    assert_non_null(strstr(text, ".TP\n\\fB\\-\\-port\\fR \\fIN\\fR\nTCP port.\n"));
    assert_non_null(strstr(text, "Allowed: a whole number from 0 to 65535. Default: \\fB8000\\fR. Environment: "
                                 "\\fBEARSHOT_PORT\\fR, \\fBAPP_PORT\\fR.\n"));
    assert_non_null(strstr(text, ".SH \"EXIT STATUS\"\n0.\n"));
    free(text);
    written(&text, write_command_man);
    assert_ptr_equal(strstr(text, ".TH EARSHOT\\-DO\\-IT 1 "), text);
    assert_non_null(strstr(text, "\nearshot\\-do\\-it \\- Does v1.2 things\n"));
    assert_non_null(strstr(text, "\n\\&.not a request\\e\n"));
    assert_null(strstr(text, ".SH OPTIONS"));
    assert_non_null(strstr(text, ".SH \"EXIT CODES\"\n.nf\n  0    done\n  1    not\n.fi\n"));
    free(text);
}

static void words(void **state)
{
    char *text = NULL;
    (void)state;
    written(&text, write_words);
    assert_non_null(strstr(text, "\n--engine\tWHICH\tmock|pocketsphinx\twhat transcribes\n"));
    assert_non_null(strstr(text, "\n--threads\t-\t-\tone process\n"));
    free(text);
}

static void the_file_is_understood(void **state)
{
    world_t *w = *state;
    write_file("my.env", "# comment\n\n  export EARSHOT_PORT = 12 # why\r\nEARSHOT_TEXT=\"a \\\"#b\" # c\nOTHER=x\n"
                         "EARSHOT_ENGINE='pocketsphinx'\nEARSHOT_IDLE_TIME=1s\nEARSHOT_IDLE_TIME=2s\n");
    assert_int_equal(load(w, "--env-file my.env"), ES_CONFIG_OK);
    assert_int_equal(w->config.port, 12);
    assert_string_equal(w->config.text, "a \"#b");
    assert_int_equal(w->config.engine, 1);
    assert_int_equal(w->config.idle, 2000000);
    write_file(".env", "EARSHOT_TEXT=a#b");
    assert_int_equal(load(w, ""), ES_CONFIG_OK);
    assert_string_equal(w->config.text, "a#b");
    write_file(".env", "EARSHOT_TEXT= # none");
    assert_int_equal(load(w, ""), ES_CONFIG_OK);
    assert_string_equal(w->config.text, "");
}

static void wrong_files(void **state)
{
    world_t *w = *state;
    REFUSED("--env-file none.env", "cannot read none.env");
    write_file(".env", "A=1\nEARSHOT_PROT=5\n");
    REFUSED("", ".env line 2", "no setting EARSHOT_PROT", "did you mean EARSHOT_PORT?");
    assert_null(strstr(said(w), "5"));
    write_file(".env", "EARSHOT_BOGUS=5\n");
    REFUSED("", ".env line 1", "no setting EARSHOT_BOGUS");
    write_file(".env", "EARSHOT_PORT=70000\n");
    REFUSED("", "EARSHOT_PORT in .env", "\"70000\"", "from 0 to 65535");
    write_file(".env", "EARSHOT_TEXT=\"abc\n");
    REFUSED("", ".env line 1 has a quote that is not closed");
    write_file(".env", "EARSHOT_TEXT='abc'd\n");
    REFUSED("", ".env line 1 has text after the closing quote");
    write_file(".env", "what is this\n");
    REFUSED("", ".env line 1 is not NAME=value");
    write_file(".env", "=1\n");
    REFUSED("", ".env line 1 is not NAME=value");
}

/* The environment is shared with other actors and with other programs. */
static void strangers_in_the_environment_are_fine(void **state)
{
    world_t *w = *state;
    setenv("EARSHOT_BOGUS", "1", 1);
    assert_int_equal(load(w, ""), ES_CONFIG_OK);
    write_file(".env", "EARSHOT_LOG_LEVEL=debug\nEARSHOT_NAME=x\n");
    assert_int_equal(load(w, ""), ES_CONFIG_OK);
    assert_int_equal(w->config.common.log_level, 0);
}

static void settling(void **state)
{
    world_t *w = *state;
    struct stat st;
    char path[128];
    assert_int_equal(load(w, "--data a/b"), ES_CONFIG_OK);
    assert_int_equal(es_common_config_settle(&w->config.common, "edge"), 0);
    assert_string_equal(w->config.common.name, "edge");
    snprintf(path, sizeof path, "%s/a/b", w->home);
    assert_string_equal(w->config.common.data, path);
    snprintf(path, sizeof path, "ipc://%s/a/b/broker", w->home);
    assert_string_equal(w->config.common.broker, path);
    assert_int_equal(stat("a/b/run", &st), 0);
    assert_true(S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0700);
}

static void settling_by_default(void **state)
{
    world_t *w = *state;
    char path[128];
    setenv("XDG_RUNTIME_DIR", w->home, 1);
    assert_int_equal(load(w, "--name transcriber-1 --broker tcp://b:1,tcp://c:1"), ES_CONFIG_OK);
    assert_int_equal(es_common_config_settle(&w->config.common, "x"), 0);
    snprintf(path, sizeof path, "%s/earshot", w->home);
    assert_string_equal(w->config.common.data, path);
    assert_string_equal(w->config.common.name, "transcriber-1");
    assert_string_equal(w->config.common.broker, "tcp://b:1,tcp://c:1");
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(load(w, ""), ES_CONFIG_OK);
    assert_int_equal(es_common_config_settle(&w->config.common, "x"), -1);
    assert_non_null(strstr(said(w), "choose another with --data"));
    unsetenv("XDG_RUNTIME_DIR");
}

static void settling_refuses(void **state)
{
    world_t *w = *state;
    static const struct {
        const char *args, *says;
    } cases[] = {{"--data d --name ../x", "--name: \"../x\""},
                 {"--data d --name -x", "--name"},
                 {"--data d --broker http://x", "\"http://x\" has no transport"},
                 {"--data f/x", "--data: \"f/x\""},
                 {"--data dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
                  "choose a shorter --data"}};
    write_file("f", "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(load(w, cases[i].args), ES_CONFIG_OK);
        assert_int_equal(es_common_config_settle(&w->config.common, "x"), -1);
        if (!strstr(said(w), cases[i].says)) fail_msg("\"%s\" is not in: %s", cases[i].says, said(w));
    }
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(es_config_distance("port", "port"), 0);
    assert_int_equal(es_config_distance("port", "prot"), 1);
    assert_int_equal(es_config_distance("port", "por"), 1);
    assert_int_equal(es_config_distance("", "port"), 4);
    assert_int_equal(es_config_distance("kitten", "sitting"), 3);
}

#define WITH(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* getopt tells options by numbers, and letters by theirs. */
static void the_number_of_options_is_free(void **state)
{
    enum { MANY = 200 };
    static char names[MANY][16];
    static es_option_t many[MANY + 1];
    static uint64_t values[MANY];
    const es_option_t *const all[] = {many, NULL};
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        char flag[32], program[] = "p";
        snprintf(names[i], sizeof names[i], "option-%zu", i);
        many[i] = (es_option_t){.name = names[i], .type = ES_OPT_T_UINT, .offset = i * 8, .initial = "0", .max = 9};
        snprintf(flag, sizeof flag, "--option-%zu=7", i);
        char *argv[] = {program, flag, NULL};
        assert_int_equal(es_config_load(values, all, &about, 2, argv, NULL), ES_CONFIG_OK);
        assert_int_equal(values[i], 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_of_options_is_free),
        WITH(defaults),
        WITH(flag_over_environment_over_file_over_default),
        WITH(every_type),
        WITH(wrong_values_are_named_with_what_is_allowed),
        WITH(wrong_flags),
        WITH(rest_arguments_are_given_back),
        WITH(help_and_version),
        WITH(markdown),
        cmocka_unit_test(manual),
        cmocka_unit_test(words),
        WITH(the_file_is_understood),
        WITH(wrong_files),
        WITH(strangers_in_the_environment_are_fine),
        WITH(settling),
        WITH(settling_by_default),
        WITH(settling_refuses),
        cmocka_unit_test(distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
