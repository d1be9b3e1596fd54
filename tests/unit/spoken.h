/* Speech for tests: made by flite, or recordings from $EARSHOT_SPEECH, else ../shared/speech beside the source tree. 16 kHz mono. */
#ifndef ES_TEST_SPOKEN_H
#define ES_TEST_SPOKEN_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPOKEN_MAX = 16000 * 60 };

/* Reads at most max samples, behind a WAV head of 44 bytes where the name says so. Returns their number, 0 where there is no such file. */
static inline size_t spoken_read(const char *path, int16_t *pcm, size_t max)
{
    const char *dot = strrchr(path, '.');
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    size_t n = dot && strcmp(dot, ".wav") == 0 && fseek(file, 44, SEEK_SET) != 0 ? 0 : fread(pcm, 2, max, file);
    fclose(file);
    return n;
}

static inline size_t spoken_recording(const char *name, int16_t *pcm, size_t max)
{
    char path[1024];
    const char *dir = getenv("EARSHOT_SPEECH");
    snprintf(path, sizeof path, "%s/%s", dir ? dir : SPOKEN_SOURCE "/../shared/speech", name);
    return spoken_read(path, pcm, max);
}

/* Appends the phrase with half a second of silence before and behind. Returns the samples now in pcm, 0 where there is no flite. */
static inline size_t spoken_phrase(const char *voice, const char *text, int16_t *pcm, size_t n, size_t max)
{
    char path[64], command[512];
    snprintf(path, sizeof path, "/tmp/es-spoken-%d.wav", (int)getpid());
    snprintf(command, sizeof command, "flite -voice %s -t '%s' -o %s 2>/dev/null", voice, text, path);
    if (system(command) != 0 || n + 16000 > max) return 0;
    memset(pcm + n, 0, 16000);
    size_t spoken = spoken_read(path, pcm + n + 8000, max - n - 16000);
    unlink(path);
    if (spoken == 0) return 0;
    memset(pcm + n + 8000 + spoken, 0, 16000);
    return n + spoken + 16000;
}

#endif
