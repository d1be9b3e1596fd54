#include "envelope_ws.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "edge_metrics.h"
#include "envelope_out.h"
#include "jobs/job_ws.h"
#include "rooms/held_words.h"
#include "rooms/room_ws.h"

struct es_mark {
    es_mark_t *next;
    uint64_t seq;
    char id[]; /* NUL-terminated */
};

enum { SAMPLES_PER_MS = ES_RATE / 1000, WORDS_SHOWN = 512 };

/* ---- saying */

static void field_id(es_client_t *self)
{
    es_json_raw(&self->out, "\"client_id\":");
    es_json_plain(&self->out, self->id, ES_CLIENT_ID_LEN);
}

static void session_fields(es_client_t *self)
{
    char token[ES_SESSION_TOKEN_MAX + 1];
    es_session_issue(&self->env->session_key, es_client_principal(self), self->session, self->env->wall_ms, token);
    es_json_raw(&self->out, ",\"session\":");
    es_json_plain(&self->out, self->session, ES_SESSION_LEN);
    es_json_raw(&self->out, ",\"token\":");
    es_json_plain(&self->out, token, strlen(token));
}

static void open_envelope(es_client_t *self, const char *query)
{
    (void)query;
    self->envelope.marks_end = &self->envelope.marks;
    self->env->random_hex(self->env->ctx, self->session, ES_SESSION_LEN);
    size_t place = es_envelope_begin(self, "welcome");
    field_id(self);
    session_fields(self);
    es_json_raw(&self->out, ",\"limits\":{\"sample_rates\":[8000,16000,24000,44100,48000]");
    es_envelope_uint(self, "max_chunk", self->env->limits.max_chunk);
    es_envelope_uint(self, "max_message", self->env->limits.max_message);
    es_envelope_uint(self, "max_text", self->env->limits.max_text);
    es_envelope_uint(self, "max_fragments", self->env->limits.max_fragments);
    es_envelope_uint(self, "max_marks", ES_MARKS_MAX);
    es_envelope_uint(self, "max_rooms", self->env->limits.max_rooms);
    es_envelope_uint(self, "max_pending", ES_ROOM_PENDING_MAX);
    es_envelope_uint(self, "message_rate", self->env->limits.pace.messages);
    es_envelope_uint(self, "byte_rate", self->env->limits.pace.bytes);
    es_envelope_uint(self, "say_rate", self->env->limits.say_rate);
    es_envelope_uint(self, "say_burst", self->env->limits.say_burst);
    es_envelope_uint(self, "join_rate", self->env->limits.join_rate);
    es_envelope_uint(self, "join_burst", self->env->limits.join_burst);
    es_json_raw(&self->out, "}");
    es_envelope_end(self, place);
}

/* ---- marks */

static void forget_marks(es_client_t *self)
{
    for (es_mark_t *mark = self->envelope.marks, *next; mark; mark = next) {
        next = mark->next;
        free(mark);
    }
    self->envelope.marks = NULL;
    self->envelope.marks_end = &self->envelope.marks;
    self->envelope.marks_count = 0;
}

static void mark(es_client_t *self, const char *id)
{
    if (self->envelope.marks_count >= ES_MARKS_MAX) {
        es_envelope_refuse_with(self, "too_many_marks", "audio.mark",
                                "Too many marks are under way; wait for audio.marked.");
        return;
    }
    size_t len = strlen(id) + 1;
    es_mark_t *new = es_alloc(sizeof *new + len);
    new->next = NULL;
    memcpy(new->id, id, len);
    /* In the list before the push: a sender may answer at once. */
    *self->envelope.marks_end = new;
    self->envelope.marks_end = &new->next;
    self->envelope.marks_count++;
    new->seq = UINT64_MAX;
    new->seq = es_client_stream_mark(self);
}

static void marked(es_client_t *self, uint64_t seq)
{
    es_mark_t *first;
    es_held_begin(self, NULL, 0);
    while ((first = self->envelope.marks) && first->seq <= seq) {
        size_t place = es_envelope_begin(self, "audio.marked");
        es_json_raw(&self->out, "\"id\":");
        es_json_string(&self->out, es_span(first->id));
        es_envelope_end(self, place);
        self->envelope.marks = first->next;
        if (!first->next) self->envelope.marks_end = &self->envelope.marks;
        self->envelope.marks_count--;
        free(first);
    }
    es_held_end(self);
}

/* ---- hearing */

