/* earshot: the command that people type. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

#ifndef ES_RELEASE
#define ES_RELEASE "0.0.0"
#endif

enum { EXIT_USAGE = 2 };

static bool is(const char *arg, const char *flag, const char *letter)
{
    return strcmp(arg, flag) == 0 || strcmp(arg, letter) == 0;
}

static int unknown(const char *name)
{
    const es_cmd_t *near = es_cmd_nearest(name);
    fprintf(stderr, "earshot: there is no command \"%.100s\"", name);
    if (near) fprintf(stderr, "; did you mean \"%s\"?", near->name);
    fputs("\nTry \"earshot --help\".\n", stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        es_cmd_help(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (is(name, "--version", "-V")) {
        puts("earshot " ES_RELEASE);
        return 0;
    }
    if (is(name, "--help", "-h") || (strcmp(name, "help") == 0 && argc == 2)) {
        es_cmd_help(stdout);
        return 0;
    }
    if (strcmp(name, "help") == 0) {
        const es_cmd_t *about = es_cmd_find(argv[2]);
        char help[] = "--help", *args[] = {argv[2], help, NULL};
        return about ? about->run(2, args) : unknown(argv[2]);
    }
    const es_cmd_t *command = es_cmd_find(name);
    return command ? command->run(argc - 1, argv + 1) : unknown(name);
}
