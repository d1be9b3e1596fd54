#include <stdio.h>

#include "engines/engines.h"
#include "transcriber_actor.h"

#define SECOND UINT64_C(1000000)

static const es_option_t options[] = {
    ES_OPT_CHOICE(es_transcriber_config_t, engine, "engine", "mock", ES_ENGINE_CHOICES,
                  "what listens; mock answers every frame with its number and size"),
    ES_OPT_UINT(es_transcriber_config_t, capacity, "capacity", NULL, "0", 0, 100000,
                "streams at once; 0: as the engine likes (mock 10000, pocketsphinx 8)"),
    ES_OPT_UINT(es_transcriber_config_t, decoders, "decoders", NULL, "0", 0, ES_TRANSCRIBER_DECODERS_MAX,
                "processes that decode live streams; 0: one for each core"),
    ES_OPT_UINT(es_transcriber_config_t, decoder_starts, "decoder-starts", NULL, "20", 1, 1000000,
                "so many decoders in a row that do not start, and the transcriber ends with exit code 1: another one "
                "has its streams"),
    ES_OPT_UINT(es_transcriber_config_t, partials, "partials", NULL, "2", 0, ES_TRANSCRIBER_DECODERS_MAX,
                "streams that get partial words at once, those that ask first; they cost a fifth of a core each"),
    ES_OPT_UINT(
        es_transcriber_config_t, batch_nice, "batch-nice", NULL, "19", 0, 19,
        "file jobs have decoders of their own, so much nicer than those of live streams; 19: only what these leave"),
    ES_OPT_UINT(es_transcriber_config_t, delay_ms, "delay-ms", NULL, "0", 0, 60000,
                "mock: answer so many milliseconds after the frame"),
    ES_OPT_DURATION(es_transcriber_config_t, segment_deadline_us, "segment-deadline", "5s", SECOND / 10, 600 * SECOND,
                    "a decoder that takes longer, and longer than three times the speech, is replaced and its segment "
                    "tried once more"),
    ES_OPT_DURATION(es_transcriber_config_t, drain_timeout_us, "drain-timeout", "10s", 0, 600 * SECOND,
                    "after SIGTERM serve open streams for at most so long"),
    ES_OPT_DURATION(es_transcriber_config_t, idle_us, "stream-idle", "10m", SECOND, 86400 * SECOND,
                    "forget a stream that is silent for so long; shorter than the broker does"),
    ES_OPT_STR(es_transcriber_config_t, model_dir, "model-dir", NULL, "/usr/share/pocketsphinx/model/en-us", 512,
               "pocketsphinx: directory with en-us, en-us.lm.bin and cmudict-en-us.dict"),
    ES_OPT_END};

const es_option_t *const es_transcriber_option_tables[] = {es_common_options, options, NULL};

const es_config_about_t es_transcriber_about = {
    .program = "earshot-transcriber",
    .usage = "[OPTIONS]",
    .about = "Takes streams of audio from the brokers and gives the words back.",
    .epilog = "Exit codes: 0 after SIGTERM or SIGINT, 1 where it could not start or lost its decoders, 2 for a wrong "
              "option or a model that cannot be loaded."};

es_config_result_t es_transcriber_config_load(es_transcriber_config_t *config, int argc, char **argv)
{
    int rest = argc;
    config->zygote = NULL; /* no option */
    es_config_result_t result =
        es_config_load(config, es_transcriber_option_tables, &es_transcriber_about, argc, argv, &rest);
    if (result != ES_CONFIG_OK) return result;
    if (rest < argc) {
        fprintf(stderr, "earshot-transcriber: unexpected argument \"%s\"; see --help\n", argv[rest]);
        return ES_CONFIG_ERROR;
    }
    return es_common_config_settle(&config->common, "transcriber-1") == 0 ? ES_CONFIG_OK : ES_CONFIG_ERROR;
}
