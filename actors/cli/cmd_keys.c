#include "cmd_keys.h"

#include "cmd_family.h"

static const es_cmd_t commands[] = {
    {"add", "let the owner of a public key come to the broker over tcp", es_cmd_keys_add},
    {"revoke", "let somebody come no more, from now on", es_cmd_keys_revoke},
    {"list", "who may come, and as what", es_cmd_keys_list},
    {NULL, NULL, NULL},
};

int es_cmd_keys(int argc, char **argv)
{
    static const es_cmd_family_t keys = {
        .program = "earshot keys",
        .about =
            "Who may come to the broker over tcp. A broker that runs follows at once; \"earshot keygen\" makes keys.",
        .commands = commands};
    return es_cmd_family_run(&keys, argc, argv);
}
