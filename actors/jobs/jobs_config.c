#include "jobs_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

#define SECOND UINT64_C(1000000)
#define HOUR (3600 * SECOND)

enum { PATH_BYTES = 1024 };

static const es_option_t options[] = {
    ES_OPT_SECRET(es_jobs_config_t, store, "store", 1024,
                  "where jobs are kept: sqlite:/path/jobs.db or postgresql://...; default: sqlite, jobs.db in --data"),
    ES_OPT_STR(es_jobs_config_t, spool, "spool", NULL, NULL, 512,
               "directory of the uploaded files; default: spool in --data"),
    ES_OPT_UINT(es_jobs_config_t, concurrency, "concurrency", NULL, "2", 1, 256, "jobs that are transcribed at once"),
    ES_OPT_DURATION(es_jobs_config_t, lease_us, "lease", "15s", 2 * SECOND, HOUR,
                    "another actor takes a job over when its owner has said nothing for so long"),
    ES_OPT_DURATION(es_jobs_config_t, stall_us, "stall", "5m", SECOND, 24 * HOUR,
                    "an attempt of which nothing has come for so long has failed"),
    ES_OPT_DURATION(es_jobs_config_t, max_duration_us, "max-duration", "12h", SECOND, 240 * HOUR,
                    "a longer recording is refused"),
    ES_OPT_DURATION(es_jobs_config_t, analysis_wait_us, "analysis-wait", "30s", 0, 24 * HOUR,
                    "where no analysis actor was there for so long, jobs are completed without analysis"),
    ES_OPT_DURATION(es_jobs_config_t, decode_silence_us, "decode-silence", "30s", SECOND, HOUR,
                    "a decoder of files that says nothing for so long is killed"),
    ES_OPT_DURATION(es_jobs_config_t, decode_cpu_us, "decode-cpu", "30m", SECOND, 24 * HOUR,
                    "processor time that decoding one file may take"),
    ES_OPT_UINT(es_jobs_config_t, decode_memory, "decode-memory", NULL, "1024", 64, 65536,
                "MiB of address space of a decoder of files"),
    ES_OPT_UINT(es_jobs_config_t, max_uploads, "max-uploads", NULL, "256", 1, 10000,
                "uploads at once; more wait, and are refused after a while"),
    ES_OPT_UINT(es_jobs_config_t, spool_quota, "spool-quota", NULL, "0", 0, 1u << 30,
                "MiB that recordings may take; more are refused; 0: no such bound"),
    ES_OPT_UINT(es_jobs_config_t, spool_floor, "spool-floor", NULL, "1024", 0, 1u << 30,
                "MiB of the disk that stay free; uploads that want more are refused"),
    ES_OPT_DURATION(es_jobs_config_t, part_keep_us, "part-keep", "10m", SECOND, 24 * HOUR,
                    "what came of an upload that nobody goes on with is deleted after it"),
    ES_OPT_DURATION(es_jobs_config_t, keep_age_us, "keep-age", "720h", 60 * SECOND, 87600 * HOUR,
                    "jobs that are over are deleted after it, with their recordings"),
    ES_OPT_UINT(es_jobs_config_t, keep_count, "keep-count", NULL, "100000", 1, 100000000,
                "jobs that are over of which the newest are kept"),
    ES_OPT_STR(es_jobs_config_t, webhook_key_file, "webhook-key-file", NULL, NULL, 512,
               "key that signs webhooks; default: webhook.key in --data, made where there is none"),
    ES_OPT_FLAG(es_jobs_config_t, webhook_private, "webhook-private",
                "let webhooks go to loopback, private and link-local addresses too"),
    ES_OPT_END};

const es_option_t *const es_jobs_option_tables[] = {es_common_options, options, NULL};

const es_config_about_t es_jobs_about = {
    .program = "earshot-jobs",
    .usage = "[OPTIONS]",
    .about =
        "Takes recordings, has them transcribed and analysed, and keeps what came of it. Several may share one store.",
    .epilog = "Exit codes: 0 after SIGTERM or SIGINT, 1 where it could not start, 2 for a wrong option."};

static void settle_path(char **field, const char *scheme, const char *data, const char *file)
{
    char text[PATH_BYTES];
    if (*field && **field) return;
    int n = snprintf(text, sizeof text, "%s%s/%s", scheme, data, file);
    free(*field);
    *field = es_alloc_copy(text, n > 0 && n < PATH_BYTES ? (size_t)n : 0);
}

static int settle_spool(es_jobs_config_t *config)
{
    settle_path(&config->spool, "", config->common.data, "spool");
    if ((mkdir(config->spool, 0700) != 0 && errno != EEXIST) || access(config->spool, R_OK | W_OK | X_OK) != 0) {
        fprintf(stderr, "earshot-jobs: --spool: \"%.200s\": %s\n", config->spool, strerror(errno));
        return -1;
    }
    char *real = realpath(config->spool, NULL);
    if (!real) return -1;
    free(config->spool);
    config->spool = es_alloc_copy(real, strlen(real));
    free(real);
    return 0;
}

es_config_result_t es_jobs_config_load(es_jobs_config_t *config, int argc, char **argv)
{
    int rest = argc;
    es_config_result_t result = es_config_load(config, es_jobs_option_tables, &es_jobs_about, argc, argv, &rest);
    if (result != ES_CONFIG_OK) return result;
    if (rest < argc) {
        fprintf(stderr, "earshot-jobs: unexpected argument \"%s\"; see --help\n", argv[rest]);
        return ES_CONFIG_ERROR;
    }
    if (es_common_config_settle(&config->common, "jobs-1") != 0 || settle_spool(config) != 0) return ES_CONFIG_ERROR;
    settle_path(&config->store, "sqlite:", config->common.data, "jobs.db");
    settle_path(&config->webhook_key_file, "", config->common.data, "webhook.key");
    return ES_CONFIG_OK;
}

void es_jobs_config_fini(es_jobs_config_t *config)
{
    es_config_fini(config, es_jobs_option_tables);
}