static void chunk(es_client_t *self, const void *data, size_t len)
{
    self->envelope.spoken = true;
    if (!self->sender || self->stopping) {
        es_envelope_refuse_with(self, "not_streaming", "", "No stream is open for this chunk; send audio.start first.");
        return;
    }
    uint64_t seq = es_client_stream_push(self, data, len);
    if (!seq) return;
    size_t place = es_envelope_begin(self, "ack");
    field_id(self);
    es_envelope_uint(self, "seq", seq);
    es_envelope_uint(self, "chunk_size", len);
    es_envelope_end(self, place);
}

static void name_stream(es_client_t *self, const es_resume_t *resume)
{
    char fresh[ES_SESSION_MAX + 1];
    snprintf(fresh, sizeof fresh, "%s-%" PRIu64, self->id, self->envelope.streams);
    const char *name = resume ? resume->stream : fresh;
    free(self->envelope.stream);
    self->envelope.stream = es_alloc_copy(name, strlen(name));
}

/* A new stream, or the one that session.resume spoke of. */
static void begin_stream(es_client_t *self, const es_client_says_t *says)
{
    es_client_start_t start = {.rate = says->sample_rate, .language = says->language, .partials = says->partials};
    es_resume_t *resume = self->envelope.resume;
    self->envelope.resumable = says->resumable;
    if (says->traced) es_stream_trace_join(&self->trace, &says->trace);
    self->envelope.streams++;
    if (resume) {
        start.committed = resume->committed;
        start.pos = resume->pos;
        start.checkpoint = es_span_of(resume->checkpoint, resume->checkpoint_len);
    }
    name_stream(self, resume);
    es_client_stream_begin(self, &start);
    free(resume);
    self->envelope.resume = NULL;
    if (!says->resumable) return;
    size_t place = es_envelope_begin(self, "audio.started");
    es_json_raw(&self->out, "\"stream\":");
    es_json_string(&self->out, es_span(self->envelope.stream));
    es_envelope_uint(self, "next_seq", start.committed + 1);
    es_envelope_end(self, place);
}

static void start(es_client_t *self, const es_client_says_t *says)
{
    if (self->sender || es_held_any(self)) /* audio.done is not said yet */
        es_envelope_refuse_with(self, "already_streaming", "audio.start",
                                "A stream is open already; send audio.stop and wait for audio.done.");
    else if (es_client_allowed(self, ES_RIGHT_STREAM, es_span(NULL), "audio.start") &&
             es_room_ws_speak(self, says->room) == 0)
        begin_stream(self, says);
}

static void stop(es_client_t *self, const es_client_says_t *says)
{
    (void)says;
    if (!self->sender || self->stopping)
        es_envelope_refuse_with(self, "not_streaming", "audio.stop", "No stream is open that could be stopped.");
    else
        es_client_stream_end(self);
}

static void mark_said(es_client_t *self, const es_client_says_t *says)
{
    if (!self->sender || self->stopping)
        es_envelope_refuse_with(self, "not_streaming", "audio.mark",
                                "No stream is open that could be marked; send audio.start first.");
    else
        mark(self, says->id);
}

static void ping(es_client_t *self, const es_client_says_t *says)
{
    (void)says;
    es_envelope_end(self, es_envelope_begin(self, "pong"));
}

static void remember_stream(es_client_t *self, const es_client_says_t *says)
{
    es_resume_t *resume = self->envelope.resume = es_alloc_zero(sizeof *resume);
    resume->committed = says->committed;
    resume->pos = says->position;
    memcpy(resume->stream, says->stream, sizeof resume->stream);
    resume->checkpoint_len = says->checkpoint_len;
    memcpy(resume->checkpoint, says->checkpoint, says->checkpoint_len);
    es_envelope_uint(self, "next_seq", resume->committed + 1);
}

/* This connection goes on as the session that the token names. */
static void resume(es_client_t *self, const es_client_says_t *says)
{
    if (self->envelope.spoken) {
        es_envelope_refuse_with(self, "not_first", "session.resume",
                                "session.resume must be the first message of a connection; connect again.");
        return;
    }
    const char *wrong = es_session_verify(&self->env->session_key, es_client_principal(self), says->token,
                                          self->env->wall_ms, self->env->limits.session_ms, self->session);
    size_t place = es_envelope_begin(self, "session.resumed");
    if (wrong) {
        es_metric_add(&es_edge_sessions_refused, 1);
        es_json_raw(&self->out, "\"ok\":false,\"reason\":");
        es_json_string(&self->out, es_span(wrong));
    } else {
        es_json_raw(&self->out, "\"ok\":true");
        session_fields(self);
        if (says->has_committed) remember_stream(self, says);
    }
    es_envelope_end(self, place);
}

