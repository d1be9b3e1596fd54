/* One recording through /ws: connect, audio.start, chunks at the right time, audio.stop, and wait for audio.done. */
#ifndef ES_STREAM_SESSION_H
#define ES_STREAM_SESSION_H

#include <signal.h>

#include "pcm_source.h"
#include "view.h"
#include "ws_client.h"

/* Exit codes of `earshot stream`. */
enum {
    ES_STREAM_OK = 0,
    ES_STREAM_FAILED = 1, /* the server said error, or nothing for too long */
    ES_STREAM_USAGE = 2,
    ES_STREAM_NO_CONNECTION = 3,
    ES_STREAM_LOST = 4,
    ES_STREAM_INTERRUPTED = 130
};

typedef struct {
    const char *address; /* as the user knows it, for messages */
    es_ws_url_t url;
    const char *language; /* or NULL */
    bool fast;            /* as fast as back-pressure allows; else as a microphone would */
    bool partials;
    uint64_t connect_us; /* to be connected within */
    uint64_t wait_us;    /* with something outstanding, the longest silence of the server that is borne */
} es_stream_session_t;

/* Runs to the end; tells on stderr what went wrong. Interrupts: *interrupts = 1 ends the recording as its end would, 2 ends at once. */
int es_stream_session_run(const es_stream_session_t *session, es_pcm_source_t *source, es_view_t *view,
                          const volatile sig_atomic_t *interrupts);

#endif
