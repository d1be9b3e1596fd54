#include "batch_options.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "house_url.h"
#include "job_wire.h"
#include "operator_token.h"
#include "wire.h"

const es_option_t es_batch_option_table[] = {
    ES_OPT_STR(
        es_batch_options_t, url, "url", NULL, NULL, 5000,
        "address of the server, http://HOST:PORT, or up to 16 with commas, to be tried in turn; default: those of the "
        "house in --data, or http://127.0.0.1:8000"),
    ES_TRUST_OPTIONS(es_batch_options_t),
    ES_OPT_STR_AS(es_batch_options_t, bearer.file, "token-file", "OPERATOR_TOKEN_FILE", 1024,
                  "file with a token; what goes across sessions wants one, by default, without --url, the operator's: "
                  "operator.token in --data"),
    ES_BEARER_TOKEN(es_batch_options_t),
    ES_OPT_FLAG(es_batch_options_t, json, "json", "print JSON as the server says it"),
    ES_OPT_DURATION(es_batch_options_t, connect_us, "connect-timeout", "10s", 100000, 600000000,
                    "to be connected within, each time"),
    ES_OPT_DURATION(es_batch_options_t, silence_us, "silence", "90s", 1000000, 600000000,
                    "give a server up that takes and says nothing for so long"),
    ES_OPT_DURATION(
        es_batch_options_t, patience_us, "patience", "60s", 0, 86400000000,
        "try again for so long where no server answers, or one asks for patience; each address is tried once in any "
        "case"),
    ES_OPT_STR(es_batch_options_t, common.data, "data", NULL, NULL, 512,
               "directory of a running `earshot up`, to find its address and token"),
    ES_OPT_STR(es_batch_options_t, common.env_file, "env-file", NULL, NULL, 512,
               "file of NAME=value settings; default .env where there is one"),
    ES_OPT_END};

static const es_option_t *const common_tables[] = {es_common_options, NULL};

int es_batch_options_settle(es_batch_options_t *options)
{
    char err[1300];
    options->elsewhere = options->url != NULL;
    if (!options->url) options->url = es_house_urls(&options->common, "jobs");
    if (!options->url) return -1;
    options->addresses.trust = &options->trust;
    options->trust.bearer = options->bearer.token;
    if (es_addresses_parse(&options->addresses, options->url, err, sizeof err)) {
        fprintf(stderr, "earshot jobs: --url: %s\n", err);
        return -1;
    }
    if (es_bearer_read(&options->bearer, err, sizeof err)) {
        fprintf(stderr, "earshot jobs: %s\n", err);
        return -1;
    }
    es_bearer_warn(&options->bearer, "earshot jobs", &options->addresses);
    return 0;
}

void es_batch_options_fini(es_batch_options_t *options, const es_option_t *const *tables)
{
    es_config_fini(options, tables);
    es_config_fini(&options->common, common_tables);
}

static int check_count(const es_batch_command_t *command, int count)
{
    if (count >= command->least && count <= command->most) return 0;
    if (count < command->least)
        fprintf(stderr, "%s: %s is missing. Try \"%s --help\".\n", command->about->program, command->what,
                command->about->program);
    else if (command->most == 0)
        fprintf(stderr, "%s: it takes options only. Try \"%s --help\".\n", command->about->program,
                command->about->program);
    else
        fprintf(stderr, "%s: at most %d of %s at a time\n", command->about->program, command->most, command->what);
    return -1;
}

int es_batch_command(const es_batch_command_t *command, es_batch_options_t *config, int argc, char **argv)
{
    int rest, status = ES_BATCH_USAGE;
    switch (es_config_load(config, command->tables, command->about, argc, argv, &rest)) {
    case ES_CONFIG_OK:
        if (check_count(command, argc - rest) == 0 && es_batch_options_settle(config) == 0)
            status = command->run(config, argc - rest, argv + rest);
        break;
    case ES_CONFIG_HELP:
        status = ES_BATCH_OK;
        break;
    default:
        break;
    }
    es_batch_options_fini(config, command->tables);
    return status;
}

int es_batch_token(es_batch_options_t *options, char *out, char *err, size_t err_len)
{
    char file[1100];
    if (*options->bearer.token) {
        memcpy(out, options->bearer.token, sizeof options->bearer.token);
        return 0;
    }
    if (options->elsewhere) {
        snprintf(err, err_len,
                 "--url (EARSHOT_URL) names %.600s, and the operator.token in --data goes to the house there alone",
                 options->url);
        return -1;
    }
    if (!options->common.data && es_common_config_settle(&options->common, "jobs") == -1) {
        snprintf(err, err_len, "the directory of the house cannot be used");
        return -1;
    }
    es_operator_token_file(file, sizeof file, options->common.data);
    return es_operator_token_read(out, file, err, err_len);
}

es_house_http_config_t es_batch_http(const es_batch_options_t *options, const char *token)
{
    return (es_house_http_config_t){.addresses = &options->addresses,
                                    .token = token                    ? token
                                             : *options->bearer.token ? options->bearer.token
                                                                      : NULL,
                                    .connect_us = options->connect_us,
                                    .patience_us = options->patience_us,
                                    .stall_us = options->silence_us,
                                    .seed = es_random_u64(),
                                    .interrupted = es_batch_interrupted};
}

static volatile sig_atomic_t interrupts;

static void on_signal(int signo)
{
    (void)signo;
    interrupts = 1;
}

void es_batch_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool es_batch_interrupted(void)
{
    return interrupts != 0;
}

bool es_batch_is_job(const char *text)
{
    return strlen(text) == ES_JOB_ID_LEN && strspn(text, "0123456789abcdef-") == ES_JOB_ID_LEN;
}
