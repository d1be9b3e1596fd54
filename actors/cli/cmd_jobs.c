#include "cmd_jobs.h"

#include "cmd_family.h"

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

int es_cmd_jobs(int argc, char **argv)
{
    static const es_cmd_family_t jobs = {
        .program = "earshot jobs", .about = "Recordings in, transcripts and analysis out.", .commands = commands};
    return es_cmd_family_run(&jobs, argc, argv);
}
