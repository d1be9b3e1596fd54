#include "cmd.h"

#include <stddef.h>

const es_cmd_t es_cmd_table[] = {
    {"up", "start a house here: broker, edge and all that serves, and keep it alive", es_cmd_up},
    {"stream", "send a recording or a live source, print the words", es_cmd_stream},
    {"chat", "take part in a room: say lines, see what others say and speak", es_cmd_chat},
    {"jobs", "send recordings, see what becomes of them: submit, list, show, watch, cancel, retry, rm", es_cmd_jobs},
    {"status", "who is there and what is going on", es_cmd_status},
    {"doctor", "is all as it must be, and what is to be mended where it is not", es_cmd_doctor},
    {"drain", "have an actor give its work away and end", es_cmd_drain},
    {"dead", "what was given up for good: list, show, inject, rm", es_cmd_dead},
    {"keygen", "make a pair of keys for an actor, an observer or the broker", es_cmd_keygen},
    {"keys", "who may come to the broker over tcp: add, revoke, list", es_cmd_keys},
    {"token", "make a token or an API key for somebody who is to come to an edge", es_cmd_token},
    {NULL, NULL, NULL},
};
