/* How a file of sound is read, whatever library does it. Blocks; for the child that decodes. */
#ifndef ES_AUDIO_FILE_H
#define ES_AUDIO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int rate;        /* samples a second and channel */
    int channels;    /* as read gives them, interleaved */
    int original;    /* channels of the file, for people */
    uint64_t frames; /* samples of a channel that the file says it has; 0: it does not say */
    bool mpeg;       /* better read by es_mpeg_reader */
    char name[80];   /* "WAV 16 bit" */
} es_audio_info_t;

typedef struct {
    /* Takes the descriptor, which is closed in any case. NULL with the reason in err, or with err empty: it is of no kind that this reader knows. */
    void *(*open)(int fd, es_audio_info_t *info, char *err, size_t err_len);
    /* At most n frames, full scale is 1.0; 0 at the end. *holes grows where something could not be read and is left out. */
    size_t (*read)(void *file, float *frames, size_t n, unsigned *holes);
    void (*close)(void *file);
} es_audio_reader_t;

/* libsndfile: wav, aiff, flac, ogg, opus and many more. It knows MPEG audio, but believes what the file says of its length, and stops there. */
extern const es_audio_reader_t es_sound_reader;
/* libmpg123: MPEG audio to its end, also where its length stands nowhere, where two recordings follow one another in one file, and where a part of it is damaged. */
extern const es_audio_reader_t es_mpeg_reader;

#define ES_AUDIO_TRIES 64 /* a reader that lost its place finds it again when it is asked again, or never */

#endif
