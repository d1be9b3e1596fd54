#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bearer.h"
#include "chat.h"
#include "chat_text.h"
#include "cmd.h"
#include "config.h"
#include "house_url.h"
#include "terminal.h"
#include "wire.h"

typedef struct {
    es_common_config_t common; /* only data and env_file are asked for */
    char *url, *name;
    es_trust_t trust;
    es_bearer_t bearer;
    bool json, listen;
    uint64_t recent, pending, connect_us, silence_us, wait_us;
} config_t;

static const es_option_t options[] = {
    ES_OPT_STR(config_t, url, "url", NULL, NULL, 5000,
               "address of the server, ws://HOST:PORT/ws, or up to 16 with commas, to be tried in turn; default: "
               "those of the house in --data, or ws://127.0.0.1:8000/ws"),
    ES_TRUST_OPTIONS(config_t),
    ES_BEARER_OPTIONS(config_t),
    ES_OPT_STR(config_t, name, "name", NULL, NULL, ES_CHAT_ID_MAX, "name in the room; default: the user's"),
    ES_OPT_FLAG(config_t, json, "json", "lines in, one line of JSON out for each message, on a terminal too"),
    ES_OPT_FLAG(config_t, listen, "listen", "do not read input; Ctrl-C ends"),
    ES_OPT_UINT(config_t, recent, "recent", NULL, "50", 0, 50, "events before the entry to show at most"),
    ES_OPT_UINT(config_t, pending, "pending", NULL, "256", ES_CHAT_PIECES_MAX, 4096,
                "lines that may wait to be confirmed; beyond that no more input is read"),
    ES_OPT_DURATION(config_t, connect_us, "connect-timeout", "10s", 100000, 600000000,
                    "to be in the room within, at first; to be connected within, each time"),
    ES_OPT_DURATION(config_t, silence_us, "silence", "15s", 1000000, 600000000,
                    "connect again where the server says nothing for so long; it is asked at half of it"),
    ES_OPT_DURATION(config_t, wait_us, "wait", "60s", 1000000, 3600000000,
                    "at the end, give up where nothing is confirmed for so long though lines wait"),
    ES_OPT_STR(config_t, common.data, "data", NULL, NULL, 512,
               "directory of a running `earshot up`, to find its address"),
    ES_OPT_STR(config_t, common.env_file, "env-file", NULL, NULL, 512,
               "file of NAME=value settings; default .env where there is one"),
    ES_OPT_END};
static const es_option_t *const tables[] = {options, NULL};
static const es_option_t *const common_tables[] = {es_common_options, NULL};

static const es_config_about_t about = {
    .program = "earshot chat",
    .usage = "[OPTIONS] ROOM",
    .about =
        "Takes part in a room. On a terminal: what others say and speak appears above the line that you type, /help "
        "lists\n"
        "the commands, Ctrl-D leaves. In a pipe: each line of input is said, each message of the server is a line of "
        "JSON;\n"
        "the end of input waits until all is confirmed, and leaves. Lost connections are made again, and nothing is "
        "lost\n"
        "or said twice by that.",
    .epilog = "Exit codes:\n"
              "  0    left; everything that was said is confirmed\n"
              "  1    the server refused the room or a line, or the output could not be written\n"
              "  2    wrong options\n"
              "  3    could not enter the room\n"
              "  4    ended with lines that are not confirmed; stderr lists them\n"
              "  130  interrupted: before entering, or twice"};

static void default_name(config_t *config)
{
    const struct passwd *user = getpwuid(getuid());
    if (config->name) return;
    config->name = strdup(user && es_chat_text_is_id(user->pw_name) ? user->pw_name : "guest");
}

static es_chat_mode_t mode_of(const config_t *config)
{
    const char *term = getenv("TERM");
    if (config->json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) return ES_CHAT_JSON;
    return !config->listen && term && *term && strcmp(term, "dumb") != 0 ? ES_CHAT_TERMINAL : ES_CHAT_PLAIN;
}

static int complain(const char *what, const char *value)
{
    fprintf(stderr, "earshot chat: %s: \"%.200s\" must be 1 to %d bytes of UTF-8 without control characters\n", what,
            value, ES_CHAT_ID_MAX);
    return ES_CHAT_USAGE;
}

/* 0, or -1 with a message. */
static int take_addresses(config_t *config, es_chat_setup_t *setup)
{
    char err[600];
    if (es_addresses_parse(&setup->addresses, config->url, err, sizeof err) == -1) {
        fprintf(stderr, "earshot chat: --url: %s\n", err);
        return -1;
    }
    setup->addresses.trust = &config->trust;
    setup->session.addresses = setup->addresses.names;
    setup->session.address_count = setup->addresses.count;
    return 0;
}

/* 0, or -1 with a message. */
static int take_token(config_t *config, const es_chat_setup_t *setup)
{
    char err[1300];
    if (es_bearer_read(&config->bearer, err, sizeof err) == -1) {
        fprintf(stderr, "earshot chat: %s\n", err);
        return -1;
    }
    es_bearer_warn(&config->bearer, "earshot chat", &setup->addresses);
    config->trust.bearer = config->bearer.token;
    return 0;
}

static int chat(config_t *config, const char *room)
{
    es_chat_setup_t setup = {.mode = mode_of(config),
                             .listen = config->listen,
                             .session = {.room = room,
                                         .name = config->name,
                                         .connect_us = config->connect_us,
                                         .silence_us = config->silence_us,
                                         .wait_us = config->wait_us,
                                         .history = config->recent,
                                         .pending = config->pending,
                                         .seed = es_random_u64(),
                                         .wall_us = es_wall_us() - es_now_us()}};
    if (take_addresses(config, &setup) == -1 || take_token(config, &setup) == -1) return ES_CHAT_USAGE;
    return es_chat_run(&setup);
}

static int check_and_chat(config_t *config, int rest, int argc, char **argv)
{
    if (argc - rest != 1) {
        fprintf(stderr, "earshot chat: %s. Try \"earshot chat --help\".\n",
                rest == argc ? "ROOM is missing" : "one ROOM at a time");
        return ES_CHAT_USAGE;
    }
    default_name(config);
    if (!es_chat_text_is_id(argv[rest])) return complain("ROOM", argv[rest]);
    if (!es_chat_text_is_id(config->name)) return complain("--name", config->name);
    if (!config->url) config->url = es_house_urls(&config->common, "chat");
    return config->url ? chat(config, argv[rest]) : ES_CHAT_USAGE;
}

int es_cmd_chat(int argc, char **argv)
{
    config_t config = {.url = NULL};
    int rest, status;
    switch (es_config_load(&config, tables, &about, argc, argv, &rest)) {
    case ES_CONFIG_OK:
        status = check_and_chat(&config, rest, argc, argv);
        break;
    case ES_CONFIG_HELP:
        status = ES_CHAT_OK;
        break;
    default:
        status = ES_CHAT_USAGE;
    }
    es_config_fini(&config, tables);
    es_config_fini(&config.common, common_tables);
    return status;
}
