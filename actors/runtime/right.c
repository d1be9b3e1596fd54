#include "right.h"

#include <string.h>

static const struct {
    const char *name;
    es_right_t right;
} rights[] = {
    {"stream", ES_RIGHT_STREAM}, {"room.join", ES_RIGHT_ROOM_JOIN}, {"room.say", ES_RIGHT_ROOM_SAY},
    {"jobs", ES_RIGHT_JOBS},     {"dashboard", ES_RIGHT_DASHBOARD}, {"admin", ES_RIGHT_ADMIN},
};

const char *es_right_name(es_right_t right)
{
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
        if (rights[i].right == right) return rights[i].name;
    return NULL;
}

unsigned es_right_named(es_span_t name)
{
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
        if (es_span_eq(name, es_span(rights[i].name))) return rights[i].right;
    return 0;
}

const char *es_right_names(void)
{
    return "stream, room.join, room.say, jobs, dashboard and admin";
}
