/* A letter is sent again. Audio: as a stream of its own, whose words are printed. A message that a peer of this machine said to the frontend: there, as it came. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd.h"
#include "cmd_dead.h"
#include "curve.h"
#include "endpoints.h"
#include "house_brokers.h"
#include "log.h"
#include "wire.h"
#include "write_whole.h"

enum { ARGS = 16, SEND_MS = 3000, LINGER_MS = 2000 };

typedef struct {
    es_dead_common_t common;
    char *url, *token_file, *ca;
} config_t;

static const es_option_t options[] = {
    ES_OPT_STR(config_t, url, "url", NULL, NULL, 5000, "audio: address of the server, as for \"earshot stream\""),
    ES_OPT_STR(config_t, token_file, "token-file", NULL, NULL, 1024, "audio: token for it, as for \"earshot stream\""),
    ES_OPT_STR(config_t, ca, "ca", NULL, NULL, 1024, "audio: certificates to trust, as for \"earshot stream\""),
    ES_OPT_STR(config_t, common.common.broker, "broker", "BROKER_URL", NULL, 1024,
               "message: broker to send it to; default: that of the house in --data"),
    ES_OPT_END};
static const es_option_t *const tables[] = {options, es_dead_option_table, es_key_options, NULL};

static const es_config_about_t about = {
    .program = "earshot dead inject",
    .usage = "[OPTIONS] ID",
    .about =
        "Sends a letter again. Audio goes through the edge as a stream of its own, and its words are printed: "
        "nobody else is\n"
        "told them. A message goes to the broker's frontend as it came there from a peer of this machine. What a "
        "peer with a\n"
        "key said is not sent again: here nobody asks whether it may say it. The letter stays until \"earshot dead "
        "rm\".",
    .epilog = ES_DEAD_EXITS};

/* ---- audio */

static int stream(const config_t *config, const char *file)
{
    char *args[ARGS] = {"stream", "--fast", "--rate=16000"}, given[4][5100];
    const char *const flags[] = {"data", "url", "token-file", "ca"};
    const char *const values[] = {config->common.common.data, config->url, config->token_file, config->ca};
    int count = 3;
    for (int i = 0; i < 4; i++) {
        if (!values[i]) continue;
        snprintf(given[i], sizeof given[i], "--%s=%s", flags[i], values[i]);
        args[count++] = given[i];
    }
    if (config->common.json) args[count++] = "--json";
    args[count++] = (char *)(uintptr_t)file;
    return es_cmd_stream(count, args) == 0 ? ES_DEAD_OK : ES_DEAD_FAILED;
}

static int inject_audio(const config_t *config, const es_dead_letter_t *letter)
{
    char file[64];
    int fd = memfd_create("earshot-dead-letter", MFD_CLOEXEC);
    if (fd < 0 || es_write_whole(fd, letter->parts[0].ptr, letter->parts[0].len) != 0) {
        fprintf(stderr, "earshot dead inject: no memory for the audio: %s\n", strerror(errno));
        if (fd >= 0) close(fd);
        return ES_DEAD_FAILED;
    }
    snprintf(file, sizeof file, "/proc/self/fd/%d", fd);
    int status = stream(config, file);
    close(fd);
    return status;
}

/* ---- a message */

static int send_parts(void *socket, const es_dead_letter_t *letter)
{
    zmq_pollitem_t ready = {.socket = socket, .events = ZMQ_POLLOUT};
    if (zmq_poll(&ready, 1, SEND_MS) != 1) return -1;
    for (size_t i = 0; i < letter->count; i++)
        if (zmq_send(socket, letter->parts[i].ptr, letter->parts[i].len, i + 1 < letter->count ? ZMQ_SNDMORE : 0) < 0)
            return -1;
    return 0;
}

static int send_to(const char *base, const es_dead_letter_t *letter)
{
    const int linger = LINGER_MS;
    es_endpoints_t at[ES_BROKERS_MAX];
    char err[512];
    if (es_endpoints_parse_list(at, base, err, sizeof err) < 1) {
        fprintf(stderr, "earshot dead inject: %s\n", err);
        return ES_DEAD_USAGE;
    }
    void *socket = es_wire_socket(ZMQ_PUSH, 1);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    bool sent = es_curve_connect(socket, at[0].frontend) == 0 && send_parts(socket, letter) == 0;
    zmq_close(socket);
    if (sent)
        printf("sent to %s\n", at[0].frontend);
    else
        fprintf(stderr, "earshot dead inject: no broker takes it at %s within %d s\n", at[0].frontend, SEND_MS / 1000);
    return sent ? ES_DEAD_OK : ES_DEAD_FAILED;
}

static int inject_message(config_t *config, const es_dead_letter_t *letter)
{
    const char *stays = es_dead_letter_stays(letter);
    if (stays) {
        fprintf(stderr, "earshot dead inject: a message to %s from %s is not sent again: %s\n", letter->from,
                letter->peer[0] ? letter->peer : "a peer of this machine", stays);
        return ES_DEAD_FAILED;
    }
    if (es_house_brokers_settle(&config->common.common, "dead") != 0) return ES_DEAD_USAGE;
    int status = send_to(config->common.common.broker, letter);
    zsys_shutdown();
    return status;
}

/* ---- */

static int run(void *ctx, int count, char **args)
{
    config_t *config = ctx;
    es_dead_file_t file;
    char err[1400];
    if (count != 1) {
        fprintf(stderr, "earshot dead inject: %s; \"earshot dead list\" tells them\n",
                count ? "one ID at a time" : "ID is missing");
        return ES_DEAD_USAGE;
    }
    if (es_dead_box_read(&file, config->common.common.data, args[0], err, sizeof err) != 0) {
        fprintf(stderr, "earshot dead inject: %s\n", err);
        return ES_DEAD_FAILED;
    }
    es_log_init("dead", ES_LOG_ERROR, false);
    int status =
        file.letter.kind == ES_DEAD_AUDIO ? inject_audio(config, &file.letter) : inject_message(config, &file.letter);
    es_dead_file_fini(&file);
    return status;
}

int es_cmd_dead_inject(int argc, char **argv)
{
    config_t config;
    return es_dead_command(tables, &about, run, &config.common, argc, argv);
}
