#include "edge_actor.h"

int main(int argc, char **argv)
{
    es_edge_config_t config;
    es_runner_prepare();
    es_config_result_t result = es_edge_config_load(&config, argc, argv);
    int status = result == ES_CONFIG_HELP ? 0 : 2;
    if (result == ES_CONFIG_OK) status = es_runner_main(es_edge_actor, &config, &config.common);
    es_edge_config_fini(&config);
    return status;
}
