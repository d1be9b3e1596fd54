#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "batch_watch.h"
#include "cmd_jobs.h"
#include "operator_token.h"
#include "terminal.h"
#include "wire.h"

typedef struct {
    es_batch_options_t options;
    char *session;
    bool all;
} config_t;

static const es_option_t options[] = {
    ES_OPT_STR(config_t, session, "session", NULL, NULL, 64, "all jobs of this session, until Ctrl-C"),
    ES_OPT_FLAG(config_t, all, "all", "all jobs of the house, until Ctrl-C; wants the operator's token"), ES_OPT_END};
static const es_option_t *const tables[] = {options, es_batch_option_table, NULL};

static const es_config_about_t about = {
    .program = "earshot jobs watch",
    .usage = "[OPTIONS] JOB... | --session ID | --all",
    .about =
        "Shows how jobs get on: on a terminal a line each, with a bar and the last words; in a pipe a line for each "
        "step,\nwith --json each event.",
    .epilog = "Exit codes:\n"
              "  0    all of these jobs are completed\n"
              "  1    one failed, was cancelled or deleted, or is not there\n"
              "  2    wrong options\n"
              "  3    no server answered for --patience\n"
              "  130  interrupted"};

/* How each stands now; one that is not there would never be heard of. */
static int look_up(const config_t *config, es_batch_board_t *board, int count, char **jobs)
{
    es_house_http_config_t house = es_batch_http(&config->options, NULL);
    es_house_http_t *http = es_house_http_new(&house);
    int status = ES_BATCH_OK;
    for (int i = 0; i < count && status == ES_BATCH_OK; i++) {
        char path[100];
        es_house_request_t request = {.method = "GET", .path = path};
        es_house_answer_t answer;
        snprintf(path, sizeof path, "/jobs/%s", jobs[i]);
        es_batch_board_add(board, jobs[i], NULL);
        if (es_house_http_call(http, &request, &answer) == 0)
            es_batch_board_job(board, answer.json);
        else {
            fprintf(stderr, "earshot jobs watch: %s: %s\n", jobs[i], answer.message);
            status = answer.interrupted ? ES_BATCH_INTERRUPTED : answer.status ? ES_BATCH_FAILED : ES_BATCH_NOBODY;
        }
        es_house_answer_fini(&answer);
    }
    es_house_http_destroy(&http);
    return status;
}

static int watch(const config_t *config, es_batch_board_t *board, const char *token)
{
    bool terminal = isatty(STDOUT_FILENO) && !config->options.json;
    es_batch_bars_t bars = {.out = stdout, .in_place = terminal, .width = es_terminal_width(STDOUT_FILENO)};
    es_batch_watch_t watching = {.addresses = &config->options.addresses,
                                 .connect_us = config->options.connect_us,
                                 .patience_us = config->options.patience_us,
                                 .seed = es_random_u64(),
                                 .interrupted = es_batch_interrupted,
                                 .board = board,
                                 .bars = &bars,
                                 .json = config->options.json ? stdout : NULL,
                                 .session = config->session,
                                 .token = token};
    for (size_t i = 0; i < board->count && !config->options.json; i++)
        if (*board->jobs[i].status) es_batch_bars_news(&bars, &board->jobs[i]);
    if (es_batch_board_over(board)) es_batch_bars_draw(&bars, board);
    int status = es_batch_watch(&watching);
    return status == ES_BATCH_OK && !es_batch_board_good(board) ? ES_BATCH_FAILED : status;
}

static int check(const config_t *config, int count, char **jobs)
{
    int ways = (count > 0) + (config->session != NULL) + config->all;
    if (ways == 1) return es_cmd_jobs_check(about.program, count, jobs);
    fprintf(stderr, "earshot jobs watch: %s. Try \"earshot jobs watch --help\".\n",
            ways == 0 ? "name jobs, or a --session, or --all"
                      : "jobs, --session and --all are three ways to say what is watched: choose one");
    return -1;
}

static int run(void *ctx, int count, char **jobs)
{
    config_t *config = ctx;
    char token[ES_OPERATOR_TOKEN_MAX + 1], err[1300];
    if (check(config, count, jobs) == -1) return ES_BATCH_USAGE;
    if (config->all && es_batch_token(&config->options, token, err, sizeof err) == -1) {
        fprintf(stderr, "earshot jobs watch: %s. Name the file with --token-file\n", err);
        return ES_BATCH_FAILED;
    }
    es_batch_catch_signals();
    es_batch_board_t *board = es_alloc_zero(sizeof *board);
    board->open = count == 0;
    int status = look_up(config, board, count, jobs);
    if (status == ES_BATCH_OK) status = watch(config, board, config->all ? token : NULL);
    free(board);
    return status;
}

int es_cmd_jobs_watch(int argc, char **argv)
{
    static const es_batch_command_t command = {
        .tables = tables, .about = &about, .run = run, .most = (int)ES_BATCH_JOBS_MAX, .what = "JOB"};
    config_t config = {.session = NULL};
    return es_batch_command(&command, &config.options, argc, argv);
}
