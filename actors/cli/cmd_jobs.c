#include "cmd_jobs.h"

#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "config_parts.h"

static const es_cmd_t commands[] = {
    {"submit", "send recordings, to be transcribed and analysed", es_cmd_jobs_submit},
    {"list", "jobs, the newest first", es_cmd_jobs_list},
    {"show", "all about jobs: attempts, times, analysis; or the transcript", es_cmd_jobs_show},
    {"watch", "how jobs get on, while they do", es_cmd_jobs_watch},
    {"cancel", "stop jobs that are not over", es_cmd_jobs_cancel},
    {"retry", "try failed or cancelled jobs again", es_cmd_jobs_retry},
    {"rm", "delete jobs that do not run, with their recordings", es_cmd_jobs_rm},
    {NULL, NULL, NULL},
};

static void help(FILE *out)
{
    fputs("Usage: earshot jobs COMMAND [OPTIONS]\n\nRecordings in, transcripts and analysis out.\n\nCommands:\n", out);
    for (const es_cmd_t *c = commands; c->name; c++) fprintf(out, "  %-10s%s\n", c->name, c->about);
    fputs("\n\"earshot jobs COMMAND --help\" tells the options and exit codes of one.\n", out);
}

static int unknown(const char *name)
{
    const char *near = NULL;
    for (const es_cmd_t *c = commands; c->name; c++)
        if (es_config_distance(c->name, name) < 3 && strlen(c->name) > 2) near = c->name;
    fprintf(stderr, "earshot jobs: there is no command \"%.100s\"", name);
    if (near) fprintf(stderr, "; did you mean \"%s\"?", near);
    fputs("\nTry \"earshot jobs --help\".\n", stderr);
    return ES_BATCH_USAGE;
}

int es_cmd_jobs(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return ES_BATCH_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        help(stdout);
        return ES_BATCH_OK;
    }
    for (const es_cmd_t *c = commands; c->name; c++)
        if (strcmp(c->name, name) == 0) return c->run(argc - 1, argv + 1);
    return unknown(name);
}
