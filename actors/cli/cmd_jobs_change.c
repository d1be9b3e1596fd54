/* cancel, retry, rm: one request for each job, and a word on what came of it. */
#include <stdio.h>
#include <string.h>

#include "cmd_jobs.h"

typedef struct {
    es_batch_options_t options;
    const struct change *change;
} config_t;

typedef struct change {
    es_config_about_t about;
    const char *method, *tail; /* of the address */
    const char *done;          /* in words, where the answer has no state to tell */
} change_t;

static const es_option_t *const tables[] = {es_batch_option_table, NULL};

#define EXITS                                                   \
    "Exit codes:\n"                                             \
    "  0    done, for all of them\n"                            \
    "  1    one refuses, is not there, or no server answered\n" \
    "  2    wrong options\n"                                    \
    "  130  interrupted"

static const change_t cancel = {
    .about = {.program = "earshot jobs cancel",
              .usage = "[OPTIONS] JOB...",
              .about = "Stops jobs that are not over, from anywhere. What was transcribed stays.",
              .epilog = EXITS},
    .method = "POST",
    .tail = "/cancel",
    .done = "cancelled"};
static const change_t retry = {
    .about = {.program = "earshot jobs retry",
              .usage = "[OPTIONS] JOB...",
              .about = "Tries failed or cancelled jobs again. They go on behind what is transcribed.",
              .epilog = EXITS},
    .method = "POST",
    .tail = "/retry",
    .done = "tried again"};
static const change_t rm = {.about = {.program = "earshot jobs rm",
                                      .usage = "[OPTIONS] JOB...",
                                      .about = "Deletes jobs that do not run, with recording, transcript and analysis.",
                                      .epilog = EXITS},
                            .method = "DELETE",
                            .tail = "",
                            .done = "deleted"};

static void say(const config_t *config, const char *job, const json_t *answer)
{
    const char *status = json_string_value(json_object_get(answer, "status"));
    if (config->options.json && answer) {
        json_dumpf(answer, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        fputc('\n', stdout);
    } else if (!config->options.json)
        printf("%s %s\n", job, status ? status : config->change->done);
    fflush(stdout);
}

static int change(const config_t *config, es_house_http_t *http, const char *job)
{
    char path[100];
    const change_t *what = config->change;
    es_house_request_t request = {.method = what->method, .path = path};
    es_house_answer_t answer;
    snprintf(path, sizeof path, "/jobs/%s%s", job, what->tail);
    int rc = es_house_http_call(http, &request, &answer);
    /* The first try may have done it, and its answer been lost. */
    if (rc == -1 && what == &rm && answer.status == 404 && answer.tries > 1) rc = 0;
    if (rc == 0)
        say(config, job, answer.json);
    else
        fprintf(stderr, "%s: %s: %s\n", what->about.program, job, answer.message);
    es_house_answer_fini(&answer);
    return rc;
}

static int run(void *ctx, int count, char **jobs)
{
    config_t *config = ctx;
    int status = ES_BATCH_OK;
    if (es_cmd_jobs_check(config->change->about.program, count, jobs) == -1) return ES_BATCH_USAGE;
    es_batch_catch_signals();
    es_house_http_config_t house = es_batch_http(&config->options, NULL);
    es_house_http_t *http = es_house_http_new(&house);
    for (int i = 0; i < count && !es_batch_interrupted(); i++)
        if (change(config, http, jobs[i]) == -1) status = ES_BATCH_FAILED;
    es_house_http_destroy(&http);
    return es_batch_interrupted() ? ES_BATCH_INTERRUPTED : status;
}

static int command(const change_t *what, int argc, char **argv)
{
    es_batch_command_t one = {
        .tables = tables, .about = &what->about, .run = run, .least = 1, .most = 1000, .what = "JOB"};
    config_t config = {.change = what};
    return es_batch_command(&one, &config.options, argc, argv);
}

int es_cmd_jobs_cancel(int argc, char **argv)
{
    return command(&cancel, argc, argv);
}

int es_cmd_jobs_retry(int argc, char **argv)
{
    return command(&retry, argc, argv);
}

int es_cmd_jobs_rm(int argc, char **argv)
{
    return command(&rm, argc, argv);
}
