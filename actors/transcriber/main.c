#include "curve.h"
#include "otlp.h"
#include "runner.h"
#include "transcriber_actor.h"

int main(int argc, char **argv)
{
    es_runner_prepare();
    es_transcriber_config_t config;
    es_config_result_t loaded = es_transcriber_config_load(&config, argc, argv);
    if (loaded == ES_CONFIG_OK && es_curve_init(&config.common, ES_ROLE_TRANSCRIBER, NULL) != 0)
        loaded = ES_CONFIG_ERROR;
    int status = loaded == ES_CONFIG_HELP ? 0 : 2;
    es_otlp_t *otlp = NULL;
    if (loaded == ES_CONFIG_OK && es_transcriber_prepare(&config) == 0 &&
        es_otlp_start(&otlp, &config.common, "earshot-transcriber") == 0)
        status = es_runner_main(es_transcriber_actor, &config, &config.common);
    es_otlp_stop(&otlp);
    es_transcriber_config_fini(&config);
    return status;
}
