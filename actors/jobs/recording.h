/* A recording read as 16 kHz mono, whatever it was. libsndfile reads it, its channels are averaged. Blocks; for the child that decodes. */
#ifndef ES_RECORDING_H
#define ES_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct es_recording es_recording_t;

/* Takes the descriptor, which is closed in any case. NULL with a sentence for people in err: what it is not, what is taken. */
es_recording_t *es_recording_open(int fd, char *err, size_t err_len);
void es_recording_close(es_recording_t **self_p);
/* Samples at 16 kHz that the file says it has; 0: it does not say. */
uint64_t es_recording_duration(const es_recording_t *self);
/* "MPEG layer 3, 44100 Hz, 2 channels" */
const char *es_recording_format(const es_recording_t *self);
/* The next n samples; fewer, or none, only at the end. */
size_t es_recording_read(es_recording_t *self, int16_t *out, size_t n);
/* At the end: what is missing, where the file is damaged ("damaged: 2.5 of 5.0 s could be read"); NULL where that was all. */
const char *es_recording_damage(const es_recording_t *self);

#endif
