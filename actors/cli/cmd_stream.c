#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "bearer.h"
#include "cmd.h"
#include "config.h"
#include "house_url.h"
#include "stream_session.h"
#include "terminal.h"
#include "wav.h"
#include "wire.h"

typedef struct {
    es_common_config_t common; /* only data and env_file are asked for */
    char *url, *language, *save;
    bool json, fast;
    es_trust_t trust;
    es_bearer_t bearer;
    uint64_t rate, chunk_ms, connect_us, silence_us, wait_us, keep;
} config_t;

static const es_option_t options[] = {
    ES_OPT_STR(
        config_t, url, "url", NULL, NULL, 5000,
        "address of the server, ws://HOST:PORT/ws, or up to 16 with commas, to be tried in turn; default: those of "
        "the house in --data, or ws://127.0.0.1:8000/ws"),
    ES_TRUST_OPTIONS(config_t),
    ES_BEARER_OPTIONS(config_t),
    ES_OPT_FLAG(config_t, json, "json", "print each message of the server as a line of JSON"),
    ES_OPT_STR(config_t, save, "save", NULL, NULL, 1024, "also write the finals into this file, one a line"),
    ES_OPT_FLAG(config_t, fast, "fast", "as fast as the server takes it, not in real time"),
    ES_OPT_UINT(config_t, rate, "rate", NULL, "0", 0, 48000,
                "FILE holds raw signed 16-bit little-endian mono samples, so many a second; 0: FILE is a WAV"),
    ES_OPT_UINT(config_t, chunk_ms, "chunk-ms", NULL, "100", 5, 1000, "audio in one message, in milliseconds"),
    ES_OPT_STR(config_t, language, "language", NULL, NULL, 32, "language spoken, as the engine names it"),
    ES_OPT_DURATION(config_t, connect_us, "connect-timeout", "10s", 100000, 600000000,
                    "to be connected within, each time"),
    ES_OPT_DURATION(config_t, silence_us, "silence", "15s", 1000000, 600000000,
                    "connect again where the server says nothing for so long; it is asked at half of it, and one that "
                    "takes no audio has half of --wait"),
    ES_OPT_DURATION(config_t, wait_us, "wait", "60s", 1000000, 3600000000,
                    "give up where nothing is confirmed for so long though something is outstanding, or where a lost "
                    "connection cannot be made again"),
    ES_OPT_UINT(config_t, keep, "keep", NULL, "16777216", 65536, 4294967296,
                "bytes of audio that are kept until their words are final; beyond that the input is not read"),
    ES_OPT_STR(config_t, common.data, "data", NULL, NULL, 512,
               "directory of a running `earshot up`, to find its address"),
    ES_OPT_STR(config_t, common.env_file, "env-file", NULL, NULL, 512,
               "file of NAME=value settings; default .env where there is one"),
    ES_OPT_END};
static const es_option_t *const tables[] = {options, NULL};
static const es_option_t *const common_tables[] = {es_common_options, NULL};

static const es_config_about_t about = {
    .program = "earshot stream",
    .usage = "[OPTIONS] FILE|-",
    .about = "Streams a WAV (16-bit PCM, any number of channels, " ES_RATES_TEXT " Hz) or raw samples, from a file or\n"
             "standard input, and prints the words. On a terminal partial words change in place; into a pipe go finals "
             "only.\n"
             "Lost connections are made again, and no audio is lost and no words come twice by that. Ctrl-C ends the\n"
             "recording and waits for its last words; a second one leaves at once.",
    .epilog = "Exit codes:\n"
              "  0    the server confirmed the end of the stream: every word is there\n"
              "  1    the server reported an error, or confirmed nothing for too long; or the words could not be "
              "written\n"
              "  2    wrong options, or FILE cannot be streamed\n"
              "  3    cannot connect\n"
              "  4    the connection was lost before the end was confirmed, and could not be made again\n"
              "  130  interrupted"};

/* timeout(1) and others send one wish to the process and to its group: it arrives twice. */
#define SAME_WISH_MS 500

static volatile sig_atomic_t interrupts;

