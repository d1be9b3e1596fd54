/* Settings of the jobs actor. */
#ifndef ES_JOBS_CONFIG_H
#define ES_JOBS_CONFIG_H

#include "config.h"

typedef struct {
    es_common_config_t common;
    char *store;          /* URL; may hold a password: log it with es_url_shown alone */
    char *spool;          /* directory of the files */
    uint64_t concurrency; /* jobs that run at once */
    uint64_t lease_us;    /* a job is ours for so long without a word of ours */
    uint64_t stall_us;    /* nothing came of a job for so long: the attempt failed */
    uint64_t max_duration_us;
    uint64_t analysis_wait_us; /* without an analysis actor for so long, jobs are completed without analysis */
    uint64_t decode_silence_us, decode_cpu_us;
    uint64_t decode_memory; /* MiB */
    uint64_t max_uploads;   /* at once */
    uint64_t spool_quota;   /* MiB of recordings; 0: no bound */
    uint64_t spool_floor;   /* MiB of the disk that stay free */
    uint64_t part_keep_us;  /* an upload that nobody goes on with is deleted after it */
    uint64_t keep_age_us;   /* jobs that are over are deleted after it */
    uint64_t keep_count;    /* and beyond so many */
    char *webhook_key_file; /* key of signatures */
    bool webhook_private;   /* webhooks may go to addresses that are not public */
} es_jobs_config_t;

extern const es_option_t *const es_jobs_option_tables[];
extern const es_config_about_t es_jobs_about;

/* Loads and checks; makes the data directory and the spool. Call es_jobs_config_fini after every result. */
es_config_result_t es_jobs_config_load(es_jobs_config_t *config, int argc, char **argv);
void es_jobs_config_fini(es_jobs_config_t *config);

#endif
