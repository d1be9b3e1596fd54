/* What becomes of connections, and what the server says. */
#include <stdlib.h>
#include <string.h>

#include "stream_session_state.h"
#include "wire.h"

/* ---- connections */

static void start(es_stream_run_t *run)
{
    const es_stream_session_t *o = run->options;
    es_stream_send(run,
                   es_message_start(es_pcm_source_rate(run->source), o->language, o->partials, es_wall_us() / 1000));
    run->up = true;
}

static void begin_recording(es_stream_run_t *run)
{
    run->phase = SENDING;
    run->begun_us = run->progress_us = run->now_us;
}

static void on_open(void *ctx)
{
    es_stream_run_t *run = ctx;
    run->now_us = run->heard_us = es_now_us();
    if (run->phase >= CLOSING) return;
    if (run->phase == CONNECTING) begin_recording(run);
    es_stream_keep_rewind(run->keep);
    run->acked_here = es_stream_keep_committed(run->keep);
    run->up = run->resumed = false;
    char *resume = es_stream_place_resume(&run->place, es_wall_us() / 1000);
    if (resume)
        es_stream_send(run, resume);
    else
        start(run);
}

static void on_lost(void *ctx)
{
    es_stream_run_t *run = ctx;
    if (!es_stream_outstanding(run)) run->progress_us = run->now_us;
    run->up = false;
    if (run->phase == CLOSING)
        run->phase = OVER;
    else if (es_stream_keep_done(run->keep)) /* only the word that it is done did not come */
        es_stream_end(run, run->errors ? ES_STREAM_FAILED : ES_STREAM_OK);
    else if (run->phase != OVER)
        es_stream_say(run, "the connection to %s is lost: %s; connecting again", es_stream_link_address(run->link),
                      es_stream_link_why(run->link));
}

static void on_failed(void *ctx, size_t address, const char *why, bool listens)
{
    es_stream_run_t *run = ctx;
    const es_addresses_t *addresses = &run->options->addresses;
    if (run->phase != CONNECTING) return;
    bool more = ++run->failures < addresses->count;
    es_stream_say(run, "cannot connect to %s: %s%s", addresses->names[address], why,
                  more      ? "; trying the next address"
                  : listens ? ". Is the address right?"
                            : ". Is the system up? Start it with: earshot up");
    if (!more) es_stream_end(run, ES_STREAM_NO_CONNECTION);
}

/* ---- coming back */

static void not_resumed(es_stream_run_t *run, const char *why)
{
    es_stream_say(
        run,
        "%s did not take the stream over: %s. What was not final is streamed again as a new stream, from %.1f s "
        "on; a word there may come out differently",
        es_stream_link_address(run->link), *why ? why : "no reason given", es_stream_committed_s(run));
}

static void resume(es_stream_run_t *run, bool ok, const es_message_t *message)
{
    if (run->up) return;
    if (!ok) not_resumed(run, message->text);
    es_stream_place_resumed(&run->place, ok, message->token);
    run->resumed = ok;
    start(run);
}

static void on_resumed(es_stream_run_t *run, es_message_t *message)
{
    resume(run, message->ok, message);
}

static void on_started(es_stream_run_t *run, es_message_t *message)
{
    es_stream_place_started(&run->place, message->stream);
    if (run->resumed) es_stream_say(run, "connected again to %s; no audio is lost", es_stream_link_address(run->link));
}

static void on_welcome(es_stream_run_t *run, es_message_t *message)
{
    es_stream_place_welcome(&run->place, message->token);
}

/* ---- the stream */

static void on_ack(es_stream_run_t *run, es_message_t *message)
{
    run->heard_of_us = true;
    if (message->seq > run->acked_here) run->acked_here = message->seq;
    if (message->seq <= run->acked) return;
    run->acked = message->seq;
    run->progress_us = run->now_us;
}

static void on_words(es_stream_run_t *run, es_message_t *message)
{
    (void)message;
    run->heard_of_us = true;
    run->progress_us = run->now_us;
    es_stream_keep_commit(run->keep, run->place.committed);
    if (es_stream_keep_bytes(run->keep) <= run->options->keep / 2) run->full = false;
}

static void on_status(es_stream_run_t *run, es_message_t *message)
{
    run->progress_us = run->now_us;
    if (strcmp(message->code, "draining") == 0) es_stream_link_move(run->link);
}

/* Chunks were not taken, so that seq is not the same on both sides any more; or the stream cannot be begun here. All that is kept goes to another connection. */
static bool is_for_another(const es_stream_run_t *run, const es_message_t *message)
{
    static const char *const codes[] = {"overrun", "not_streaming"};
    if (!run->heard_of_us) return false;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(message->code, codes[i]) == 0) return true;
    return strcmp(message->ref, "audio.start") == 0;
}

static void on_error(es_stream_run_t *run, es_message_t *message)
{
    run->progress_us = run->now_us;
    if (strcmp(message->ref, "session.resume") == 0) {
        resume(run, false, message);
        return;
    }
    if (is_for_another(run, message)) {
        es_stream_link_fail(run->link, message->text);
        return;
    }
    run->errors++;
    es_stream_say(run, "the server reports: %s (%s)", message->text, *message->code ? message->code : "no code");
    if (!run->heard_of_us || es_message_refuses_token(message)) es_stream_end(run, ES_STREAM_FAILED);
}

static void on_done(es_stream_run_t *run, es_message_t *message)
{
    (void)message;
    run->status = run->errors ? ES_STREAM_FAILED : ES_STREAM_OK;
    if (run->phase == SENDING) {
        es_stream_say(run, "%s ended the stream before the end of the recording, after %.1f s",
                      es_stream_link_address(run->link), es_stream_committed_s(run));
        run->status = ES_STREAM_FAILED;
    }
    run->phase = CLOSING;
    es_stream_link_close(run->link);
}

static void on_invalid(es_stream_run_t *run, es_message_t *message)
{
    es_stream_say(run, "a message of the server is ignored: %s", message->text);
}

static void on_text(void *ctx, const char *text, size_t len)
{
    static void (*const hears[ES_MESSAGE_INVALID + 1])(es_stream_run_t *, es_message_t *) = {
        [ES_MESSAGE_WELCOME] = on_welcome, [ES_MESSAGE_RESUMED] = on_resumed,  [ES_MESSAGE_STARTED] = on_started,
        [ES_MESSAGE_ACK] = on_ack,         [ES_MESSAGE_TRANSCRIPT] = on_words, [ES_MESSAGE_COMMITTED] = on_words,
        [ES_MESSAGE_STATUS] = on_status,   [ES_MESSAGE_ERROR] = on_error,      [ES_MESSAGE_DONE] = on_done,
        [ES_MESSAGE_INVALID] = on_invalid};
    es_stream_run_t *run = ctx;
    es_message_t message;
    run->now_us = run->heard_us = es_now_us();
    if (run->phase >= CLOSING) return;
    es_message_parse(&message, text, len);
    if (es_stream_place_take(&run->place, &message)) {
        es_view_message(run->view, &message);
        if (hears[message.type]) hears[message.type](run, &message);
    }
    es_message_fini(&message);
}

const es_stream_link_ops_t es_stream_hear = {.open = on_open, .text = on_text, .lost = on_lost, .failed = on_failed};
