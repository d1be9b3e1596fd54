/* A sound through the house: as a client would, over /ws, to a transcriber and back. What was heard in it does not matter; that its end is confirmed does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "doctor_judge.h"
#include "message.h"
#include "wire.h"
#include "ws_client.h"
#include "ws_trouble.h"

enum { RATE = 16000, CHUNK = RATE / 10, CHUNKS = 12, SILENT_CHUNKS = 4, PERIOD = RATE / 200, LOUD = 6000 };

typedef struct {
    es_doctor_t *doctor;
    const char *address;
    const es_ws_url_t *url;
    es_ws_client_t *ws;
    uint64_t begun_us;
    unsigned finals;
    uint64_t place;  /* in a queue */
    bool over, done; /* done: the end is confirmed */
    bool told_clock, token_refused;
    char why[300];
} trial_t;

static void fail(trial_t *trial, const char *why)
{
    if (!trial->over) snprintf(trial->why, sizeof trial->why, "%s", why);
    trial->over = true;
}

/* ---- what is sent */

/* A tone that swells with each chunk, then silence, so that a segmenter finds an end. Little-endian samples. */
static void make_chunk(uint8_t out[2 * CHUNK], int number)
{
    for (int i = 0; i < CHUNK; i++) {
        int at = (number * CHUNK + i) % PERIOD, high = LOUD * (number % 4 + 1) / 4;
        int rising = at < PERIOD / 2 ? at : PERIOD - at;
        int sample = number < CHUNKS - SILENT_CHUNKS ? rising * 4 * high / PERIOD - high : 0;
        *out++ = (uint8_t)((unsigned)sample & 0xff);
        *out++ = (uint8_t)((unsigned)sample >> 8 & 0xff);
    }
}

static void send_text(trial_t *trial, char *text)
{
    if (es_ws_client_send(trial->ws, false, text, strlen(text)) != 0) fail(trial, "it takes nothing");
    free(text);
}

static void on_open(void *ctx)
{
    trial_t *trial = ctx;
    uint8_t chunk[2 * CHUNK];
    trial->begun_us = es_now_us();
    send_text(trial, es_message_start(RATE, NULL, false, es_wall_us() / 1000));
    for (int i = 0; i < CHUNKS && !trial->over; i++) {
        make_chunk(chunk, i);
        if (es_ws_client_send(trial->ws, true, chunk, sizeof chunk) != 0) fail(trial, "it takes no audio");
    }
    send_text(trial, es_message_stop(es_wall_us() / 1000));
}

/* ---- what comes back */

static void look_at_clock(trial_t *trial, const char *line)
{
    es_finding_t finding;
    json_t *message = json_loads(line, 0, NULL);
    json_int_t sent_ms = json_integer_value(json_object_get(message, "timestamp"));
    json_decref(message);
    if (trial->told_clock || sent_ms <= 0) return;
    trial->told_clock = true;
    es_judge_skew(&finding, trial->address, ((int64_t)(es_wall_us() / 1000) - sent_ms) * 1000);
    es_doctor_tell(trial->doctor, &finding);
}

static void on_text(void *ctx, const char *text, size_t len)
{
    trial_t *trial = ctx;
    es_message_t message;
    es_message_parse(&message, text, len);
    switch (message.type) {
    case ES_MESSAGE_WELCOME:
        look_at_clock(trial, message.line);
        break;
    case ES_MESSAGE_TRANSCRIPT:
        trial->finals += message.final && *message.text;
        break;
    case ES_MESSAGE_STATUS:
        trial->place = message.queue;
        break;
    case ES_MESSAGE_DONE:
        trial->over = trial->done = true;
        break;
    case ES_MESSAGE_ERROR:
        trial->token_refused = es_message_refuses_token(&message);
        fail(trial, message.text);
        break;
    default:
        break;
    }
    es_message_fini(&message);
}

static void on_failed(void *ctx, const char *why)
{
    trial_t *trial = ctx;
    char text[300];
    es_ws_trouble_failed(trial->url, why, text, sizeof text);
    fail(trial, text);
}

static void on_closed(void *ctx, unsigned code, const char *reason)
{
    trial_t *trial = ctx;
    char text[300];
    es_ws_trouble_closed(code, reason, text, sizeof text);
    fail(trial, text);
}

/* ---- one edge */

static void run(trial_t *trial)
{
    static const es_ws_client_ops_t ops = {.open = on_open, .text = on_text, .failed = on_failed, .closed = on_closed};
    const es_doctor_config_t *config = trial->doctor->config;
    uint64_t now = es_now_us(), until = now + config->wait_us;
    trial->ws = es_ws_client_new(trial->url, &config->trust, &ops, trial);
    for (; !trial->over && now < until; now = es_now_us()) es_ws_client_turn(trial->ws, until, now);
    es_ws_client_destroy(&trial->ws);
    if (trial->over) return;
    if (trial->place > 0)
        snprintf(trial->why, sizeof trial->why, "it waits for a place, as number %llu",
                 (unsigned long long)trial->place);
    else
        snprintf(trial->why, sizeof trial->why, "the end was not confirmed within %.1f s",
                 (double)config->wait_us / 1e6);
}

static void tell(const trial_t *trial)
{
    es_finding_t finding;
    if (trial->done) {
        es_judge_loop(&finding, trial->address, es_now_us() - trial->begun_us, CHUNKS * UINT64_C(100), trial->finals);
    } else {
        es_finding_set(&finding, ES_VERDICT_FAIL, "no sound comes through %.300s: %.300s", trial->address, trial->why);
        es_finding_mend(&finding, "%s",
                        trial->token_refused
                            ? "name a token that is good for that edge with --token-file; earshot token makes one"
                            : "look at what failed above, and at the log of the edge");
    }
    es_doctor_tell(trial->doctor, &finding);
}

void es_doctor_loop(es_doctor_t *self)
{
    const es_addresses_t *all = &self->config->addresses;
    es_finding_t finding;
    for (size_t i = 0; i < all->count; i++) {
        trial_t trial = {.doctor = self, .address = all->names[i], .url = &all->urls[i]};
        run(&trial);
        tell(&trial);
    }
    if (all->count > 0) return;
    es_finding_set(&finding, ES_VERDICT_SKIP, "there is no edge to send a sound to");
    es_doctor_tell(self, &finding);
}
