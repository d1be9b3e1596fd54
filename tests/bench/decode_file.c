/* decode_file FILE...: what the transcriber would say of recordings (16 kHz mono, .wav or raw), one line each, without any of the rest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engines/engines.h"
#include "transcript.h"

enum { CHUNK = 320, MODEL_DIR_ERR = 400 };

static struct {
    const es_engine_t *engine;
    void *decoder;
    es_transcript_t *transcript;
    const char *gap;
} t;

static void on_segment(void *ctx, uint64_t id, const int16_t *pcm, size_t samples)
{
    es_engine_result_t result = {0};
    (void)ctx;
    t.engine->begin(t.decoder, &(es_segment_t){.live = false});
    for (size_t at = 0; at < samples; at += ES_ENGINE_FEED)
        t.engine->feed(t.decoder, pcm + at, samples - at < ES_ENGINE_FEED ? samples - at : ES_ENGINE_FEED);
    t.engine->end(t.decoder, &result);
    es_transcript_result(t.transcript, id, &result);
}

static void on_final(void *ctx, const es_final_t *final)
{
    (void)ctx;
    if (final->text.len == 0) return;
    printf("%s%.*s", t.gap, (int) final->text.len, final->text.ptr);
    t.gap = " ";
}

/* Goes to the samples of a WAV file: past all chunks before the one called data. */
static int find_data(FILE *file)
{
    unsigned char chunk[8];
    if (fseek(file, 12, SEEK_SET) != 0) return -1;
    while (fread(chunk, sizeof chunk, 1, file) == 1) {
        long len = (long)(chunk[4] | (unsigned)chunk[5] << 8 | (unsigned)chunk[6] << 16 | (unsigned)chunk[7] << 24);
        if (memcmp(chunk, "data", 4) == 0) return 0;
        if (fseek(file, (long)len + len % 2, SEEK_CUR) != 0) break;
    }
    errno = EINVAL;
    return -1;
}

static int decode(const char *path)
{
    static const es_transcript_ops_t ops = {.segment = on_segment, .final = on_final};
    int16_t pcm[CHUNK];
    uint64_t seq = 0;
    FILE *file = fopen(path, "rb");
    const char *dot = strrchr(path, '.');
    if (!file || (dot && strcmp(dot, ".wav") == 0 && find_data(file) != 0)) {
        perror(path);
        if (file) fclose(file);
        return -1;
    }
    t.gap = "";
    t.transcript = es_transcript_new(&ops, NULL, 0, 0, (es_span_t){0}, NULL);
    for (size_t n; (n = fread(pcm, sizeof *pcm, CHUNK, file)) > 0;)
        es_transcript_frame(t.transcript, ++seq, 0, pcm, n * sizeof *pcm);
    es_transcript_frame(t.transcript, ++seq, ES_F_EOS, NULL, 0);
    puts("");
    fclose(file);
    es_transcript_destroy(&t.transcript);
    return 0;
}

int main(int argc, char **argv)
{
    char err[MODEL_DIR_ERR];
    int status = 0;
    const char *dir = getenv("EARSHOT_MODEL_DIR");
    es_engine_config_t config = {.model_dir = dir ? dir : "/usr/share/pocketsphinx/model/en-us"};
    t.engine = &es_engine_pocketsphinx;
    t.decoder = t.engine->load(&config, err, sizeof err);
    if (!t.decoder) {
        fprintf(stderr, "%s\n", err);
        return 2;
    }
    for (int i = 1; i < argc; i++)
        if (decode(argv[i]) != 0) status = 1;
    t.engine->free(t.decoder);
    return status;
}
