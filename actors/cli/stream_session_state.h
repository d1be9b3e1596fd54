/* What stream_session.c (the recording and time) and stream_hear.c (the connection and what the server says) share. */
#ifndef ES_STREAM_SESSION_STATE_H
#define ES_STREAM_SESSION_STATE_H

#include "stream_keep.h"
#include "stream_link.h"
#include "stream_place.h"
#include "stream_session.h"

/* Of the recording; connections come and go below. */
typedef enum { CONNECTING, SENDING, ENDING, CLOSING, OVER } es_stream_phase_t;

typedef struct {
    const es_stream_session_t *options;
    es_pcm_source_t *source;
    es_view_t *view;
    es_stream_link_t *link;
    es_stream_keep_t *keep;
    es_stream_place_t place;
    es_stream_phase_t phase;
    int status;
    bool up;      /* the server takes frames on this connection */
    bool resumed; /* so that it goes on where another one was */
    uint64_t now_us, begun_us, due_us;
    uint64_t heard_us, asked_us; /* anything; and was asked whether it lives */
    uint64_t progress_us;        /* something new was confirmed, or nothing was outstanding */
    uint64_t promised_us;        /* when this turn was to be at the latest */
    uint64_t read;               /* chunks of the source */
    uint64_t acked, acked_here;  /* frames, ever; on this connection */
    size_t failures;             /* connections that could not be made, before the first */
    uint64_t errors;
    bool heard_of_us; /* the server took audio of this stream */
    bool interrupted; /* and the user was told what a second time does */
    bool full;        /* and the user was told that the source is not read */
} es_stream_run_t;

__attribute__((format(printf, 2, 3))) void es_stream_say(es_stream_run_t *run, const char *format, ...);
void es_stream_end(es_stream_run_t *run, int status);
/* Is there anything that the server has not confirmed and that is expected to be? */
bool es_stream_outstanding(const es_stream_run_t *run);
/* Seconds of audio that the words before cover. */
double es_stream_committed_s(const es_stream_run_t *run);
/* Sends and frees text. */
void es_stream_send(es_stream_run_t *run, char *text);

/* What es_stream_link_new wants. */
extern const es_stream_link_ops_t es_stream_hear;

#endif
