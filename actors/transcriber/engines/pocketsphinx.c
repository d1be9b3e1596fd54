/* CMU pocketsphinx (5prealpha). What was measured shapes this file:
 *
 * A segment decoded whole is better and cheaper than one fed piece by piece, and its words do not depend on what the decoder heard before, provided that
 * before each one the stream is started anew, the first cepstral mean restored, and batch normalisation switched on again (one
 * streaming call switches it off for good, without a word). So feed() only collects, end() decodes.
 *
 * Partials come from a decoder used for nothing else: the mean is taken from the segment's first 1.5 s, then it is fed 1600 samples at a time,
 * because scores depend on the size of the blocks. It has a search of its own without the later passes, which would only delay the
 * next segment.
 *
 * The library calls exit(1) in many places: only ever run it in a process that may die.
 */
#include <pocketsphinx.h>
#include <sphinxbase/cmn.h>
#include <sphinxbase/err.h>
#include <sphinxbase/feat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "engines.h"

enum {
    PRIME = 24000,        /* samples that the mean of a live segment is taken from */
    FRAME = 160,          /* samples of a decoder's frame */
    SEGMENT_MAX = 480000, /* samples; twice what the segmenter gives */
    CEP_MAX = 64,         /* length of a cepstral vector at most */
    TEXT_MAX = ES_TEXT_MAX,
    PATH_MAX_BYTES = 640
};

#define LIVE_SEARCH "live"
#define FULL_SEARCH "_default"

typedef struct {
    ps_decoder_t *ps;
    mfcc_t mean[CEP_MAX]; /* as it was after loading */
    bool live, primed, in_utterance;
    int16_t *pcm;
    size_t n, cap;
    char text[TEXT_MAX];
    es_word_t words[ES_ENGINE_WORDS_MAX];
    size_t n_words;
} sphinx_t;

static cmn_t *cmn_of(ps_decoder_t *ps)
{
    return ps_get_feat(ps)->cmn_struct;
}

/* --- the model --- */

static int path_of(char out[PATH_MAX_BYTES], const char *dir, const char *file, char *err, size_t err_len)
{
    int n = snprintf(out, PATH_MAX_BYTES, "%s/%s", dir, file);
    if (n > 0 && n < PATH_MAX_BYTES && access(out, R_OK) == 0) return 0;
    snprintf(err, err_len,
             "--model-dir %s: cannot read %s there; install the package pocketsphinx-en-us or name the directory of "
             "another model",
             dir, file);
    return -1;
}

static ps_decoder_t *load(const char *hmm, const char *lm, const char *dict)
{
    err_set_logfp(NULL);
    cmd_ln_t *config = cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", hmm, "-lm", lm, "-dict", dict, "-logfn", "/dev/null",
                                   "-maxhmmpf", "3000", "-remove_silence", "no", NULL);
    if (!config) return NULL;
    ps_decoder_t *ps = ps_init(config);
    cmd_ln_free_r(config);
    return ps;
}

/* The first pass alone, over the same language model. */
static int add_live_search(ps_decoder_t *ps)
{
    cmd_ln_t *config = ps_get_config(ps);
    cmd_ln_set_boolean_r(config, "-fwdflat", FALSE);
    cmd_ln_set_boolean_r(config, "-bestpath", FALSE);
    int rc = ps_set_lm(ps, LIVE_SEARCH, ps_get_lm(ps, FULL_SEARCH));
    return rc == 0 ? ps_set_search(ps, FULL_SEARCH) : -1;
}

static void *sphinx_load(const es_engine_config_t *config, char *err, size_t err_len)
{
    char hmm[PATH_MAX_BYTES], lm[PATH_MAX_BYTES], dict[PATH_MAX_BYTES], mdef[PATH_MAX_BYTES];
    if (path_of(hmm, config->model_dir, "en-us", err, err_len) != 0 ||
        path_of(mdef, config->model_dir, "en-us/mdef", err, err_len) != 0 ||
        path_of(lm, config->model_dir, "en-us.lm.bin", err, err_len) != 0 ||
        path_of(dict, config->model_dir, "cmudict-en-us.dict", err, err_len) != 0)
        return NULL;
    sphinx_t *self = es_alloc_zero(sizeof *self);
    self->ps = load(hmm, lm, dict);
    if (!self->ps || cmn_of(self->ps)->veclen > CEP_MAX || add_live_search(self->ps) != 0) {
        snprintf(err, err_len, "--model-dir %s: pocketsphinx does not take this model", config->model_dir);
        free(self);
        return NULL;
    }
    cmn_live_get(cmn_of(self->ps), self->mean);
    return self;
}

