/* One recording through /ws: audio.start, chunks at the right time, audio.stop, and wait for audio.done. Every frame is kept until its words are final; where the connection is lost or
 * the server asks to go, it goes on over another one (session.resume), and finals are shown once, on one clock. */
#ifndef ES_STREAM_SESSION_H
#define ES_STREAM_SESSION_H

#include <signal.h>

#include "addresses.h"
#include "pcm_source.h"
#include "view.h"

/* Exit codes of `earshot stream`. */
enum {
    ES_STREAM_OK = 0,
    ES_STREAM_FAILED = 1, /* the server said error, or confirmed nothing for too long */
    ES_STREAM_USAGE = 2,
    ES_STREAM_NO_CONNECTION = 3,
    ES_STREAM_LOST = 4,
    ES_STREAM_INTERRUPTED = 130
};

typedef struct {
    es_addresses_t addresses;
    const char *language; /* or NULL */
    bool fast;            /* as fast as back-pressure allows; else as a microphone would */
    bool partials;
    uint64_t connect_us; /* to be connected within, each time */
    uint64_t silence_us; /* of the server, after which the connection is given up; it is asked at half of it */
    uint64_t wait_us;    /* with something outstanding, the longest time without any progress that is borne */
    size_t keep;   /* bytes of audio that are kept until their words are final; beyond it the source is not read */
    uint64_t seed; /* random */
} es_stream_session_t;

/* Runs to the end; tells on stderr what went wrong. Interrupts: *interrupts = 1 ends the recording as its end would, 2 ends at once. */
int es_stream_session_run(const es_stream_session_t *session, es_pcm_source_t *source, es_view_t *view,
                          const volatile sig_atomic_t *interrupts);

#endif
