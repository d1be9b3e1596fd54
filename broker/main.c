#include "broker_actor.h"
#include "runner.h"

int main(int argc, char **argv)
{
    es_runner_prepare();
    es_broker_config_t config;
    es_config_result_t loaded = es_broker_config_load(&config, argc, argv);
    if (loaded == ES_CONFIG_OK && es_broker_identity(&config) != 0) loaded = ES_CONFIG_ERROR;
    int status = loaded == ES_CONFIG_OK     ? es_runner_main(es_broker_actor, &config, &config.common)
                 : loaded == ES_CONFIG_HELP ? 0
                                            : 2;
    es_broker_config_fini(&config);
    return status;
}
