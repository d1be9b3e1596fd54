#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "analysis_actor.h"
#include "llm_wire.h"
#include "secret_file.h"

#define SECOND UINT64_C(1000000)
enum { CAPACITY = 4, KEY_MAX = 4096, KEY_FILE_MAX = 16384, URL_MAX = ES_LLM_URL_MAX - 32 };

static const es_option_t options[] = {
    ES_OPT_UINT(es_analysis_config_t, capacity, "capacity", NULL, "0", 0, 100000, "transcripts at once; 0: 4"),
    ES_OPT_UINT(es_analysis_config_t, max_document, "max-document", NULL, "33554432", 1024, 268435456,
                "bytes of a transcript with its words; a larger one is refused"),
    ES_OPT_DURATION(es_analysis_config_t, drain_timeout_us, "drain-timeout", "10s", 0, 600 * SECOND,
                    "after SIGTERM serve open streams for at most so long"),
    ES_OPT_SECRET(es_analysis_config_t, llm_url, "llm-url", URL_MAX,
                  "server that speaks OpenAI's chat completions, http://HOST:PORT/v1: adds a summary; default: none"),
    ES_OPT_STR(es_analysis_config_t, llm_model, "llm-model", NULL, "default", 200, "model that it is asked for"),
    ES_OPT_SECRET(
        es_analysis_config_t, llm_key, "llm-key", KEY_MAX,
        "key for it, sent as a bearer token; in the environment or --llm-key-file, for flags are seen by all"),
    ES_OPT_STR(es_analysis_config_t, llm_key_file, "llm-key-file", NULL, NULL, 1024,
               "file whose first line is the key"),
    ES_OPT_DURATION(es_analysis_config_t, llm_timeout_us, "llm-timeout", "60s", SECOND / 10, 3600 * SECOND,
                    "for an answer; a try that takes longer has failed"),
    ES_OPT_UINT(es_analysis_config_t, llm_tries, "llm-tries", NULL, "2", 1, 10,
                "how often it is asked where it fails; then the analysis comes without a summary"),
    ES_OPT_UINT(es_analysis_config_t, llm_max_chars, "llm-max-chars", NULL, "48000", 100, 10000000,
                "bytes of a transcript that it gets, the first ones; it is told where something is missing"),
    ES_OPT_END};

const es_option_t *const es_analysis_option_tables[] = {es_common_options, options, NULL};

const es_config_about_t es_analysis_about = {
    .program = "earshot-analysis",
    .usage = "[OPTIONS]",
    .about =
        "Tells what is in a finished transcript: pace, pauses, filler words, terms, speakers, and, with a language "
        "model, a summary.",
    .epilog = "Exit codes: 0 after SIGTERM or SIGINT, 1 where it could not start, 2 for a wrong option."};

static int complain(const char *option, const char *value, const char *what)
{
    fprintf(stderr, "earshot-analysis: %s: %.200s%s%s\n", option, value, *value ? ": " : "", what);
    return -1;
}

/* The first line of --llm-key-file. */
static int read_key(es_analysis_config_t *config)
{
    es_secret_file_t file;
    char err[1400];
    if (config->llm_key && *config->llm_key)
        return complain("--llm-key-file", "", "a key is given as well (EARSHOT_LLM_KEY): leave one of them out");
    if (es_secret_file_load(&file, config->llm_key_file, KEY_FILE_MAX, err, sizeof err) != 0)
        return complain("--llm-key-file", "", err);
    int rc = es_secret_file_kept(&file, "a key", err, sizeof err);
    size_t len = strcspn(file.bytes, "\r\n");
    if (rc == 0 && (len == 0 || len > KEY_MAX)) {
        snprintf(err, sizeof err, "%.1024s: its first line holds no key of at most %d bytes", config->llm_key_file,
                 KEY_MAX);
        rc = -1;
    }
    if (rc == 0) {
        free(config->llm_key);
        config->llm_key = es_alloc_copy(file.bytes, len);
    }
    es_secret_file_fini(&file);
    return rc == 0 ? 0 : complain("--llm-key-file", "", err);
}

/* A key with a line break in it would be a header of its own. */
static int settle_key(es_analysis_config_t *config)
{
    if (config->llm_key_file && *config->llm_key_file && read_key(config) == -1) return -1;
    for (const char *c = config->llm_key; c && *c; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7f)
            return complain("the key for the language model", "", "it has a space or a control character in it");
    return 0;
}

static int settle_address(es_analysis_config_t *config)
{
    char address[ES_LLM_URL_MAX], err[300];
    if (!config->llm_url || !*config->llm_url) return 0;
    if (es_llm_address(address, config->llm_url, err, sizeof err) == -1) return complain("--llm-url", "", err);
    config->llm_address = es_alloc_copy(address, strlen(address));
    return 0;
}

es_config_result_t es_analysis_config_load(es_analysis_config_t *config, int argc, char **argv)
{
    config->llm_address = NULL;
    es_config_result_t result = es_config_load(config, es_analysis_option_tables, &es_analysis_about, argc, argv, NULL);
    if (result != ES_CONFIG_OK) return result;
    if (config->capacity == 0) config->capacity = CAPACITY;
    if (settle_key(config) == -1 || settle_address(config) == -1) return ES_CONFIG_ERROR;
    return es_common_config_settle(&config->common, "analysis-1") == 0 ? ES_CONFIG_OK : ES_CONFIG_ERROR;
}

void es_analysis_config_fini(es_analysis_config_t *config)
{
    if (config->llm_key) explicit_bzero(config->llm_key, strlen(config->llm_key));
    free(config->llm_address);
    config->llm_address = NULL;
    es_config_fini(config, es_analysis_option_tables);
}
