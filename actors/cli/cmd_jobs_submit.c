#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "batch_text.h"
#include "batch_upload.h"
#include "batch_watch.h"
#include "cmd_jobs.h"
#include "terminal.h"
#include "wire.h"

#define FILES_MAX 200
enum { KEY_BYTES = 40 };

typedef struct {
    es_batch_options_t options;
    char *session, *language, *webhook, *priority, *attempts;
    bool delete_after, wait;
    uint64_t format;
} config_t;

static const es_option_t options[] = {
    ES_OPT_STR(config_t, session, "session", NULL, "cli", 64,
               "session that the jobs belong to: letters, digits and ._-"),
    ES_OPT_STR(config_t, priority, "priority", NULL, NULL, 4, "-10 to 10, 0 where nothing is said; higher goes first"),
    ES_OPT_STR(config_t, language, "language", NULL, NULL, 32, "language spoken, as the engine names it"),
    ES_OPT_FLAG(config_t, delete_after, "delete-after-analysis", "the recording is deleted once its job is completed"),
    ES_OPT_STR(config_t, webhook, "webhook", NULL, NULL, 2048, "http address that is told when a job is over"),
    ES_OPT_STR(config_t, attempts, "attempts", NULL, NULL, 2, "1 to 10, 3 where nothing is said"),
    ES_OPT_FLAG_AS(config_t, wait, "wait", "SUBMIT_WAIT",
                   "wait until the jobs are over and print the transcripts; ids go to standard error then"),
    ES_OPT_CHOICE(config_t, format, "format", "text", ES_BATCH_FORMATS, "of the transcripts"),
    ES_OPT_END};
static const es_option_t *const tables[] = {options, es_batch_option_table, NULL};

static const es_config_about_t about = {
    .program = "earshot jobs submit",
    .usage = "[OPTIONS] FILE...",
    .about =
        "Sends recordings (wav, flac, ogg, opus, mp3; any rate and number of channels) and prints the id of the job of "
        "each.\nWhere a connection or an edge is lost the file is sent again, to the next address, and there is one "
        "job all the same.\nCtrl-C leaves; jobs that were taken go on.",
    .epilog = "Exit codes:\n"
              "  0    all recordings were taken; with --wait: all jobs are completed\n"
              "  1    one was not taken; with --wait: a job failed, was cancelled or deleted\n"
              "  2    wrong options\n"
              "  3    with --wait: no server answered for --patience\n"
              "  130  interrupted"};

/* Whole numbers with a sign, which the table of options does not have. */
static int check_number(const char *name, const char *text, long low, long high)
{
    char *end;
    if (!text || !*text) return 0;
    long value = strtol(text, &end, 10);
    if (!isspace((unsigned char)*text) && *text != '+' && !*end && value >= low && value <= high) return 0;
    fprintf(stderr, "earshot jobs submit: --%s: \"%s\" is not a whole number from %ld to %ld\n", name, text, low, high);
    return -1;
}

static int check(const config_t *config)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (!*config->session || config->session[strspn(config->session, allowed)]) {
        fprintf(stderr, "earshot jobs submit: --session: \"%s\" must be letters, digits and ._-\n", config->session);
        return -1;
    }
    return check_number("priority", config->priority, -10, 10) == 0 &&
                   check_number("attempts", config->attempts, 1, 10) == 0
               ? 0
               : -1;
}

static void say_taken(const config_t *config, const char *job, const char *file, int files)
{
    FILE *out = config->wait ? stderr : stdout;
    fprintf(out, files > 1 || isatty(fileno(out)) ? "%s  %s\n" : "%s\n", job, file);
    fflush(out);
}

/* Sends all; the board has those that were taken. */
static int send_all(const config_t *config, es_house_http_t *http, es_batch_board_t *board, int count, char **files)
{
    es_batch_wish_t wish = {.session = config->session,
                            .language = config->language,
                            .webhook = config->webhook,
                            .priority = config->priority,
                            .attempts = config->attempts,
                            .delete_after = config->delete_after};
    int status = ES_BATCH_OK;
    for (int i = 0; i < count; i++) {
        char key[KEY_BYTES], job[64];
        bool interrupted = false;
        snprintf(key, sizeof key, "%016llx%016llx", (unsigned long long)es_random_u64(),
                 (unsigned long long)es_random_u64());
        if (es_batch_upload(http, &wish, files[i], key, isatty(STDERR_FILENO) ? stderr : NULL, job, &interrupted) ==
            0) {
            say_taken(config, job, files[i], count);
            es_batch_board_add(board, job, es_batch_base_name(files[i]));
        } else
            status = interrupted ? ES_BATCH_INTERRUPTED : ES_BATCH_FAILED;
        if (interrupted) break;
    }
    return status;
}

static int watch(const config_t *config, es_batch_board_t *board)
{
    es_batch_bars_t bars = {
        .out = stderr, .in_place = isatty(STDERR_FILENO), .width = es_terminal_width(STDERR_FILENO)};
    es_batch_watch_t watching = {.addresses = &config->options.addresses,
                                 .connect_us = config->options.connect_us,
                                 .patience_us = config->options.patience_us,
                                 .seed = es_random_u64(),
                                 .interrupted = es_batch_interrupted,
                                 .board = board,
                                 .bars = &bars};
    int status = es_batch_watch(&watching);
    if (status == ES_BATCH_INTERRUPTED)
        fputs("earshot: the jobs go on. See them again with: earshot jobs watch JOB\n", stderr);
    if (status != ES_BATCH_OK) return status;
    for (size_t i = 0; i < board->count; i++)
        if (board->jobs[i].end != ES_BATCH_COMPLETED)
            fprintf(stderr, "earshot jobs submit: %s is %s%s%s\n", board->jobs[i].id, board->jobs[i].status,
                    *board->jobs[i].reason ? ": " : "", board->jobs[i].reason);
    return es_batch_board_good(board) ? ES_BATCH_OK : ES_BATCH_FAILED;
}

static int print_transcripts(const config_t *config, es_house_http_t *http, const es_batch_board_t *board)
{
    int status = ES_BATCH_OK;
    for (size_t i = 0; i < board->count; i++)
        if (board->jobs[i].end == ES_BATCH_COMPLETED &&
            es_cmd_jobs_transcript(http, about.program, board->jobs[i].id, config->format) == -1)
            status = ES_BATCH_FAILED;
    return status;
}

static int run(void *ctx, int count, char **files)
{
    config_t *config = ctx;
    if (check(config) == -1) return ES_BATCH_USAGE;
    es_batch_catch_signals();
    es_house_http_config_t house = es_batch_http(&config->options, NULL);
    es_house_http_t *http = es_house_http_new(&house);
    es_batch_board_t *board = es_alloc_zero(sizeof *board);
    int status = send_all(config, http, board, count, files);
    if (config->wait && status != ES_BATCH_INTERRUPTED) {
        int watched = watch(config, board);
        int printed = watched <= ES_BATCH_FAILED ? print_transcripts(config, http, board) : ES_BATCH_OK;
        status = watched ? watched : status ? status : printed;
    }
    free(board);
    es_house_http_destroy(&http);
    return status;
}

int es_cmd_jobs_submit(int argc, char **argv)
{
    static const es_batch_command_t command = {
        .tables = tables, .about = &about, .run = run, .least = 1, .most = FILES_MAX, .what = "FILE"};
    config_t config = {.session = NULL};
    return es_batch_command(&command, &config.options, argc, argv);
}