static void strange(es_client_t *self)
{
    size_t place = es_envelope_begin(self, "session.wanted");
    es_json_raw(&self->out, "\"within_ms\":");
    es_json_uint(&self->out, self->env->limits.auth_us / 1000);
    es_envelope_end(self, place);
}

static void known(es_client_t *self)
{
    size_t place = es_envelope_begin(self, "session.authenticated");
    field_id(self);
    es_client_say_principal(self);
    if (*self->session) session_fields(self); /* the token is this principal's */
    es_envelope_end(self, place);
}

static void rights(es_client_t *self, unsigned lost)
{
    if (self->sender && lost & ES_RIGHT_STREAM) es_client_stream_end(self);
    if (lost & (ES_RIGHT_JOBS | ES_RIGHT_DASHBOARD)) es_job_ws_fini(self);
    es_room_ws_rights(self);
}

static void authenticate(es_client_t *self, const es_client_says_t *says)
{
    es_client_authenticate(self, says->token);
}

static void do_said(es_client_t *self, const es_client_says_t *says)
{
    static void (*const verbs[])(es_client_t *,
                                 const es_client_says_t *) = {[ES_SAYS_START] = start,
                                                              [ES_SAYS_STOP] = stop,
                                                              [ES_SAYS_MARK] = mark_said,
                                                              [ES_SAYS_PING] = ping,
                                                              [ES_SAYS_AUTH] = authenticate,
                                                              [ES_SAYS_RESUME] = resume,
                                                              [ES_SAYS_JOIN] = es_room_ws_join,
                                                              [ES_SAYS_LEAVE] = es_room_ws_leave,
                                                              [ES_SAYS_SAY] = es_room_ws_say,
                                                              [ES_SAYS_HISTORY] = es_room_ws_history,
                                                              [ES_SAYS_WHO] = es_room_ws_who,
                                                              [ES_SAYS_WATCH_JOB] = es_job_ws_watch,
                                                              [ES_SAYS_UNWATCH_JOB] = es_job_ws_unwatch,
                                                              [ES_SAYS_WATCH_HOUSE] = es_house_ws_watch,
                                                              [ES_SAYS_UNWATCH_HOUSE] = es_house_ws_unwatch};
    if (says->type == ES_SAYS_AUTH || es_client_known(self))
        verbs[says->type](self, says);
    else
        es_client_want_credentials(self, "");
    if (says->type != ES_SAYS_AUTH) self->envelope.spoken = es_client_known(self);
}

static void text(es_client_t *self, const char *said, size_t len)
{
    es_client_says_t says;
    es_refusal_t why;
    if (es_client_json_envelope(said, len, self->env->limits.max_depth, &says, &why) == 0) {
        if (es_client_token_passes(self, &says, said, len)) do_said(self, &says);
    } else {
        es_envelope_refuse(self, &why);
        self->envelope.spoken = es_client_known(self);
    }
}

/* ---- results */

static void trace_out(es_client_t *self)
{
    char trace[2 * ES_TRACE_ID + 1];
    if (!es_stream_trace_shown(self->trace, trace)) return;
    es_json_raw(&self->out, ",\"trace\":");
    es_json_string(&self->out, es_span(trace));
}

static void transcript_head(es_client_t *self, const es_msg_t *msg, bool is_final)
{
    field_id(self);
    es_envelope_uint(self, "seq", msg->to_seq);
    es_json_raw(&self->out, ",\"text\":");
    es_json_string(&self->out, msg->text);
    if (is_final)
        es_json_raw(&self->out, ",\"final\":true");
    else
        es_json_raw(&self->out, ",\"final\":false");
    es_envelope_uint(self, "from_seq", msg->from_seq);
    es_envelope_uint(self, "to_seq", msg->to_seq);
    es_envelope_uint(self, "start_ms", msg->start / SAMPLES_PER_MS);
    es_envelope_uint(self, "end_ms", msg->end / SAMPLES_PER_MS);
    trace_out(self);
}

static void words_out(es_client_t *self, const void *data, size_t len)
{
    es_word_t words[WORDS_SHOWN];
    if (!self->env->decoder) self->env->decoder = es_decoder_new();
    int n = es_words_decode(self->env->decoder, data, len, words, WORDS_SHOWN);
    if (n <= 0) return;
    es_json_raw(&self->out, ",\"words\":[");
    for (int i = 0; i < n; i++) {
        if (i) es_json_raw(&self->out, ",");
        es_json_raw(&self->out, "{\"text\":");
        es_json_string(&self->out, words[i].text);
        es_envelope_uint(self, "start_ms", words[i].start / SAMPLES_PER_MS);
        es_envelope_uint(self, "end_ms", words[i].end / SAMPLES_PER_MS);
        es_json_raw(&self->out, ",\"confidence\":");
        es_json_milli(&self->out, words[i].confidence);
        es_json_raw(&self->out, "}");
    }
    es_json_raw(&self->out, "]");
}

