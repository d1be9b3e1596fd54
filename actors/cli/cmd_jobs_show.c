#include <stdio.h>
#include <string.h>

#include "batch_table.h"
#include "cmd_jobs.h"

typedef struct {
    es_batch_options_t options;
    uint64_t format;
} config_t;

enum { NO_FORMAT = 0 };

static const es_option_t options[] = {ES_OPT_CHOICE(config_t, format, "transcript", "none", "none|" ES_BATCH_FORMATS,
                                                    "print the transcript, as far as it goes, instead"),
                                      ES_OPT_END};
static const es_option_t *const tables[] = {options, es_batch_option_table, NULL};

static const es_config_about_t about = {.program = "earshot jobs show",
                                        .usage = "[OPTIONS] JOB...",
                                        .about = "Prints all about jobs, or their transcripts.",
                                        .epilog = "Exit codes:\n"
                                                  "  0    done\n"
                                                  "  1    there is no such job, or no server answered\n"
                                                  "  2    wrong options\n"
                                                  "  130  interrupted"};

int es_cmd_jobs_check(const char *program, int count, char **jobs)
{
    for (int i = 0; i < count; i++) {
        if (es_batch_is_job(jobs[i])) continue;
        fprintf(stderr,
                "%s: \"%.100s\" is not the id of a job, which has 36 characters, as `earshot jobs list` prints it\n",
                program, jobs[i]);
        return -1;
    }
    return 0;
}

static bool on_piece(void *ctx, const void *data, size_t len)
{
    (void)ctx;
    return fwrite(data, 1, len, stdout) == len;
}

int es_cmd_jobs_transcript(es_house_http_t *http, const char *program, const char *job, uint64_t format)
{
    static const char *const formats[] = {"text", "json", "srt", "vtt"};
    char path[200];
    es_house_request_t request = {.method = "GET", .path = path, .take = on_piece};
    es_house_answer_t answer;
    snprintf(path, sizeof path, "/jobs/%s/transcript?format=%s", job, formats[format]);
    int rc = es_house_http_call(http, &request, &answer);
    if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        snprintf(answer.message, sizeof answer.message, "it cannot be written to standard output");
        rc = -1;
    }
    if (rc == -1) fprintf(stderr, "%s: the transcript of %s: %s\n", program, job, answer.message);
    es_house_answer_fini(&answer);
    return rc;
}

static int show(const config_t *config, es_house_http_t *http, const char *job, bool first)
{
    char path[100];
    es_house_request_t request = {.method = "GET", .path = path};
    es_house_answer_t answer;
    snprintf(path, sizeof path, "/jobs/%s", job);
    int rc = es_house_http_call(http, &request, &answer);
    if (rc == -1)
        fprintf(stderr, "earshot jobs show: %s: %s\n", job, answer.message);
    else if (config->options.json) {
        json_dumpf(answer.json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        fputc('\n', stdout);
    } else {
        if (!first) fputs("\n\n", stdout);
        es_batch_job_print(stdout, answer.json);
    }
    es_house_answer_fini(&answer);
    return rc;
}

static int run(void *ctx, int count, char **jobs)
{
    config_t *config = ctx;
    int status = ES_BATCH_OK;
    if (es_cmd_jobs_check(about.program, count, jobs) == -1) return ES_BATCH_USAGE;
    es_batch_catch_signals();
    es_house_http_config_t house = es_batch_http(&config->options, NULL);
    es_house_http_t *http = es_house_http_new(&house);
    for (int i = 0; i < count && !es_batch_interrupted(); i++) {
        int rc = config->format == NO_FORMAT ? show(config, http, jobs[i], i == 0)
                                             : es_cmd_jobs_transcript(http, about.program, jobs[i], config->format - 1);
        if (rc == -1) status = ES_BATCH_FAILED;
    }
    es_house_http_destroy(&http);
    return es_batch_interrupted() ? ES_BATCH_INTERRUPTED : status;
}

int es_cmd_jobs_show(int argc, char **argv)
{
    static const es_batch_command_t command = {
        .tables = tables, .about = &about, .run = run, .least = 1, .most = 100, .what = "JOB"};
    config_t config = {.format = 0};
    return es_batch_command(&command, &config.options, argc, argv);
}
