/* A decoder for each test, and a message with every field. */
#ifndef ES_ENVELOPE_WORLD_H
#define ES_ENVELOPE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "envelope.h"

static inline int with_decoder(void **state)
{
    *state = es_decoder_new();
    return 0;
}

static inline int without_decoder(void **state)
{
    es_decoder_destroy((es_decoder_t **)state);
    return 0;
}

static inline es_msg_t everything(void)
{
    static const char trace[ES_TRACE_LEN] = "\0\1\2\3\4\5\6\7";
    es_msg_t msg = {
        .kind = 77, .epoch = 3, .seq = UINT64_MAX, .time_us = 1700000000000000, .trace = es_span_of(trace, 25)};
    ES_SET(&msg, ES_M_FLAGS, flags, ES_F_START | ES_F_PARTIALS);
    ES_SET(&msg, ES_M_POS, pos, 1);
    ES_SET(&msg, ES_M_BASE, base, 200);
    ES_SET(&msg, ES_M_COMMITTED, committed, 70000);
    ES_SET(&msg, ES_M_CHECKPOINT, checkpoint, es_span_of("\0\xff\x80", 3));
    ES_SET(&msg, ES_M_INC, inc, UINT64_MAX);
    ES_SET(&msg, ES_M_EXPECTED, expected, UINT64_C(1) << 40);
    ES_SET(&msg, ES_M_FROM, from_seq, 8);
    ES_SET(&msg, ES_M_TO, to_seq, 9);
    ES_SET(&msg, ES_M_TEXT, text, es_span("gr\xc3\xbc\xc3\x9f dich, \xf0\x9f\x91\x8b"));
    ES_SET(&msg, ES_M_START, start, 11);
    ES_SET(&msg, ES_M_END, end, 12);
    ES_SET(&msg, ES_M_SERVICE, service, es_span("transcribe"));
    ES_SET(&msg, ES_M_PLACE, place, 14);
    ES_SET(&msg, ES_M_REASON, reason, es_span("why"));
    ES_SET(&msg, ES_M_CAPACITY, capacity, 16);
    ES_SET(&msg, ES_M_LOAD, load, 17);
    ES_SET(&msg, ES_M_SIZE, size, 18);
    ES_SET(&msg, ES_M_NAME, name, es_span("transcriber-1"));
    ES_SET(&msg, ES_M_LANGUAGE, language, es_span("en"));
    ES_SET(&msg, ES_M_PRIORITY, priority, 21);
    ES_SET(&msg, ES_M_LAG_US, lag_us, 22);
    ES_SET(&msg, ES_M_COUNT, count, 23);
    ES_SET(&msg, ES_M_CONFIDENCE, confidence, 1000);
    ES_SET(&msg, ES_M_CLIENT, client, es_span("3f9a0c00000000a1"));
    ES_SET(&msg, ES_M_SESSION, session, es_span("5b1f0c9e77d24a60"));
    ES_SET(&msg, ES_M_MSG_ID, msg_id, es_span("a1"));
    ES_SET(&msg, ES_M_ROOM, room, es_span("lobby"));
    ES_SET(&msg, ES_M_LOG, log, UINT64_MAX - 29);
    ES_SET(&msg, ES_M_RSEQ, rseq, 30);
    ES_SET(&msg, ES_M_FLOOR, floor, 31);
    ES_SET(&msg, ES_M_STREAM, stream, es_span("a1-1"));
    ES_SET(&msg, ES_M_DEATHS, deaths, 33);
    ES_SET(&msg, ES_M_SHARED, shared, 34);
    return msg;
}

#endif
