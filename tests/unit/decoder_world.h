/* What the tests of the decoder pool share: real processes, an engine that does what its samples say: sum, die, hang, fail. Include after cmocka.h. */
#ifndef DECODER_WORLD_H
#define DECODER_WORLD_H

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "decoder_pool.h"
#include "wire.h"

enum { PLAIN = 0, DIE = 1, HANG = 2, FAIL = 3, DIE_ONCE = 4, LATE = 5, EXIT = 6, SPIN = 7, TOIL = 8, STARVE = 9 };

/* --- the engine --- */

typedef struct {
    int what;
    bool sick;
    int64_t sum;
    size_t fed;
    char flag[64]; /* a file that exists: DIE_ONCE has died */
    char text[64];
    int pipe[2];
    es_word_t word;
} fake_t;

static inline void *fake_load(const es_engine_config_t *config, char *err, size_t err_len)
{
    if (strcmp(config->model_dir, "none") == 0) {
        snprintf(err, err_len, "there is no model");
        return NULL;
    }
    if (strcmp(config->model_dir, "exit") == 0) exit(1);
    if (strcmp(config->model_dir, "killed") == 0) raise(SIGKILL);
    fake_t *self = calloc(1, sizeof *self);
    snprintf(self->flag, sizeof self->flag, "%s", config->model_dir);
    self->sick = access(self->flag, F_OK) == 0;
    return self;
}

/* A model whose flag lies there from the start can be loaded, and no more. */
static inline void *fake_attach(void *model)
{
    fake_t *self = model;
    return self->sick ? NULL : model;
}

static inline es_engine_status_t fake_begin(void *state, const es_segment_t *segment)
{
    fake_t *self = state;
    (void)segment;
    self->sum = 0;
    self->fed = 0;
    self->what = PLAIN;
    return ES_ENGINE_OK;
}

static inline es_engine_status_t fake_feed(void *state, const int16_t *pcm, size_t samples)
{
    fake_t *self = state;
    if (samples > ES_ENGINE_FEED) return ES_ENGINE_ERROR;
    if (self->fed == 0) self->what = pcm[0];
    for (size_t i = 0; i < samples; i++) self->sum += pcm[i];
    self->fed += samples;
    return ES_ENGINE_OK;
}

static inline es_engine_status_t say_sum(fake_t *self, es_engine_result_t *out)
{
    snprintf(self->text, sizeof self->text, "sum %lld of %zu", (long long)self->sum, self->fed);
    self->word = (es_word_t){es_span_of(self->text, 3), 1, 2, 900};
    *out = (es_engine_result_t){.text = es_span(self->text), .words = &self->word, .n_words = 1, .confidence = 900};
    return ES_ENGINE_OK;
}

static inline es_engine_status_t fake_partial(void *state, es_engine_result_t *out)
{
    return say_sum(state, out);
}

/* Has the processor for a tenth of the time at most, as on a machine with too much to do. */
static inline void toil(void)
{
    for (int i = 0; i < 12; i++) {
        poll(NULL, 0, 45);
        for (clock_t until = clock() + CLOCKS_PER_SEC / 200; clock() < until;) continue;
    }
}

static inline void keep_to_one_processor(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
}

/* Has work for 25 ms, on a processor that somebody less nice wants too. */
static inline void starve(void)
{
    keep_to_one_processor();
    for (clock_t until = clock() + CLOCKS_PER_SEC / 40; clock() < until;) continue;
}

static inline es_engine_status_t fake_end(void *state, es_engine_result_t *out)
{
    fake_t *self = state;
    switch (self->what) {
    case DIE_ONCE:
        if (access(self->flag, F_OK) == 0) break;
        fclose(fopen(self->flag, "w"));
        abort();
    case DIE:
        raise(SIGKILL);
        break;
    case EXIT:
        exit(1);
    case HANG:
        for (;;) pause();
    case SPIN:
        for (volatile unsigned i = 0;; i = i + 1) continue;
    case TOIL:
        toil();
        break;
    case STARVE:
        starve();
        break;
    case FAIL:
        out->error = es_span("too quiet");
        return ES_ENGINE_ERROR;
    case LATE:
        if (pipe(self->pipe) != 0 || write(self->pipe[1], "x", 1) != 1) abort();
        return ES_ENGINE_LATER;
    default:
        break;
    }
    return say_sum(self, out);
}

static inline int fake_fd(void *state)
{
    return ((fake_t *)state)->pipe[0];
}

static inline es_engine_status_t fake_pump(void *state, es_engine_result_t *out)
{
    fake_t *self = state;
    close(self->pipe[0]);
    close(self->pipe[1]);
    return say_sum(self, out);
}

