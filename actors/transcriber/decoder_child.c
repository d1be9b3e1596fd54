#include "decoder_child.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "alloc.h"
#include "decoder_wire.h"
#include "write_whole.h"

enum { NICEST = 19, STATUS_ATTACH = 3 };

typedef struct {
    const es_engine_t *engine;
    void *state;
    int fd;
    uint64_t open; /* segment that partials are asked of; 0: none */
    char *data;    /* of the last message */
    size_t cap;
} child_t;

/* The host is gone, or as good as gone: nobody wants the words. */
static void read_all(int fd, void *to, size_t len)
{
    for (char *at = to; len > 0;) {
        ssize_t n = read(fd, at, len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(0);
        at += n;
        len -= (size_t)n;
    }
}

static void say(const child_t *self, uint32_t type, uint64_t id, const void *data, size_t len)
{
    es_dw_header_t header = {.type = type, .len = (uint32_t)len, .id = id};
    if (es_write_whole(self->fd, &header, sizeof header) != 0 || es_write_whole(self->fd, data, len) != 0) _exit(0);
}

static void say_result(const child_t *self, uint64_t id, const es_engine_result_t *result)
{
    size_t len;
    void *data = es_dw_pack(result, &len);
    say(self, ES_DW_RESULT, id, data, len);
    free(data);
}

/* An asynchronous engine's answer; the host may go away meanwhile. */
static es_engine_status_t await(const child_t *self, es_engine_result_t *result)
{
    es_engine_status_t status = ES_ENGINE_LATER;
    while (status == ES_ENGINE_LATER) {
        struct pollfd polls[] = {{.fd = self->engine->fd(self->state), .events = POLLIN}, {.fd = self->fd}};
        poll(polls, 2, -1);
        if (polls[1].revents & (POLLHUP | POLLERR)) _exit(0);
        if (polls[0].revents) status = self->engine->pump(self->state, result);
    }
    return status;
}

static es_engine_status_t feed(const child_t *self, const int16_t *pcm, size_t samples)
{
    es_engine_status_t status = ES_ENGINE_OK;
    for (size_t at = 0; at < samples && status == ES_ENGINE_OK; at += ES_ENGINE_FEED) {
        size_t left = samples - at;
        status = self->engine->feed(self->state, pcm + at, left < ES_ENGINE_FEED ? left : ES_ENGINE_FEED);
    }
    return status;
}

static void decode(const child_t *self, uint64_t id, const int16_t *pcm, size_t samples)
{
    es_engine_result_t result = {0};
    es_segment_t segment = {.live = false};
    es_engine_status_t status = self->engine->begin(self->state, &segment);
    if (status == ES_ENGINE_OK) status = feed(self, pcm, samples);
    if (status == ES_ENGINE_OK) status = self->engine->end(self->state, &result);
    if (status == ES_ENGINE_LATER) status = await(self, &result);
    if (status != ES_ENGINE_OK) {
        if (result.error.len == 0) result.error = es_span("the engine gave up on the segment");
        self->engine->cancel(self->state);
    }
    say_result(self, id, &result);
}

/* Whatever goes wrong with partials ends them for the segment, no more. */
static void serve_live(child_t *self, const es_dw_header_t *header, const int16_t *pcm)
{
    es_engine_result_t result = {0};
    es_segment_t segment = {.live = true};
    switch (header->type) {
    case ES_DW_OPEN:
        self->open = self->engine->begin(self->state, &segment) == ES_ENGINE_OK ? header->id : 0;
        break;
    case ES_DW_FEED:
        if (self->open == header->id && feed(self, pcm, header->len / sizeof *pcm) != ES_ENGINE_OK) self->open = 0;
        break;
    case ES_DW_ASK:
        if (self->open != header->id || self->engine->partial(self->state, &result) != ES_ENGINE_OK)
            result = (es_engine_result_t){0};
        say_result(self, header->id, &result);
        break;
    case ES_DW_CANCEL:
        self->engine->cancel(self->state);
        self->open = 0;
        break;
    default:
        break;
    }
}

static void serve(child_t *self)
{
    es_dw_header_t header;
    read_all(self->fd, &header, sizeof header);
    if (header.len > ES_DW_MAX) _exit(0);
    if (header.len > self->cap) {
        free(self->data);
        self->data = es_alloc(header.len);
        self->cap = header.len;
    }
    read_all(self->fd, self->data, header.len);
    const int16_t *pcm = (const int16_t *)(void *)self->data;
    if (header.type == ES_DW_DECODE)
        decode(self, header.id, pcm, header.len / sizeof *pcm);
    else
        serve_live(self, &header, pcm);
}

/* Where that is not allowed: less polite, no worse. The least of nice still takes an eighth from decoders of partials, which are nice themselves; the idle class does not. */
static void give_way(es_decoder_role_t role)
{
    const struct sched_param param = {0};
    if (role.batch) sched_setscheduler(0, role.nice >= NICEST ? SCHED_IDLE : SCHED_BATCH, &param);
    if (role.nice > 0 && nice(role.nice) == -1) errno = 0;
}

_Noreturn void es_decoder_child_run(const es_engine_t *engine, void *model, int fd, es_decoder_role_t role)
{
    child_t self = {.engine = engine, .fd = fd};
    prctl(PR_SET_NAME, role.live ? "es-partials" : role.batch ? "es-batch" : "es-decoder");
    give_way(role);
    self.state = engine->attach(model);
    if (!self.state) _exit(STATUS_ATTACH);
    say(&self, ES_DW_READY, (uint64_t)getpid(), NULL, 0);
    for (;;) serve(&self);
}
