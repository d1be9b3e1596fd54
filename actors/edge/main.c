#include "curve.h"
#include "edge_actor.h"
#include "otlp.h"

int main(int argc, char **argv)
{
    es_edge_config_t config;
    es_runner_prepare();
    es_config_result_t result = es_edge_config_load(&config, argc, argv);
    if (result == ES_CONFIG_OK && es_curve_init(&config.common, ES_ROLE_EDGE, NULL) != 0) result = ES_CONFIG_ERROR;
    int status = result == ES_CONFIG_HELP ? 0 : 2;
    es_otlp_t *otlp = NULL;
    if (result == ES_CONFIG_OK && es_otlp_start(&otlp, &config.common, "earshot-edge") == 0)
        status = es_runner_main(es_edge_actor, &config, &config.common);
    es_otlp_stop(&otlp);
    es_edge_config_fini(&config);
    return status;
}
