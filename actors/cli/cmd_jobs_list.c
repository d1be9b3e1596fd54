#include <stdio.h>
#include <string.h>

#include "batch_table.h"
#include "cmd_jobs.h"
#include "operator_token.h"
#include "wire.h"

enum { PATH = 1200 };

typedef struct {
    es_batch_options_t options;
    uint64_t state, page, count;
    char *session, *q;
} config_t;

#define STATES "any|queued|transcribing|analyzing|completed|failed|cancelled"
static const char *const states[] = {"", "QUEUED", "TRANSCRIBING", "ANALYZING", "COMPLETED", "FAILED", "CANCELLED"};

static const es_option_t options[] = {
    ES_OPT_CHOICE(config_t, state, "state", "any", STATES, "only those"),
    ES_OPT_STR(config_t, session, "session", NULL, NULL, 64, "only those of this session; its newest 50 need no token"),
    ES_OPT_STR(config_t, q, "q", NULL, NULL, 200, "only those that have this in id, session, file name or error"),
    ES_OPT_UINT(config_t, page, "page", NULL, "1", 1, 1000000, "which page"),
    ES_OPT_UINT(config_t, count, "count", NULL, "50", 1, 200, "jobs on a page"),
    ES_OPT_END};
static const es_option_t *const tables[] = {options, es_batch_option_table, NULL};

static const es_config_about_t about = {
    .program = "earshot jobs list",
    .usage = "[OPTIONS]",
    .about = "Prints jobs, the newest first. What goes across sessions wants the operator's token.",
    .epilog = "Exit codes:\n"
              "  0    done\n"
              "  1    refused, or no server answered\n"
              "  2    wrong options\n"
              "  130  interrupted"};

static bool add(char *path, const char *name, const char *value)
{
    size_t len = strlen(path);
    if (!value || !*value) return true;
    snprintf(path + len, PATH - len, "&%s=", name);
    return es_house_escape(path, PATH, value);
}

static bool search_path(const config_t *config, char *path)
{
    snprintf(path, PATH, "/jobs?page=%llu&per_page=%llu", (unsigned long long)config->page,
             (unsigned long long)config->count);
    return add(path, "state", states[config->state]) && add(path, "session", config->session) &&
           add(path, "q", config->q);
}

static bool session_path(const config_t *config, char *path)
{
    snprintf(path, PATH, "/session/");
    if (!es_house_escape(path, PATH - 20, config->session)) return false;
    size_t len = strlen(path);
    snprintf(path + len, PATH - len, "/job-status");
    return true;
}

static int list(const config_t *config, const char *token, const char *path)
{
    es_house_http_config_t house = es_batch_http(&config->options, token);
    es_house_http_t *http = es_house_http_new(&house);
    es_house_request_t request = {.method = "GET", .path = path};
    es_house_answer_t answer;
    int rc = es_house_http_call(http, &request, &answer);
    if (rc == -1)
        fprintf(stderr, "earshot jobs list: %s: %s\n", answer.address, answer.message);
    else if (config->options.json) {
        json_dumpf(answer.json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        fputc('\n', stdout);
    } else
        es_batch_table_print(stdout, answer.json, es_wall_us() / 1000);
    int status = rc == 0 ? ES_BATCH_OK : answer.interrupted ? ES_BATCH_INTERRUPTED : ES_BATCH_FAILED;
    es_house_answer_fini(&answer);
    es_house_http_destroy(&http);
    return status;
}

static int run(void *ctx, int count, char **args)
{
    config_t *config = ctx;
    char token[ES_OPERATOR_TOKEN_MAX + 1], err[1300], path[PATH];
    bool have = es_batch_token(&config->options, token, err, sizeof err) == 0;
    bool narrow = config->session && *config->session && config->state == 0 && !config->q && config->page == 1;
    (void)count;
    (void)args;
    es_batch_catch_signals();
    if (!have && !narrow) {
        fprintf(
            stderr,
            "earshot jobs list: %s. Name the file with --token-file, or see the jobs of one session with --session\n",
            err);
        return ES_BATCH_FAILED;
    }
    bool fits = have ? search_path(config, path) : session_path(config, path);
    return fits ? list(config, have ? token : NULL, path) : ES_BATCH_USAGE;
}

int es_cmd_jobs_list(int argc, char **argv)
{
    static const es_batch_command_t command = {.tables = tables, .about = &about, .run = run, .what = ""};
    config_t config = {.session = NULL};
    return es_batch_command(&command, &config.options, argc, argv);
}
