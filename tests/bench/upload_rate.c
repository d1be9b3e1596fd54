/* Uploads a second that a jobs actor accepts, each with its fsyncs, straight from a sender: upload_rate BROKER [COUNT] [AT_ONCE] [BYTES].
 * Start earshot-broker and earshot-jobs with one --data on the disk that matters. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "job_wire.h"
#include "keymap.h"
#include "loop.h"
#include "sender_link.h"
#include "stream_sender.h"
#include "wire.h"

enum { AT_ONCE_MAX = 1024 };

typedef struct {
    struct bench *bench;
    es_sender_t *sender;
    char key[ES_CLIENT_ID_LEN + 1];
    uint64_t begun_us, deadline_us;
    bool over;
} upload_t;

typedef struct bench {
    es_loop_t *loop;
    es_sender_link_t *link;
    es_keymap_t *uploads;
    char prefix[ES_PREFIX_LEN + 1];
    char *file;
    uint64_t count, bytes, at_once, begun, done, refused, from_us, now_us;
    uint64_t *took_us;
    upload_t slots[AT_ONCE_MAX];
} bench_t;

static void transmit(void *ctx, const es_msg_t *msg, const void *body, size_t len)
{
    upload_t *self = ctx;
    es_sender_link_t *link = self->bench->link;
    es_sender_link_send(link, es_sender_link_broker(link, es_span(self->key)), es_span(self->key), msg, body, len);
}

static void deliver(void *ctx, const es_msg_t *final, const void *words, size_t len)
{
    upload_t *self = ctx;
    (void)words;
    (void)len;
    if (final->flags & ES_F_FAILED) {
        if (self->bench->refused++ == 0) fprintf(stderr, "%.*s\n", (int) final->text.len, final->text.ptr);
        self->over = true;
    }
}

static void done(void *ctx)
{
    upload_t *self = ctx;
    bench_t *bench = self->bench;
    if (!self->over) bench->took_us[bench->done++] = bench->now_us - self->begun_us;
    self->over = true;
}

static void writable(void *ctx)
{
    (void)ctx;
}

static void begin(bench_t *bench, upload_t *self)
{
    static const es_sender_ops_t ops = {.transmit = transmit, .deliver = deliver, .done = done, .writable = writable};
    char head[256], hex[17];
    es_sender_config_t config = es_sender_defaults();
    config.service = ES_UPLOAD_SERVICE;
    *self = (upload_t){.bench = bench, .begun_us = bench->now_us};
    snprintf(self->key, sizeof self->key, "%s%010" PRIx64, bench->prefix, ++bench->begun);
    es_hex16(es_random_u64(), hex);
    int len = snprintf(head, sizeof head, "{\"job\":\"%.8s-0000-4000-8000-%012" PRIx64 "\",\"session\":\"bench\"}", hex,
                       bench->begun);
    es_keymap_put(bench->uploads, es_span(self->key), self);
    self->sender = es_sender_new(&config, &ops, self, 0);
    es_sender_push(self->sender, 0, 0, head, (size_t)len, 0, bench->now_us);
    for (uint64_t at = 0; at < bench->bytes; at += ES_UPLOAD_PIECE) {
        uint64_t left = bench->bytes - at;
        es_sender_push(self->sender, 0, at, bench->file + at, left < ES_UPLOAD_PIECE ? left : ES_UPLOAD_PIECE, 0,
                       bench->now_us);
    }
    es_sender_push(self->sender, ES_F_EOS, bench->bytes, NULL, 0, 0, bench->now_us);
    self->deadline_us = es_sender_deadline(self->sender);
}

static void end(bench_t *bench, upload_t *self)
{
    es_sender_close(self->sender);
    es_keymap_remove(bench->uploads, es_span(self->key));
    es_sender_destroy(&self->sender);
}

static void message(void *ctx, int broker, es_span_t key, const es_msg_t *msg, const void *body, size_t len,
                    uint64_t now_us)
{
    bench_t *bench = ctx;
    upload_t *self = es_keymap_get(bench->uploads, key);
    bench->now_us = now_us;
    if (!self) return;
    bool own = broker == es_sender_link_broker(bench->link, key);
    es_sender_link_deliver(self->sender, own, msg, body, len, now_us);
    self->deadline_us = es_sender_deadline(self->sender);
}

static int by_time(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void report(bench_t *bench)
{
    double seconds = (double)(bench->now_us - bench->from_us) / 1e6;
    qsort(bench->took_us, bench->done, sizeof *bench->took_us, by_time);
    printf("%" PRIu64 " uploads of %" PRIu64 " bytes, %" PRIu64 " at once: %.0f/s, %" PRIu64
           " refused; p50 %.1f ms, p99 %.1f ms\n",
           bench->done, bench->bytes, bench->at_once, (double)bench->done / seconds, bench->refused,
           (double)bench->took_us[bench->done / 2] / 1e3, (double)bench->took_us[bench->done * 99 / 100] / 1e3);
}

static uint64_t tick(void *ctx, uint64_t now_us)
{
    bench_t *bench = ctx;
    uint64_t next = es_sender_link_tick(bench->link, now_us);
    bench->now_us = now_us;
    if (!es_sender_link_ready(bench->link)) return next;
    if (!bench->from_us) bench->from_us = now_us;
    for (size_t i = 0; i < bench->at_once; i++) {
        upload_t *self = &bench->slots[i];
        if (self->sender && self->over) end(bench, self);
        if (!self->sender && bench->begun < bench->count) begin(bench, self);
        if (!self->sender) continue;
        if (self->deadline_us <= now_us) self->deadline_us = es_sender_tick(self->sender, now_us);
        if (self->deadline_us < next) next = self->deadline_us;
    }
    if (bench->done + bench->refused >= bench->count) es_loop_stop(bench->loop);
    return next;
}

static bool readable(void *ctx, uint64_t now_us)
{
    bench_t *bench = ctx;
    return es_sender_link_drain(bench->link, ES_LOOP_BATCH, now_us);
}

static void flush(void *ctx)
{
    es_sender_link_flush(((bench_t *)ctx)->link);
}

static uint64_t argument(int argc, char **argv, int i, uint64_t initial)
{
    return argc > i ? strtoull(argv[i], NULL, 10) : initial;
}

int main(int argc, char **argv)
{
    static const es_sender_link_ops_t ops = {.message = message};
    static bench_t bench;
    void *sockets[8];
    char hex[17];
    if (argc < 2) return 2;
    bench.count = argument(argc, argv, 2, 10000);
    bench.at_once = argument(argc, argv, 3, 128);
    bench.bytes = argument(argc, argv, 4, 3200);
    if (bench.at_once > AT_ONCE_MAX) bench.at_once = AT_ONCE_MAX;
    bench.file = es_alloc_zero(bench.bytes + 1);
    bench.took_us = es_alloc_zero((bench.count + 1) * sizeof *bench.took_us);
    es_hex16(es_random_u64(), hex);
    memcpy(bench.prefix, hex, ES_PREFIX_LEN);
    bench.uploads = es_keymap_new();
    bench.loop = es_loop_new();
    bench.link = es_sender_link_new(argv[1], bench.prefix, &ops, &bench);
    if (!bench.link) return 2;
    int n = es_sender_link_sockets(bench.link, sockets, 8);
    for (int i = 0; i < n; i++) es_loop_add_socket(bench.loop, sockets[i], readable, &bench);
    es_loop_add_tick(bench.loop, tick, &bench);
    es_loop_add_flush(bench.loop, flush, &bench);
    es_loop_run(bench.loop);
    report(&bench);
    for (size_t i = 0; i < bench.at_once; i++)
        if (bench.slots[i].sender) end(&bench, &bench.slots[i]);
    es_sender_link_destroy(&bench.link);
    es_loop_destroy(&bench.loop);
    es_keymap_destroy(&bench.uploads);
    free(bench.file);
    free(bench.took_us);
    return bench.refused > 0;
}
