#include "cmd.h"

#include <string.h>

#include "config_parts.h"

const es_cmd_t es_cmd_table[] = {
    {"up", "start a house here: broker, edge and all that serves, and keep it alive", es_cmd_up},
    {"stream", "send a recording or a live source, print the words", es_cmd_stream},
    {"chat", "take part in a room: say lines, see what others say and speak", es_cmd_chat},
    {"jobs", "send recordings, see what becomes of them: submit, list, show, watch, cancel, retry, rm", es_cmd_jobs},
    {"status", "who is there and what is going on", es_cmd_status},
    {"drain", "have an actor give its work away and end", es_cmd_drain},
    {NULL, NULL, NULL},
};

const es_cmd_t *es_cmd_find(const char *name)
{
    for (const es_cmd_t *c = es_cmd_table; c->name; c++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}

const es_cmd_t *es_cmd_nearest(const char *name)
{
    const es_cmd_t *best = NULL;
    unsigned least = 4;
    for (const es_cmd_t *c = es_cmd_table; c->name; c++) {
        unsigned distance = es_config_distance(c->name, name);
        if (distance >= least || distance >= strlen(c->name)) continue;
        least = distance;
        best = c;
    }
    return best;
}

void es_cmd_help(FILE *out)
{
    fputs("Usage: earshot COMMAND [OPTIONS]\n\nLive audio in, words out.\n\nCommands:\n", out);
    for (const es_cmd_t *c = es_cmd_table; c->name; c++) fprintf(out, "  %-10s%s\n", c->name, c->about);
    fputs("\n\"earshot COMMAND --help\" tells the options and exit codes of one.\n", out);
}
