/* earshot: the command that people type. */
#include <stdio.h>
#include <string.h>

#include "cmd_family.h"
#include "privileges.h"

#ifndef ES_RELEASE
#define ES_RELEASE "0.0.0"
#endif

int main(int argc, char **argv)
{
    static const es_cmd_family_t earshot = {
        .program = "earshot", .about = "Live audio in, words out.", .commands = es_cmd_table};
    es_privileges_harden(); /* any command may come to hold a token or a key */
    if (argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        puts("earshot " ES_RELEASE);
        return 0;
    }
    return es_cmd_family_run(&earshot, argc, argv);
}
