#include "decoder_link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"

enum { READ_BYTES = 65536, SPARE_BYTES = 1024 * 1024 };

typedef struct {
    char *data;
    size_t from, len, cap; /* bytes [from, len) are in it */
} bytes_t;

struct es_decoder_link {
    es_zygote_t *zygote;
    es_loop_t *loop;
    uint32_t id;
    int fd;
    const es_decoder_link_ops_t *ops;
    void *ctx;
    bytes_t in, out;
    bool dead;
};

static void bytes_reserve(bytes_t *self, size_t more)
{
    if (self->from == self->len) self->from = self->len = 0;
    if (self->len + more <= self->cap) return;
    size_t left = self->len - self->from, cap = 2 * (left + more);
    char *bigger = es_alloc(cap);
    if (left > 0) memcpy(bigger, self->data + self->from, left);
    free(self->data);
    *self = (bytes_t){.data = bigger, .len = left, .cap = cap};
}

static void bytes_taken(bytes_t *self, size_t n)
{
    self->from += n;
    if (self->from < self->len) return;
    self->from = self->len = 0;
    if (self->cap > SPARE_BYTES) {
        free(self->data);
        *self = (bytes_t){0};
    }
}

static void die(es_decoder_link_t *self)
{
    if (self->dead) return;
    self->dead = true;
    es_loop_remove_fd(self->loop, self->fd);
    self->ops->gone(self->ctx);
}

static void on_fd(void *ctx, short revents, uint64_t now_us);

static void watch(es_decoder_link_t *self)
{
    short events = self->out.from < self->out.len ? POLLIN | POLLOUT : POLLIN;
    es_loop_add_fd(self->loop, self->fd, events, on_fd, self);
}

/* As much as the decoder takes now. Where it is gone the reader will tell. */
static void flush(es_decoder_link_t *self)
{
    while (self->out.from < self->out.len) {
        ssize_t n = send(self->fd, self->out.data + self->out.from, self->out.len - self->out.from, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        bytes_taken(&self->out, (size_t)n);
    }
}

/* 1: handled, 0: not complete, -1: nonsense. */
static int next_message(es_decoder_link_t *self)
{
    es_dw_header_t header;
    es_engine_result_t result;
    static _Thread_local es_word_t words[ES_ENGINE_WORDS_MAX];
    const char *data = self->in.data + self->in.from;
    size_t len = self->in.len - self->in.from;
    if (len < sizeof header) return 0;
    memcpy(&header, data, sizeof header);
    if (header.len > ES_DW_MAX) return -1;
    if (len < sizeof header + header.len) return 0;
    if (header.type == ES_DW_READY) {
        self->ops->ready(self->ctx, (int)header.id);
    } else {
        if (header.type != ES_DW_RESULT || es_dw_unpack(data + sizeof header, header.len, &result, words) != 0)
            return -1;
        self->ops->result(self->ctx, header.id, &result);
    }
    bytes_taken(&self->in, sizeof header + header.len);
    return 1;
}

void es_decoder_link_pump(es_decoder_link_t *self)
{
    ssize_t n = 1;
    while (n > 0) {
        bytes_reserve(&self->in, READ_BYTES);
        n = recv(self->fd, self->in.data + self->in.len, READ_BYTES, 0);
        if (n > 0) self->in.len += (size_t)n;
        if (n < 0 && errno == EINTR) n = 1;
    }
    bool ended = n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    int message;
    while ((message = next_message(self)) > 0) continue;
    if (message < 0 || ended) die(self);
}

static void on_fd(void *ctx, short revents, uint64_t now_us)
{
    es_decoder_link_t *self = ctx;
    (void)now_us;
    if (revents & POLLOUT) {
        flush(self);
        watch(self);
    }
    if (revents & ~POLLOUT) es_decoder_link_pump(self);
}

es_decoder_link_t *es_decoder_link_new(es_zygote_t *zygote, es_loop_t *loop, uint32_t id, es_decoder_role_t role,
                                       const es_decoder_link_ops_t *ops, void *ctx)
{
    int fd = es_zygote_spawn(zygote, id, role);
    if (fd < 0) return NULL;
    es_decoder_link_t *self = es_alloc_zero(sizeof *self);
    *self = (es_decoder_link_t){.zygote = zygote, .loop = loop, .id = id, .fd = fd, .ops = ops, .ctx = ctx};
    watch(self);
    return self;
}

void es_decoder_link_destroy(es_decoder_link_t **self_p)
{
    es_decoder_link_t *self = *self_p;
    if (!self) return;
    *self_p = NULL;
    if (!self->dead) es_loop_remove_fd(self->loop, self->fd);
    close(self->fd);
    es_zygote_kill(self->zygote, self->id);
    free(self->in.data);
    free(self->out.data);
    free(self);
}

void es_decoder_link_send(es_decoder_link_t *self, uint32_t type, uint64_t id, const void *data, size_t len)
{
    es_dw_header_t header = {.type = type, .len = (uint32_t)len, .id = id};
    if (self->dead) return;
    bytes_reserve(&self->out, sizeof header + len);
    memcpy(self->out.data + self->out.len, &header, sizeof header);
    if (len > 0) memcpy(self->out.data + self->out.len + sizeof header, data, len);
    self->out.len += sizeof header + len;
    flush(self);
    watch(self);
}

size_t es_decoder_link_unsent(const es_decoder_link_t *self)
{
    return self->out.len - self->out.from;
}
