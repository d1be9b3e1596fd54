#include <stdio.h>

#include "room_actor.h"
#include "room_wire.h"

#define SECOND UINT64_C(1000000)
#define DAY (86400 * SECOND)

static const es_option_t options[] = {
    ES_OPT_DURATION(es_room_config_t, grace_us, "member-grace", "10s", SECOND / 10, 3600 * SECOND,
                    "who is away for so long leaves the room"),
    ES_OPT_DURATION(es_room_config_t, silence_us, "edge-silence", "6s", SECOND / 10, 3600 * SECOND,
                    "an edge that says nothing for so long has its members away; edges speak every 2 s"),
    ES_OPT_UINT(es_room_config_t, history, "history", NULL, "1000", 100, 1000000,
                "messages and captions kept of a room, and as many joins and leaves"),
    ES_OPT_DURATION(es_room_config_t, age_us, "history-age", "168h", 60 * SECOND, 3650 * DAY,
                    "events older than this are given up, and rooms that were not used for so long forgotten"),
    ES_OPT_UINT(es_room_config_t, max_rooms, "max-rooms", NULL, "10000", 1, 1000000,
                "rooms open at once; more are refused"),
    ES_OPT_UINT(es_room_config_t, max_members, "max-members", NULL, "10000", 1, 100000, "members of one room"),
    ES_OPT_UINT(es_room_config_t, max_text, "max-text", NULL, "2048", 1, ES_ROOM_TEXT_MAX, "bytes of one message"),
    ES_OPT_DURATION(es_room_config_t, dedup_us, "dedup", "1h", 60 * SECOND, 30 * DAY,
                    "a message that is said again within this is known by its msg_id, and there once"),
    ES_OPT_END};

const es_option_t *const es_room_option_tables[] = {es_common_options, options, NULL};

const es_config_about_t es_room_about = {
    .program = "earshot-room",
    .usage = "[OPTIONS]",
    .about = "Keeps rooms: who is there, and what was said, in rooms.db in --data. Several may share one file.",
    .epilog = "Exit codes: 0 after SIGTERM or SIGINT, 1 where it could not start, 2 for a wrong option."};

es_config_result_t es_room_config_load(es_room_config_t *config, int argc, char **argv)
{
    int rest = argc;
    es_config_result_t result = es_config_load(config, es_room_option_tables, &es_room_about, argc, argv, &rest);
    if (result != ES_CONFIG_OK) return result;
    if (rest < argc) {
        fprintf(stderr, "earshot-room: unexpected argument \"%s\"; see --help\n", argv[rest]);
        return ES_CONFIG_ERROR;
    }
    return es_common_config_settle(&config->common, "room-1") == 0 ? ES_CONFIG_OK : ES_CONFIG_ERROR;
}

void es_room_config_fini(es_room_config_t *config)
{
    es_config_fini(config, es_room_option_tables);
}