/* The process is a fork: its copy of the model is its own. */
static void *sphinx_attach(void *model)
{
    return model;
}

static void sphinx_free(void *state)
{
    sphinx_t *self = state;
    ps_free(self->ps);
    free(self->pcm);
    free(self);
}

/* --- a segment --- */

static void fresh_stream(sphinx_t *self, const mfcc_t *mean)
{
    ps_start_stream(self->ps);
    cmn_live_set(cmn_of(self->ps), mean);
}

static void sphinx_cancel(void *state)
{
    sphinx_t *self = state;
    if (self->in_utterance) ps_end_utt(self->ps);
    self->in_utterance = self->primed = false;
    self->n = 0;
}

static es_engine_status_t sphinx_begin(void *state, const es_segment_t *segment)
{
    sphinx_t *self = state;
    sphinx_cancel(self);
    if (self->live != segment->live && ps_set_search(self->ps, segment->live ? LIVE_SEARCH : FULL_SEARCH) != 0)
        return ES_ENGINE_ERROR;
    self->live = segment->live;
    return ES_ENGINE_OK;
}

static es_engine_status_t collect(sphinx_t *self, const int16_t *pcm, size_t samples)
{
    if (samples > SEGMENT_MAX - self->n) return ES_ENGINE_ERROR;
    if (self->n + samples > self->cap) {
        self->cap = self->n + samples > SEGMENT_MAX / 4 ? SEGMENT_MAX : SEGMENT_MAX / 4;
        int16_t *bigger = es_alloc(self->cap * sizeof *bigger);
        if (self->n > 0) memcpy(bigger, self->pcm, self->n * sizeof *bigger);
        free(self->pcm);
        self->pcm = bigger;
    }
    memcpy(self->pcm + self->n, pcm, samples * sizeof *pcm);
    self->n += samples;
    return ES_ENGINE_OK;
}

/* The mean cepstrum of what was collected, frames without energy left out as the library does. */
static bool mean_of(sphinx_t *self, mfcc_t mean[CEP_MAX])
{
    fe_t *fe = ps_get_fe(self->ps);
    int32 frames = 0, counted = 0, len = cmn_of(self->ps)->veclen;
    mfcc_t **cep = NULL;
    fe_start_stream(fe);
    fe_start_utt(fe);
    if (fe_process_utt(fe, self->pcm, self->n, &cep, &frames) < 0 || !cep) return false;
    memset(mean, 0, CEP_MAX * sizeof *mean);
    for (int32 f = 0; f < frames; f++) {
        if (cep[f][0] < 0) continue;
        counted++;
        for (int32 i = 0; i < len; i++) mean[i] += cep[f][i];
    }
    fe_free_2d(cep);
    for (int32 i = 0; i < len && counted > 0; i++) mean[i] /= (mfcc_t)counted;
    return counted > 0;
}

static es_engine_status_t hear(sphinx_t *self, const int16_t *pcm, size_t samples)
{
    return ps_process_raw(self->ps, pcm, samples, FALSE, FALSE) < 0 ? ES_ENGINE_ERROR : ES_ENGINE_OK;
}

static es_engine_status_t prime(sphinx_t *self)
{
    mfcc_t mean[CEP_MAX];
    fresh_stream(self, mean_of(self, mean) ? mean : self->mean);
    ps_get_feat(self->ps)->cmn = CMN_LIVE;
    if (ps_start_utt(self->ps) < 0) return ES_ENGINE_ERROR;
    self->in_utterance = self->primed = true;
    for (size_t at = 0; at < self->n; at += ES_ENGINE_FEED) {
        size_t left = self->n - at;
        if (hear(self, self->pcm + at, left < ES_ENGINE_FEED ? left : ES_ENGINE_FEED) != ES_ENGINE_OK)
            return ES_ENGINE_ERROR;
    }
    return ES_ENGINE_OK;
}