static void on_signal(int signo)
{
    static int64_t last_ms;
    struct timespec now;
    (void)signo;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (interrupts && now_ms - last_ms < SAME_WISH_MS) return;
    last_ms = now_ms;
    interrupts = interrupts + 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static es_view_t make_view(const config_t *config)
{
    es_view_t view;
    bool out = isatty(STDOUT_FILENO), err = isatty(STDERR_FILENO);
    es_view_mode_t mode = config->json ? ES_VIEW_JSON : out ? ES_VIEW_TERMINAL : ES_VIEW_PIPE;
    bool bar = config->fast && err && !(config->json && out);
    es_view_init(&view, stdout, bar ? stderr : NULL, mode, es_terminal_width(STDOUT_FILENO),
                 es_terminal_colour(STDOUT_FILENO));
    return view;
}

static int stream_to(config_t *config, const char *path, es_view_t *view)
{
    char err[1300];
    es_stream_session_t session = {.language = config->language,
                                   .fast = config->fast,
                                   .partials = config->json || (view->mode == ES_VIEW_TERMINAL && !view->bar),
                                   .connect_us = config->connect_us,
                                   .silence_us = config->silence_us,
                                   .wait_us = config->wait_us,
                                   .keep = config->keep,
                                   .seed = es_random_u64()};
    if (es_addresses_parse(&session.addresses, config->url, err, sizeof err) == -1) {
        fprintf(stderr, "earshot: --url: %s\n", err);
        return ES_STREAM_USAGE;
    }
    if (es_bearer_read(&config->bearer, err, sizeof err) == -1) {
        fprintf(stderr, "earshot stream: %s\n", err);
        return ES_STREAM_USAGE;
    }
    es_bearer_warn(&config->bearer, "earshot stream", &session.addresses);
    config->trust.bearer = config->bearer.token;
    session.addresses.trust = &config->trust;
    es_pcm_source_t *source =
        es_pcm_source_open(path, (uint32_t)config->rate, (uint32_t)config->chunk_ms, err, sizeof err);
    if (!source) {
        fprintf(stderr, "earshot: %s\n", err);
        return ES_STREAM_USAGE;
    }
    catch_signals();
    int status = es_stream_session_run(&session, source, view, &interrupts);
    es_pcm_source_close(&source);
    return status;
}

/* Words that nobody can read are lost words. 0, or -1 with a message. */
static int check_output(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return 0;
    fprintf(stderr, "earshot: cannot write the words to standard output: %s\n",
            errno ? strerror(errno) : "an earlier write failed");
    return -1;
}

static int stream(config_t *config, const char *path)
{
    es_view_t view = make_view(config);
    if (config->save && !(view.save = fopen(config->save, "we"))) {
        fprintf(stderr, "earshot: cannot write %s: %s\n", config->save, strerror(errno));
        return ES_STREAM_USAGE;
    }
    int status = stream_to(config, path, &view);
    if (view.save && fclose(view.save) == EOF) {
        fprintf(stderr, "earshot: cannot write %s: %s\n", config->save, strerror(errno));
        return status ? status : ES_STREAM_FAILED;
    }
    if (check_output() == -1 && status == ES_STREAM_OK) status = ES_STREAM_FAILED;
    return status;
}

static int check_and_stream(config_t *config, int rest, int argc, char **argv)
{
    if (argc - rest != 1) {
        fprintf(stderr, "earshot stream: %s. Try \"earshot stream --help\".\n",
                rest == argc ? "FILE is missing (- is standard input)" : "one FILE at a time");
        return ES_STREAM_USAGE;
    }
    if (config->rate && !es_rate_known(config->rate)) {
        fprintf(stderr, "earshot stream: --rate: %llu is not understood; allowed: " ES_RATES_TEXT "\n",
                (unsigned long long)config->rate);
        return ES_STREAM_USAGE;
    }
    if (!config->url) config->url = es_house_urls(&config->common, "stream");
    return config->url ? stream(config, argv[rest]) : ES_STREAM_USAGE;
}

int es_cmd_stream(int argc, char **argv)
{
    config_t config = {.url = NULL};
    int rest, status;
    switch (es_config_load(&config, tables, &about, argc, argv, &rest)) {
    case ES_CONFIG_OK:
        status = check_and_stream(&config, rest, argc, argv);
        break;
    case ES_CONFIG_HELP:
        status = 0;
        break;
    default:
        status = ES_STREAM_USAGE;
    }
    es_config_fini(&config, tables);
    es_config_fini(&config.common, common_tables);
    return status;
}
