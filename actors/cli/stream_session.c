/*
 *   CONNECTING --open: audio.start--> SENDING --end of input: audio.stop--> ENDING --audio.done--> CLOSING --> over
 *        |                               |                                    |
 *        `-- no connection: 3            `---- lost: 4, error or silence: 1 --'
 */
#include "stream_session.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "wire.h"

typedef enum { CONNECTING, SENDING, ENDING, CLOSING, OVER } phase_t;

enum {
    AHEAD_BYTES = 64 * 1024, /* waiting in our own queue, while the peer's socket is full */
    INPUT_LOOK_US = 10000,   /* how often to look whether a pipe has more */
    INTERRUPT_LOOK_US = 200000,
    CLOSE_US = 1000000, /* for the peer's Close, once all is confirmed */
    DIAL_MS = 2000
};

typedef struct {
    const es_stream_session_t *options;
    es_pcm_source_t *source;
    es_view_t *view;
    es_ws_client_t *ws;
    phase_t phase;
    int status;
    uint64_t now_us, begun_us, heard_us, due_us;
    uint64_t sent, acked; /* chunks */
    uint64_t errors;
    bool heard_of_us; /* the server took audio of this stream */
    bool interrupted; /* and the user was told what a second time does */
} run_t;

__attribute__((format(printf, 2, 3))) static void say(run_t *run, const char *format, ...)
{
    va_list args;
    es_view_clear(run->view);
    va_start(args, format);
    fputs("earshot: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static void end(run_t *run, int status)
{
    run->phase = OVER;
    run->status = status;
}

static double audio_s(const run_t *run, uint64_t chunks)
{
    return (double)(chunks * es_pcm_source_chunk(run->source)) / es_pcm_source_rate(run->source);
}

static uint64_t chunk_us(const run_t *run, uint64_t chunks)
{
    return chunks * es_pcm_source_chunk(run->source) * 1000000u / es_pcm_source_rate(run->source);
}

static void send_text(run_t *run, char *text)
{
    if (es_ws_client_send(run->ws, false, text, strlen(text)) == -1) say(run, "cannot send: the connection is closing");
    free(text);
}

static void on_open(void *ctx)
{
    run_t *run = ctx;
    run->phase = SENDING;
    run->begun_us = run->heard_us = es_now_us();
    run->due_us = run->begun_us + chunk_us(run, 1); /* a microphone has a chunk once it was spoken */
    send_text(run, es_message_start(es_pcm_source_rate(run->source), run->options->language, run->options->partials,
                                    es_wall_us() / 1000));
}

static void on_failed(void *ctx, const char *why)
{
    run_t *run = ctx;
    const es_stream_session_t *o = run->options;
    char reason[160];
    if (es_net_try(o->url.host, o->url.port, DIAL_MS, reason, sizeof reason) == -1)
        say(run, "cannot connect to %s: %s. Is the system up? Start it with: earshot up", o->address, reason);
    else
        say(run,
            "cannot connect to %s: something listens there but refuses a WebSocket (%s). Is the address right? It "
            "should "
            "end in /ws",
            o->address, why);
    end(run, ES_STREAM_NO_CONNECTION);
}

static void on_closed(void *ctx, unsigned code, const char *reason)
{
    run_t *run = ctx;
    if (run->phase == CLOSING || run->phase == OVER) {
        run->phase = OVER;
        return;
    }
    char why[200] = "without a word";
    if (code) snprintf(why, sizeof why, "with code %u%s%.120s", code, *reason ? ": " : "", reason);
    say(run,
        "%s closed the connection %s, before it confirmed the end. %.1f s of audio were sent; the words above are "
        "final, "
        "what came after them must be streamed again",
        run->options->address, why, audio_s(run, run->sent));
    end(run, ES_STREAM_LOST);
}

static void on_error(run_t *run, const es_message_t *message)
{
    run->errors++;
    say(run, "the server reports: %s (%s)", message->text, *message->code ? message->code : "no code");
    if (!run->heard_of_us) end(run, ES_STREAM_FAILED);
}

static void on_done(run_t *run)
{
    if (run->phase != ENDING) return;
    run->phase = CLOSING;
    run->status = run->errors ? ES_STREAM_FAILED : ES_STREAM_OK;
    es_ws_client_close(run->ws);
}

static void on_text(void *ctx, const char *text, size_t len)
{
    run_t *run = ctx;
    es_message_t message;
    run->heard_us = es_now_us();
    es_message_parse(&message, text, len);
    es_view_message(run->view, &message);
    switch (message.type) {
    case ES_MESSAGE_ACK:
        run->heard_of_us = true;
        run->acked = message.seq;
        break;
    case ES_MESSAGE_TRANSCRIPT:
        run->heard_of_us = true;
        break;
    case ES_MESSAGE_ERROR:
        on_error(run, &message);
        break;
    case ES_MESSAGE_DONE:
        on_done(run);
        break;
    case ES_MESSAGE_INVALID:
        say(run, "a message of the server is ignored: %s", message.text);
        break;
    default:
        break;
    }
    es_message_fini(&message);
}

static void tell_missing(run_t *run)
{
    uint64_t missing = es_pcm_source_missing(run->source);
    if (missing)
        say(run, "the file ends %.1f s before its head says; what there was is streamed",
            (double)missing / es_pcm_source_rate(run->source));
}

static void stop_sending(run_t *run)
{
    run->phase = ENDING;
    run->heard_us = es_now_us();
    send_text(run, es_message_stop(es_wall_us() / 1000));
}

static void send_chunk(run_t *run, const void *pcm, size_t bytes)
{
    /* A microphone may have been silent for long; the server owes an answer from now on. */
    if (es_ws_client_queued(run->ws) == 0) run->heard_us = run->now_us;
    if (es_ws_client_send(run->ws, true, pcm, bytes) == -1) return; /* on_closed follows and tells */
    run->sent++;
    run->due_us = run->begun_us + chunk_us(run, run->sent + 1);
}

/* Sends what is due. Returns when to be called again. */
static uint64_t feed(run_t *run)
{
    const void *pcm;
    size_t bytes;
    while (run->phase == SENDING && es_ws_client_queued(run->ws) < AHEAD_BYTES) {
        if (!run->options->fast && run->due_us > run->now_us) return run->due_us;
        switch (es_pcm_source_read(run->source, &pcm, &bytes)) {
        case ES_PCM_NONE_YET:
            return run->now_us + INPUT_LOOK_US;
        case ES_PCM_CHUNK:
            send_chunk(run, pcm, bytes);
            break;
        case ES_PCM_END:
            tell_missing(run);
            stop_sending(run);
            break;
        case ES_PCM_ERROR:
            say(run, "%s", es_pcm_source_error(run->source));
            end(run, ES_STREAM_USAGE);
        }
    }
    return UINT64_MAX;
}

static void check_deadlines(run_t *run)
{
    const es_stream_session_t *o = run->options;
    uint64_t since = run->now_us > run->heard_us ? run->now_us - run->heard_us : 0;
    bool outstanding = run->phase == ENDING || (run->phase == SENDING && es_ws_client_queued(run->ws) > 0);
    if (run->phase == CONNECTING && since > o->connect_us) {
        say(run, "cannot connect to %s: no answer within %.1f s. Is the system up? Start it with: earshot up",
            o->address, (double)o->connect_us / 1e6);
        end(run, ES_STREAM_NO_CONNECTION);
    } else if (outstanding && since > o->wait_us) {
        say(run, "%s has said nothing for %.1f s with audio outstanding. Look at: earshot status", o->address,
            (double)since / 1e6);
        end(run, ES_STREAM_FAILED);
    } else if (run->phase == CLOSING && since > CLOSE_US)
        run->phase = OVER;
}

/* What a microphone has already said of the next chunk belongs to it. */
static void stop_recording(run_t *run)
{
    const void *pcm;
    size_t bytes;
    es_pcm_source_stop(run->source);
    if (es_pcm_source_read(run->source, &pcm, &bytes) == ES_PCM_CHUNK) send_chunk(run, pcm, bytes);
    stop_sending(run);
}

static void check_interrupts(run_t *run, int interrupts)
{
    if (interrupts > 1 || (interrupts && run->phase == CONNECTING))
        end(run, ES_STREAM_INTERRUPTED);
    else if (interrupts && !run->interrupted && (run->phase == SENDING || run->phase == ENDING)) {
        run->interrupted = true;
        say(run, "stopped; waiting for the last words (once more: leave at once)");
        if (run->phase == SENDING) stop_recording(run);
    }
}

static void progress(run_t *run)
{
    uint64_t length = es_pcm_source_length(run->source), chunk = es_pcm_source_chunk(run->source);
    uint64_t total = length == UINT64_MAX ? 0 : (length + chunk - 1) / chunk;
    if (run->phase == SENDING || run->phase == ENDING)
        es_view_progress(run->view, run->acked, total, audio_s(run, run->acked),
                         (double)(run->now_us - run->begun_us) / 1e6);
}

int es_stream_session_run(const es_stream_session_t *session, es_pcm_source_t *source, es_view_t *view,
                          const volatile sig_atomic_t *interrupts)
{
    static const es_ws_client_ops_t ops = {.open = on_open, .text = on_text, .failed = on_failed, .closed = on_closed};
    run_t run = {.options = session, .source = source, .view = view, .heard_us = es_now_us()};
    run.ws = es_ws_client_new(&session->url, &ops, &run);
    while (run.phase != OVER) {
        run.now_us = es_now_us();
        check_interrupts(&run, *interrupts);
        uint64_t wake = feed(&run);
        check_deadlines(&run);
        progress(&run);
        if (run.phase == OVER) break;
        uint64_t look = run.now_us + INTERRUPT_LOOK_US;
        es_ws_client_turn(run.ws, wake < look ? wake : look, run.now_us);
    }
    es_view_clear(view);
    es_ws_client_destroy(&run.ws);
    return run.status;
}