static es_engine_status_t sphinx_feed(void *state, const int16_t *pcm, size_t samples)
{
    sphinx_t *self = state;
    if (self->primed) return hear(self, pcm, samples);
    if (collect(self, pcm, samples) != ES_ENGINE_OK) return ES_ENGINE_ERROR;
    return self->live && self->n >= PRIME ? prime(self) : ES_ENGINE_OK;
}

/* The last word is still being guessed: it is held back. */
static es_engine_status_t sphinx_partial(void *state, es_engine_result_t *out)
{
    sphinx_t *self = state;
    *out = (es_engine_result_t){0};
    const char *words = self->primed ? ps_get_hyp(self->ps, NULL) : NULL;
    const char *last = words ? strrchr(words, ' ') : NULL;
    if (!last || (size_t)(last - words) > sizeof self->text) return ES_ENGINE_OK;
    memcpy(self->text, words, (size_t)(last - words));
    out->text = es_span_of(self->text, (size_t)(last - words));
    return ES_ENGINE_OK;
}

/* --- the words --- */

static uint32_t confidence_of(sphinx_t *self, ps_seg_t *seg)
{
    int32 ascr, lscr, lback;
    double p = logmath_exp(ps_get_logmath(self->ps), ps_seg_prob(seg, &ascr, &lscr, &lback));
    return p >= 1 ? 1000 : p > 0 ? (uint32_t)(p * 1000) : 0;
}

/* Fillers are not words; `read(2)` is the second way to pronounce "read". */
static size_t word_length(const char *word)
{
    if (word[0] == '<' || word[0] == '[' || word[0] == '+') return 0;
    const char *variant = strchr(word, '(');
    return variant ? (size_t)(variant - word) : strlen(word);
}

static void take_words(sphinx_t *self, es_engine_result_t *out)
{
    size_t used = 0;
    uint64_t sum = 0;
    self->n_words = 0;
    for (ps_seg_t *seg = ps_seg_iter(self->ps); seg; seg = ps_seg_next(seg)) {
        int first, last;
        const char *word = ps_seg_word(seg);
        size_t len = word ? word_length(word) : 0, gap = used > 0;
        if (len == 0 || self->n_words == ES_ENGINE_WORDS_MAX || used + gap + len > sizeof self->text) continue;
        if (gap) self->text[used++] = ' ';
        memcpy(self->text + used, word, len);
        ps_seg_frames(seg, &first, &last);
        self->words[self->n_words] = (es_word_t){.text = es_span_of(self->text + used, len),
                                                 .start = (uint64_t)first * FRAME,
                                                 .end = ((uint64_t)last + 1) * FRAME,
                                                 .confidence = confidence_of(self, seg)};
        sum += self->words[self->n_words++].confidence;
        used += len;
    }
    *out = (es_engine_result_t){.text = es_span_of(self->text, used), .words = self->words, .n_words = self->n_words};
    if (self->n_words > 0) out->confidence = (uint32_t)(sum / self->n_words);
}

static es_engine_status_t decode(sphinx_t *self, es_engine_result_t *out)
{
    fresh_stream(self, self->mean);
    ps_get_feat(self->ps)->cmn = CMN_BATCH;
    if (ps_start_utt(self->ps) < 0) return ES_ENGINE_ERROR;
    int heard = ps_process_raw(self->ps, self->pcm, self->n, FALSE, TRUE);
    if (ps_end_utt(self->ps) < 0 || heard < 0) return ES_ENGINE_ERROR;
    take_words(self, out);
    return ES_ENGINE_OK;
}

static es_engine_status_t sphinx_end(void *state, es_engine_result_t *out)
{
    sphinx_t *self = state;
    *out = (es_engine_result_t){0};
    es_engine_status_t status = self->live || self->n == 0 ? ES_ENGINE_OK : decode(self, out);
    sphinx_cancel(self);
    if (status != ES_ENGINE_OK) out->error = es_span("pocketsphinx gave up on the segment");
    return status;
}

const es_engine_t es_engine_pocketsphinx = {
    .name = "pocketsphinx",
    .capabilities = ES_ENGINE_PARTIALS | ES_ENGINE_WORDS | ES_ENGINE_STREAMING,
    .capacity = 8,
    .load = sphinx_load,
    .attach = sphinx_attach,
    .begin = sphinx_begin,
    .feed = sphinx_feed,
    .partial = sphinx_partial,
    .end = sphinx_end,
    .cancel = sphinx_cancel,
    .free = sphinx_free,
};
