/*
 *   CONNECTING --open: audio.start--> SENDING --end of input: audio.stop--> ENDING --audio.done--> CLOSING --> over
 *        |                               |                                    |
 *        `-- no connection: 3            `-- lost for too long: 4, no progress: 1 --'
 *
 * The source is read into the keep, at its own speed; the keep is sent to whatever connection there is.
 */
#include "stream_session.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "stream_session_state.h"
#include "wire.h"

enum {
    AHEAD_BYTES = 64 * 1024, /* waiting in our own queue, while the peer's socket is full */
    INPUT_LOOK_US = 10000,   /* how often to look whether a pipe has more */
    INTERRUPT_LOOK_US = 200000,
    CLOSE_US = 1000000, /* for the peer's Close, once all is confirmed */
    STALL_US = 2000000  /* late by so much, this process did not run and could not hear */
};

void es_stream_say(es_stream_run_t *run, const char *format, ...)
{
    va_list args;
    es_view_clear(run->view);
    va_start(args, format);
    fputs("earshot: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

void es_stream_end(es_stream_run_t *run, int status)
{
    run->phase = OVER;
    run->status = status;
}

void es_stream_send(es_stream_run_t *run, char *text)
{
    if (es_stream_link_send(run->link, false, text, strlen(text)) == -1)
        es_stream_link_fail(run->link, "it does not read what is sent");
    free(text);
}

double es_stream_committed_s(const es_stream_run_t *run)
{
    return (double)run->place.position / ES_STREAM_CLOCK;
}

static double audio_s(const es_stream_run_t *run, uint64_t chunks)
{
    return (double)(chunks * es_pcm_source_chunk(run->source)) / es_pcm_source_rate(run->source);
}

static uint64_t chunk_us(const es_stream_run_t *run, uint64_t chunks)
{
    return chunks * es_pcm_source_chunk(run->source) * 1000000u / es_pcm_source_rate(run->source);
}

/* ---- the recording */

static void tell_missing(es_stream_run_t *run)
{
    uint64_t missing = es_pcm_source_missing(run->source);
    if (missing)
        es_stream_say(run, "the file ends %.1f s before its head says; what there was is streamed",
                      (double)missing / es_pcm_source_rate(run->source));
}

static void end_recording(es_stream_run_t *run)
{
    run->phase = ENDING;
    run->progress_us = run->now_us;
    es_stream_keep_end(run->keep);
}

static void take_chunk(es_stream_run_t *run, const void *pcm, size_t bytes)
{
    /* A microphone may have been silent for long; the server owes an answer from now on. */
    if (!es_stream_outstanding(run)) run->progress_us = run->now_us;
    es_stream_keep_add(run->keep, pcm, bytes);
    run->read++;
}

static bool all_sent(const es_stream_run_t *run)
{
    es_kept_t frame;
    return run->up && !es_stream_keep_next(run->keep, &frame) && es_stream_link_queued(run->link) < AHEAD_BYTES;
}

static bool has_room(es_stream_run_t *run)
{
    if (es_stream_keep_room(run->keep, es_pcm_source_chunk(run->source) * 2)) return true;
    if (!run->full)
        es_stream_say(run,
                      "%zu bytes of audio wait for words that are final, more are not kept (--keep): the input is not "
                      "read until some are",
                      es_stream_keep_bytes(run->keep));
    run->full = true;
    return false;
}

static int send_frame(es_stream_run_t *run, const es_kept_t *frame)
{
    if (!frame->end) return es_stream_link_send(run->link, true, frame->bytes, frame->len);
    char *stop = es_message_stop(es_wall_us() / 1000);
    int rc = es_stream_link_send(run->link, false, stop, strlen(stop));
    free(stop);
    return rc;
}

static void send_kept(es_stream_run_t *run)
{
    es_kept_t frame;
    while (run->up && es_stream_link_queued(run->link) < AHEAD_BYTES && es_stream_keep_next(run->keep, &frame)) {
        if (send_frame(run, &frame) == -1) return; /* it is closing, and will be lost */
        es_stream_keep_sent(run->keep);
    }
}

/* Takes a chunk, or the end, if that is due: 0. Else when to try again. */
static uint64_t read_source(es_stream_run_t *run)
{
    const void *pcm;
    size_t bytes;
    uint64_t due_us = run->begun_us + chunk_us(run, run->read + 1); /* a microphone has a chunk once it was spoken */
    if (run->phase != SENDING || (run->options->fast && !all_sent(run))) return UINT64_MAX;
    if (!run->options->fast && due_us > run->now_us) return due_us;
    if (!has_room(run)) return UINT64_MAX;
    switch (es_pcm_source_read(run->source, &pcm, &bytes)) {
    case ES_PCM_NONE_YET:
        return run->now_us + INPUT_LOOK_US;
    case ES_PCM_CHUNK:
        take_chunk(run, pcm, bytes);
        return 0;
    case ES_PCM_END:
        tell_missing(run);
        end_recording(run);
        return 0;
    default:
        es_stream_say(run, "%s", es_pcm_source_error(run->source));
        es_stream_end(run, ES_STREAM_USAGE);
        return UINT64_MAX;
    }
}

/* Reads and sends what is due. Returns when to be called again. */
static uint64_t feed(es_stream_run_t *run)
{
    uint64_t wake;
    do {
        send_kept(run);
        wake = read_source(run);
    } while (wake == 0);
    return wake;
}

/* What a microphone has already said of the next chunk belongs to it. */
static void stop_recording(es_stream_run_t *run)
{
    const void *pcm;
    size_t bytes;
    es_pcm_source_stop(run->source);
    if (es_pcm_source_read(run->source, &pcm, &bytes) == ES_PCM_CHUNK) take_chunk(run, pcm, bytes);
    end_recording(run);
}

static void check_interrupts(es_stream_run_t *run, int interrupts)
{
    if (interrupts > 1 || (interrupts && run->phase == CONNECTING))
        es_stream_end(run, ES_STREAM_INTERRUPTED);
    else if (interrupts && !run->interrupted && (run->phase == SENDING || run->phase == ENDING)) {
        run->interrupted = true;
        es_stream_say(run, "stopped; waiting for the last words (once more: leave at once)");
        if (run->phase == SENDING) stop_recording(run);
    }
}

/* ---- time */

/* Is it to take frames that it has not taken? Then it may be too busy to read. */
static bool pushed_back(const es_stream_run_t *run)
{
    return es_stream_link_queued(run->link) > 0 || es_stream_keep_sent_seq(run->keep) > run->acked_here;
}

bool es_stream_outstanding(const es_stream_run_t *run)
{
    return run->phase == ENDING || run->full || !run->up || pushed_back(run);
}

/* A connection may be dead without a word. */
static uint64_t check_silence(es_stream_run_t *run)
{
    const es_stream_session_t *o = run->options;
    bool pushed = pushed_back(run);
    uint64_t borne = pushed && o->wait_us / 2 > o->silence_us ? o->wait_us / 2 : o->silence_us;
    uint64_t ask_us = run->heard_us + o->silence_us / 2, end_us = run->heard_us + borne;
    char why[80];
    if (!es_stream_link_is_open(run->link) || run->phase >= CLOSING) return UINT64_MAX;
    if (run->now_us >= end_us) {
        snprintf(why, sizeof why, "it has said nothing for %.1f s", (double)(run->now_us - run->heard_us) / 1e6);
        es_stream_link_fail(run->link, why);
        return run->now_us;
    }
    if (!pushed && run->now_us >= ask_us && run->asked_us <= run->heard_us) {
        run->asked_us = run->now_us;
        es_stream_send(run, es_message_ping(es_wall_us() / 1000));
    }
    return run->now_us < ask_us ? ask_us : end_us;
}

static void give_up(es_stream_run_t *run, double since_s)
{
    const char *address = es_stream_link_address(run->link);
    if (run->up) {
        es_stream_say(run, "%s has confirmed nothing for %.1f s with audio outstanding. Look at: earshot status",
                      address, since_s);
        es_stream_end(run, ES_STREAM_FAILED);
        return;
    }
    es_stream_say(
        run,
        "the connection to %s was lost (%s) before the end was confirmed, and there was none again for %.1f s. "
        "%.1f s of audio were taken; the words above are final, what came after the first %.1f s must be "
        "streamed again",
        address, es_stream_link_why(run->link), since_s, audio_s(run, run->acked), es_stream_committed_s(run));
    es_stream_end(run, ES_STREAM_LOST);
}

static void check_deadlines(es_stream_run_t *run)
{
    uint64_t since = run->now_us > run->progress_us ? run->now_us - run->progress_us : 0;
    if (run->phase == CONNECTING) return; /* the link keeps --connect-timeout */
    if (run->phase == CLOSING && run->now_us > run->heard_us + CLOSE_US)
        run->phase = OVER;
    else if (run->phase < CLOSING && since > run->options->wait_us && es_stream_outstanding(run))
        give_up(run, (double)since / 1e6);
}

static void begin_turn(es_stream_run_t *run)
{
    run->now_us = es_now_us();
    if (run->promised_us && run->now_us > run->promised_us + STALL_US) run->heard_us = run->progress_us = run->now_us;
}

static void progress(es_stream_run_t *run)
{
    uint64_t length = es_pcm_source_length(run->source), chunk = es_pcm_source_chunk(run->source);
    uint64_t total = length == UINT64_MAX ? 0 : (length + chunk - 1) / chunk;
    if (run->phase == SENDING || run->phase == ENDING)
        es_view_progress(run->view, run->acked, total, audio_s(run, run->acked),
                         (double)(run->now_us - run->begun_us) / 1e6);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void turn(es_stream_run_t *run, int interrupts)
{
    begin_turn(run);
    check_interrupts(run, interrupts);
    uint64_t wake = least(run->now_us + INTERRUPT_LOOK_US, feed(run));
    check_deadlines(run);
    wake = least(wake, check_silence(run));
    progress(run);
    if (run->phase == OVER) return;
    run->promised_us = wake;
    es_stream_link_turn(run->link, wake, run->now_us);
}

int es_stream_session_run(const es_stream_session_t *session, es_pcm_source_t *source, es_view_t *view,
                          const volatile sig_atomic_t *interrupts)
{
    es_stream_run_t run = {.options = session, .source = source, .view = view};
    run.link = es_stream_link_new(&session->addresses, session->connect_us, session->seed, &es_stream_hear, &run);
    run.keep = es_stream_keep_new(session->keep);
    while (run.phase != OVER) turn(&run, *interrupts);
    es_view_clear(view);
    es_stream_link_destroy(&run.link);
    es_stream_keep_destroy(&run.keep);
    es_stream_place_fini(&run.place);
    return run.status;
}
