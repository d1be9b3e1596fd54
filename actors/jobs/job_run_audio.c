/* A run's audio: from the decoder into the sender, and what comes back as words. */
#include <stdio.h>
#include <string.h>

#include "job_run_state.h"

#define RETAIN_BYTES \
    2097152u /* a minute: four of the longest segments, and no more to hear again where a transcriber dies */
#define RATE 16000u
#define PROBE_US UINT64_C(50000)

static void say_hours(uint64_t samples, char out[32])
{
    uint64_t seconds = samples / RATE;
    snprintf(out, 32, "%llu:%02llu:%02llu h", (unsigned long long)(seconds / 3600),
             (unsigned long long)(seconds / 60 % 60), (unsigned long long)(seconds % 60));
}

/* Nothing that is said of it can be right any more: it gets no second chance. */
static void too_long(es_job_run_t *self, uint64_t samples)
{
    char is[32], may[32], why[160];
    say_hours(samples, is);
    say_hours(self->config.max_samples, may);
    self->past.too_long = true;
    snprintf(why, sizeof why, "The recording lasts %s%s; at most %s are taken (--max-duration).",
             samples > self->config.max_samples ? "" : "at least ", is, may);
    es_run_fail(self, why);
}

/* All that the file has is words already, and a later step failed. */
static bool heard_out(const es_job_run_t *self)
{
    return self->job.duration > 0 && self->job.done >= self->job.duration;
}

void es_run_begin_audio(es_job_run_t *self)
{
    es_sender_config_t config = es_sender_defaults();
    self->next_pos = self->heard = self->job.done;
    self->duration = self->job.duration;
    snprintf(self->probed, sizeof self->probed, "%s", self->job.format ? self->job.format : "");
    if (heard_out(self)) {
        es_run_write(self, es_job_write_new(ES_WRITE_TRANSCRIBED, 0, NULL));
        es_run_phase(self, ES_RUN_STORING);
        return;
    }
    config.language = self->job.language;
    config.priority = ES_BATCH_PRIORITY;
    config.retain_bytes = RETAIN_BYTES;
    es_run_open_stream(self, &config);
    /* Frames are numbered as if nothing had happened, so that the figures of two runs can be laid side by side. */
    es_sender_begin_at(self->sender, (self->job.done + ES_RUN_FRAME - 1) / ES_RUN_FRAME,
                       es_span_of(self->job.checkpoint, self->job.checkpoint_len));
    self->decoding = true;
    self->listening = true;
    self->ops->decode(self->ctx, self->job.done, self->config.max_samples);
}

static bool awaits_audio(es_job_run_t *self, es_job_now_t now)
{
    self->now = now;
    es_run_moved_on(self);
    return self->decoding && self->phase == ES_RUN_TRANSCRIBING;
}

/* What the file is, where that is news. */
static void probe(es_job_run_t *self, uint64_t duration)
{
    if (self->duration == duration && strcmp(self->probed, self->format) == 0) return;
    self->duration = duration;
    self->probe_at = self->now.us + PROBE_US;
    memcpy(self->probed, self->format, sizeof self->probed);
    es_run_write(self, es_job_write_new(ES_WRITE_PROBED, duration, self->format));
}

void es_job_run_info(es_job_run_t *self, uint64_t duration, es_span_t format, es_job_now_t now)
{
    if (!awaits_audio(self, now)) return;
    snprintf(self->format, sizeof self->format, "%.*s", (int)format.len, format.len ? format.ptr : "");
    if (duration > self->config.max_samples)
        too_long(self, duration);
    else if (!self->job.format) /* else it was heard before, and perhaps to its end */
        probe(self, duration);
    es_run_settle(self);
}

void es_job_run_skipping(es_job_run_t *self, es_job_now_t now)
{
    awaits_audio(self, now);
}

void es_job_run_audio(es_job_run_t *self, uint64_t pos, const int16_t *samples, size_t n, es_job_now_t now)
{
    if (!awaits_audio(self, now)) return;
    if (pos != self->next_pos)
        es_run_fail_attempt(self, "The process that decodes the file left something out.");
    else if (es_sender_push(self->sender, 0, pos, samples, n * sizeof *samples, 0, now.us) == 0)
        es_run_fail_attempt(self, "The process that decodes the file brought more than was asked for.");
    else
        self->next_pos += n;
    es_run_settle(self);
}

/* Now it is known how long it is, and whether that is all. */
static void store_end(es_job_run_t *self, uint64_t total, es_span_t damage)
{
    size_t at = strlen(self->format);
    if (damage.len > 0) snprintf(self->format + at, sizeof self->format - at, "; %.*s", (int)damage.len, damage.ptr);
    probe(self, total);
}

void es_job_run_decoded(es_job_run_t *self, uint64_t total, es_span_t damage, es_job_now_t now)
{
    if (!awaits_audio(self, now)) return;
    self->decoding = false;
    if (total == 0) {
        es_run_fail(self, "The recording has no sound in it.");
    } else if (total > self->config.max_samples) {
        too_long(self, self->config.max_samples);
    } else {
        store_end(self, total, damage);
        es_sender_push(self->sender, ES_F_EOS, self->next_pos, NULL, 0, 0, now.us);
    }
    es_run_settle(self);
}

void es_job_run_undecodable(es_job_run_t *self, bool for_good, es_span_t why, es_job_now_t now)
{
    char text[ES_JOB_ERROR_MAX];
    if (!awaits_audio(self, now)) return;
    self->decoding = false;
    snprintf(text, sizeof text, "%.*s", (int)why.len, why.len ? why.ptr : "");
    if (for_good)
        es_run_fail(self, text);
    else
        es_run_fail_attempt(self, text);
    es_run_settle(self);
}

void es_run_take_words(es_job_run_t *self, const es_msg_t *final, es_span_t words)
{
    bool failed = (final->flags & ES_F_FAILED) != 0, silence = (final->flags & ES_F_SILENCE) != 0;
    es_span_t text = failed ? final->reason : final->text;
    if (failed && text.len == 0) text = es_span("no decoder could make words of it");
    if (final->pos <= self->heard) return; /* EOS, and all before it is stored */
    es_job_segment_t segment = {.from = self->heard,
                                .to = final->pos,
                                .start = final->start,
                                .end = final->end,
                                .confidence = (uint32_t) final->confidence,
                                .failed = failed,
                                .text = silence ? (es_span_t){0} : text,
                                .words = silence || failed ? (es_span_t){0} : words};
    self->heard = final->pos;
    es_run_write(self, es_job_write_final(&segment, final->checkpoint));
}