static void failed(es_client_t *self, const es_msg_t *msg)
{
    es_refusal_t why = {.code = "segment_failed"};
    snprintf(why.message, sizeof why.message, "A piece of audio could not be transcribed: %.*s",
             (int)(msg->reason.len < 200 ? msg->reason.len : 200), msg->reason.len ? msg->reason.ptr : "");
    es_envelope_refuse(self, &why);
}

/* What session.resume wants back to go on after these frames. */
static void go_on_after(es_client_t *self, const es_msg_t *msg)
{
    if (self->envelope.resumable) es_envelope_uint(self, "position", msg->pos);
    if (!msg->checkpoint.len) return;
    es_json_raw(&self->out, ",\"checkpoint\":");
    es_json_base64(&self->out, msg->checkpoint);
}

/* Frames without words: nothing to show, but the client need not keep them any longer. */
static void committed(es_client_t *self, const es_msg_t *msg)
{
    size_t place = es_envelope_begin(self, "audio.committed");
    field_id(self);
    es_envelope_uint(self, "to_seq", msg->to_seq);
    go_on_after(self, msg);
    es_envelope_end(self, place);
}

static void transcript(es_client_t *self, const es_msg_t *msg, const void *words, size_t len)
{
    size_t place = es_envelope_begin(self, "transcript");
    transcript_head(self, msg, true);
    if (ES_HAS(msg, ES_M_CONFIDENCE)) {
        es_json_raw(&self->out, ",\"confidence\":");
        es_json_milli(&self->out, msg->confidence);
    }
    go_on_after(self, msg);
    if (len) words_out(self, words, len);
    es_envelope_end(self, place);
}

static void final(es_client_t *self, const es_msg_t *msg, const void *words, size_t len)
{
    bool silent = !msg->text.len || (msg->flags & ES_F_SILENCE);
    uint64_t caption = silent ? 0 : es_room_ws_final(self, msg, words, len);
    es_held_begin(self, self->envelope.speaking, caption);
    if (msg->flags & ES_F_FAILED) failed(self, msg);
    if (!silent)
        transcript(self, msg, words, len);
    else if (self->envelope.resumable)
        committed(self, msg);
    es_held_end(self);
}

static void partial(es_client_t *self, const es_msg_t *msg)
{
    es_room_ws_partial(self, msg);
    if (es_held_any(self)) return; /* the words before it are not said yet */
    size_t place = es_envelope_begin(self, "transcript");
    transcript_head(self, msg, false);
    es_envelope_end(self, place);
}

static void done(es_client_t *self)
{
    forget_marks(self);
    self->envelope.speaking = NULL;
    es_held_begin(self, NULL, 0);
    size_t place = es_envelope_begin(self, "audio.done");
    field_id(self);
    es_envelope_end(self, place);
    es_held_end(self);
}

static void waiting(es_client_t *self, uint64_t queue)
{
    size_t place = es_envelope_begin(self, "status");
    if (queue) {
        es_json_raw(&self->out, "\"state\":\"waiting\"");
        es_envelope_uint(self, "queue", queue);
    } else {
        es_json_raw(&self->out, "\"state\":\"streaming\"");
    }
    es_envelope_end(self, place);
}

/* Rooms go on with session.resume, and so does a stream whose client keeps what is not committed. */
static bool move(es_client_t *self)
{
    if (self->sender ? !self->envelope.resumable : !self->memberships) return false;
    size_t place = es_envelope_begin(self, "status");
    es_json_raw(&self->out, "\"state\":\"draining\"");
    es_envelope_end(self, place);
    return true;
}

static void fini(es_client_t *self)
{
    forget_marks(self);
    es_room_ws_fini(self);
    es_job_ws_fini(self);
    free(self->envelope.resume);
    free(self->envelope.stream);
}

const es_dialect_t es_envelope_ws = {.open = open_envelope,
                                     .fini = fini,
                                     .chunk = chunk,
                                     .text = text,
                                     .refuse = es_envelope_refuse,
                                     .final = final,
                                     .partial = partial,
                                     .marked = marked,
                                     .done = done,
                                     .strange = strange,
                                     .known = known,
                                     .rights = rights,
                                     .waiting = waiting,
                                     .answer = es_room_ws_answer,
                                     .move = move,
                                     .pending = es_room_ws_pending,
                                     .written = es_room_ws_written};
