/* What turns a segment of speech into words.
 *
 * The unit of work is a segment, cut by the host (segmenter.h), the same for every engine:
 *
 *      load ---> attach ---> begin --> feed ... --> end --> (pump ...) --> begin --> ...  free
 *    (zygote)   (child)        |                     ^
 *                              `-> partial, cancel --'
 *
 * `load` happens once, in a process that has no threads and forks afterwards; all else happens in a child of it, by one thread. Results come out of
 * calls only, exactly one for each `end`: a text or an error. Times are samples relative to the segment; the host makes them absolute.
 *
 * An engine with ES_ENGINE_RAW_FRAMES gets no segments but every frame as it came, begin to end, in the host's own process: it must not
 * take longer than a microsecond or two.
 */
#ifndef ES_ENGINE_H
#define ES_ENGINE_H

#include "catalogue.h"

#define ES_ENGINE_FEED 1600u      /* samples of one feed; the last of a segment may be shorter */
#define ES_ENGINE_WORDS_MAX 512u  /* words of one segment; 15 s of speech have about 60 */
#define ES_ENGINE_REASON_MAX 200u /* bytes of an error */

enum {
    ES_ENGINE_PARTIALS = 1u,   /* partial() says something before end() */
    ES_ENGINE_WORDS = 2u,      /* results have words with times */
    ES_ENGINE_STREAMING = 4u,  /* works while it is fed, not only in end() */
    ES_ENGINE_ASYNC = 8u,      /* end() may answer ES_ENGINE_LATER; fd and pump are there */
    ES_ENGINE_RAW_FRAMES = 16u /* no segmentation: one result for each frame, in the host's process */
};

typedef struct {
    const char *model_dir; /* where the models are */
    uint64_t delay_us;     /* of a raw engine's answers; kept by the host */
} es_engine_config_t;

typedef struct {
    const char *client_id; /* raw frames only */
    uint64_t seq, bytes;   /* raw frames only: the frame, and how large the client's chunk was */
    bool live;             /* partials of it will be asked for, and nothing else */
} es_segment_t;

/* Spans live until the engine's next call. */
typedef struct {
    es_span_t text;
    const es_word_t *words; /* start, end: samples relative to the segment */
    size_t n_words;
    uint32_t confidence; /* thousandths; 0: not known */
    es_span_t error;     /* set where the call failed */
} es_engine_result_t;

typedef enum { ES_ENGINE_OK = 0, ES_ENGINE_ERROR = -1, ES_ENGINE_LATER = 1 } es_engine_status_t;

typedef struct es_engine {
    const char *name;
    unsigned capabilities;
    uint32_t capacity; /* streams at once where nothing else is configured */
    /* The model, or NULL with a sentence in err. Other names than `self` are optional (NULL). */
    void *(*load)(const es_engine_config_t *config, char *err, size_t err_len);
    /* One decoder over the model; NULL where it cannot be. */
    void *(*attach)(void *model);
    es_engine_status_t (*begin)(void *self, const es_segment_t *segment);
    es_engine_status_t (*feed)(void *self, const int16_t *pcm, size_t samples);
    /* Words so far; the host decides when. */
    es_engine_status_t (*partial)(void *self, es_engine_result_t *out);
    es_engine_status_t (*end)(void *self, es_engine_result_t *out);
    void (*cancel)(void *self);
    /* Asynchronous ones: readable when pump should be called. */
    int (*fd)(void *self);
    es_engine_status_t (*pump)(void *self, es_engine_result_t *out);
    void (*free)(void *self);
} es_engine_t;

#endif
