#include "curve.h"
#include "otlp.h"
#include "runner.h"
#include "transcriber_actor.h"

static int run(es_transcriber_config_t *config)
{
    es_otlp_t *otlp = NULL;
    int status = es_transcriber_prepare(config);
    if (status != 0) return status;
    status = 2;
    if (es_otlp_start(&otlp, &config->common, "earshot-transcriber") == 0)
        status = es_runner_main(es_transcriber_actor, config, &config->common);
    es_otlp_stop(&otlp);
    return status;
}

int main(int argc, char **argv)
{
    es_runner_prepare();
    es_transcriber_config_t config;
    es_config_result_t loaded = es_transcriber_config_load(&config, argc, argv);
    if (loaded == ES_CONFIG_OK && es_curve_init(&config.common, ES_ROLE_TRANSCRIBER, NULL) != 0)
        loaded = ES_CONFIG_ERROR;
    int status = loaded == ES_CONFIG_HELP ? 0 : 2;
    if (loaded == ES_CONFIG_OK) status = run(&config);
    es_transcriber_config_fini(&config);
    return status;
}
