/* The commands of `earshot jobs`: a file and a line of cmd_jobs.c each. argv[0] is its name. */
#ifndef ES_CMD_JOBS_H
#define ES_CMD_JOBS_H

#include "batch_options.h"

int es_cmd_jobs_submit(int argc, char **argv);
int es_cmd_jobs_list(int argc, char **argv);
int es_cmd_jobs_show(int argc, char **argv);
int es_cmd_jobs_watch(int argc, char **argv);
int es_cmd_jobs_cancel(int argc, char **argv);
int es_cmd_jobs_retry(int argc, char **argv);
int es_cmd_jobs_rm(int argc, char **argv);

/* Writes the transcript of a job to standard output; format is a word of ES_BATCH_FORMATS. 0, or -1 with a message printed. */
#define ES_BATCH_FORMATS "text|json|srt|vtt"
int es_cmd_jobs_transcript(es_house_http_t *http, const char *program, const char *job, uint64_t format);
/* Are all of these ids of jobs? 0, or -1 with a message printed. */
int es_cmd_jobs_check(const char *program, int count, char **jobs);

#endif
