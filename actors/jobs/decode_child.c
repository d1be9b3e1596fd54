#include "decode_child.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "decode_confine.h"
#include "decode_wire.h"
#include "recording.h"

/* The host is gone, or as good as gone. */
static void say(int fd, const es_decode_msg_t *msg)
{
    char packet[ES_DECODE_PACKET_MAX];
    size_t len = es_decode_pack(msg, packet);
    ssize_t n;
    do n = send(fd, packet, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0) _exit(0);
}

static void say_text(int fd, es_decode_kind_t kind, uint64_t pos, uint64_t limit, const char *text)
{
    es_decode_msg_t msg = {.kind = kind, .pos = pos, .limit = limit, .text = text, .text_len = text ? strlen(text) : 0};
    say(fd, &msg);
}

/* Decoded from the first sample on: what is skipped leaves its trace in the decoder and the resampler, and so in what follows. Returns what was skipped. */
static uint64_t skip(int fd, es_recording_t *file, uint64_t pos)
{
    int16_t frame[ES_DECODE_FRAME];
    uint64_t at = 0, told = 0;
    while (at < pos) {
        size_t want = pos - at < ES_DECODE_FRAME ? (size_t)(pos - at) : ES_DECODE_FRAME;
        size_t n = es_recording_read(file, frame, want);
        at += n;
        if (n < want) break;
        if (at - told < ES_DECODE_BUSY) continue;
        told = at;
        say_text(fd, ES_DECODE_BUSY_AT, at, 0, NULL);
    }
    return at;
}

static void decode(int fd, es_recording_t *file, const es_decode_msg_t *order)
{
    int16_t frame[ES_DECODE_FRAME];
    size_t n = ES_DECODE_FRAME;
    say_text(fd, ES_DECODE_INFO, 0, es_recording_duration(file), es_recording_format(file));
    uint64_t at = skip(fd, file, order->pos);
    while (n == ES_DECODE_FRAME && at <= order->limit) {
        n = es_recording_read(file, frame, ES_DECODE_FRAME);
        es_decode_msg_t msg = {.kind = ES_DECODE_AUDIO, .pos = at, .samples = frame, .n_samples = n};
        if (n > 0) say(fd, &msg);
        at += n;
    }
    say_text(fd, ES_DECODE_END, at, 0, es_recording_damage(file));
}

/* An order and the file that comes with it. False at the end. */
static bool receive(int fd, char packet[ES_DECODE_PACKET_MAX], es_decode_msg_t *order, int *file)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {packet, ES_DECODE_PACKET_MAX};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    do n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    const struct cmsghdr *extra = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
    *file = -1;
    if (extra && extra->cmsg_type == SCM_RIGHTS) memcpy(file, CMSG_DATA(extra), sizeof *file);
    return n > 0 && es_decode_unpack(packet, (size_t)n, order) == 0 && order->kind == ES_DECODE_OPEN && *file >= 0;
}

_Noreturn void es_decode_child_run(int fd, uint64_t memory)
{
    char packet[ES_DECODE_PACKET_MAX], err[ES_DECODE_TEXT_MAX];
    es_decode_msg_t order;
    int file;
    es_decode_confine(memory);
    while (receive(fd, packet, &order, &file)) {
        es_decode_bound_cpu(order.cpu_s);
        es_recording_t *recording = es_recording_open(file, err, sizeof err);
        if (recording)
            decode(fd, recording, &order);
        else
            say_text(fd, ES_DECODE_REFUSED, 0, 0, err);
        es_recording_close(&recording);
    }
    _exit(0);
}