static inline void fake_cancel(void *state)
{
    (void)state;
}

static const es_engine_t fake = {.name = "fake",
                                 .capabilities = ES_ENGINE_PARTIALS | ES_ENGINE_WORDS | ES_ENGINE_ASYNC,
                                 .load = fake_load,
                                 .attach = fake_attach,
                                 .begin = fake_begin,
                                 .feed = fake_feed,
                                 .partial = fake_partial,
                                 .end = fake_end,
                                 .cancel = fake_cancel,
                                 .fd = fake_fd,
                                 .pump = fake_pump,
                                 .free = free};

/* --- the world --- */

enum { ANSWERS = 256, PATIENCE_US = 20000000 };

typedef struct {
    char text[64], error[128];
    uint64_t id;
} answer_t;

static struct {
    es_zygote_t *zygote;
    es_loop_t *loop;
    es_decoder_pool_t *pool;
    answer_t answers[ANSWERS];
    size_t n, wanted, partials, partial_samples;
    char partial[64], flag[64];
    uint64_t until_us, longest_us, last_us;
} w;

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    (void)ctx;
    if (w.last_us && now_us - w.last_us > w.longest_us) w.longest_us = now_us - w.last_us;
    w.last_us = now_us;
    if (w.n >= w.wanted || now_us > w.until_us) es_loop_stop(w.loop);
    return now_us + 10000;
}

static inline void on_answer(void *owner, uint64_t id, const es_engine_result_t *result)
{
    answer_t *a = &w.answers[w.n++];
    assert_ptr_equal(owner, &w);
    a->id = id;
    snprintf(a->text, sizeof a->text, "%.*s", (int)result->text.len, result->text.len ? result->text.ptr : "");
    snprintf(a->error, sizeof a->error, "%.*s", (int)result->error.len, result->error.len ? result->error.ptr : "");
    if (result->error.len == 0) {
        assert_int_equal(result->n_words, 1);
        assert_int_equal(result->words[0].confidence, 900);
        assert_memory_equal(result->words[0].text.ptr, "sum", 3);
    }
}

static inline void name_flag(void)
{
    memset(&w, 0, sizeof w);
    snprintf(w.flag, sizeof w.flag, "/tmp/es-pool-%d", (int)getpid());
    unlink(w.flag);
}

static inline void open_world(es_decoder_pool_config_t config)
{
    char err[256] = "";
    bool refused;
    w.zygote = es_zygote_start(&fake, &(es_engine_config_t){.model_dir = w.flag}, &refused, err, sizeof err);
    assert_string_equal(err, "");
    assert_non_null(w.zygote);
    w.loop = es_loop_new();
    es_loop_add_tick(w.loop, on_tick, NULL);
    w.pool = es_decoder_pool_new(&config, w.zygote, w.loop, on_answer);
}

static inline void setup_as(es_decoder_pool_config_t config)
{
    name_flag();
    open_world(config);
}

static inline void setup(uint32_t decoders, uint64_t deadline_us, size_t queue_bytes)
{
    setup_as((es_decoder_pool_config_t){.decoders = decoders, .deadline_us = deadline_us, .queue_bytes = queue_bytes});
}

static inline void teardown(void)
{
    es_decoder_pool_destroy(&w.pool);
    es_loop_destroy(&w.loop);
    es_zygote_destroy(&w.zygote);
    unlink(w.flag);
}

static inline int submit(uint64_t id, int what, size_t samples)
{
    int16_t *pcm = calloc(samples, sizeof *pcm);
    for (size_t i = 0; i < samples; i++) pcm[i] = (int16_t)(i % 100);
    pcm[0] = (int16_t)what;
    int rc = es_decoder_pool_submit(w.pool, &w, id, pcm, samples);
    free(pcm);
    return rc;
}

static inline void await_answers(size_t wanted)
{
    w.wanted = wanted;
    w.until_us = es_now_us() + PATIENCE_US;
    es_loop_run(w.loop);
    assert_int_equal(w.n, wanted);
}

static const answer_t *answer_of(uint64_t id)
{
    for (size_t i = 0; i < w.n; i++)
        if (w.answers[i].id == id) return &w.answers[i];
    fail_msg("no answer to %llu", (unsigned long long)id);
    return NULL;
}

/* Numbers of the children that pid has, zombies too. */
static inline size_t children_of(int pid, int *first)
{
    char path[64], list[8192];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    list[fread(list, 1, sizeof list - 1, file)] = 0;
    fclose(file);
    size_t n = 0;
    for (char *save = NULL, *at = strtok_r(list, " ", &save); at; at = strtok_r(NULL, " ", &save))
        if (n++ == 0 && first) *first = (int)strtol(at, NULL, 10);
    return n;
}

#endif
