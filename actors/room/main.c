#include "curve.h"
#include "room_actor.h"
#include "runner.h"

int main(int argc, char **argv)
{
    es_runner_prepare();
    es_room_config_t config;
    es_config_result_t loaded = es_room_config_load(&config, argc, argv);
    if (loaded == ES_CONFIG_OK && es_curve_init(&config.common, ES_ROLE_ROOM, NULL) != 0) loaded = ES_CONFIG_ERROR;
    int status = loaded == ES_CONFIG_HELP ? 0 : 2;
    if (loaded == ES_CONFIG_OK) status = es_runner_main(es_room_actor, &config, &config.common);
    es_room_config_fini(&config);
    return status;
}
