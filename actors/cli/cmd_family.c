#include "cmd_family.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

enum { EXIT_USAGE = 2, FAR = 4 };

static const es_cmd_t *find(const es_cmd_family_t *family, const char *name)
{
    for (const es_cmd_t *c = family->commands; c->name; c++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}

/* The command that somebody who typed `name` may have meant, or NULL where none is near. */
static const es_cmd_t *nearest(const es_cmd_family_t *family, const char *name)
{
    const es_cmd_t *best = NULL;
    unsigned least = FAR;
    for (const es_cmd_t *c = family->commands; c->name; c++) {
        unsigned distance = es_config_distance(c->name, name);
        if (distance >= least || distance >= strlen(c->name)) continue;
        least = distance;
        best = c;
    }
    return best;
}

static int unknown(const es_cmd_family_t *family, const char *name)
{
    const es_cmd_t *near = nearest(family, name);
    fprintf(stderr, "%s: there is no command \"%.100s\"", family->program, name);
    if (near) fprintf(stderr, "; did you mean \"%s\"?", near->name);
    fprintf(stderr, "\nTry \"%s --help\".\n", family->program);
    return EXIT_USAGE;
}

static void list(FILE *out, const es_cmd_family_t *family)
{
    fputs("Commands:\n", out);
    for (const es_cmd_t *c = family->commands; c->name; c++) fprintf(out, "  %-10s%s\n", c->name, c->about);
    fprintf(out, "\n\"%s COMMAND --help\" tells the options and exit codes of one.\n", family->program);
}

static void usage(FILE *out, const es_cmd_family_t *family)
{
    fprintf(out, "Usage: %s COMMAND [OPTIONS]\n\n%s\n\n", family->program, family->about);
    list(out, family);
}

static void help(const es_cmd_family_t *family)
{
    usage(stdout, family);
}

static void man(const es_cmd_family_t *family)
{
    static const es_option_t *const none[] = {NULL};
    char *commands = NULL;
    size_t len = 0;
    FILE *text = open_memstream(&commands, &len);
    list(text, family);
    fclose(text);
    const es_config_about_t about = {
        .program = family->program, .usage = "COMMAND [OPTIONS]", .about = family->about, .epilog = commands};
    es_config_man(stdout, none, &about);
    free(commands);
}

static void words(const es_cmd_family_t *family)
{
    for (const es_cmd_t *c = family->commands; c->name; c++) printf("%s\t%s\n", c->name, c->about);
}

static const struct {
    const char *word;
    void (*print)(const es_cmd_family_t *family);
} telling[] = {{"--help", help}, {"-h", help}, {"help", help}, {"--help-man", man}, {"--help-words", words}};

static bool tell(const es_cmd_family_t *family, const char *word)
{
    for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++) {
        if (strcmp(telling[i].word, word) != 0) continue;
        telling[i].print(family);
        return true;
    }
    return false;
}

static int help_on(const es_cmd_family_t *family, char *name)
{
    const es_cmd_t *command = find(family, name);
    char flag[] = "--help", *args[] = {name, flag, NULL};
    return command ? command->run(2, args) : unknown(family, name);
}

int es_cmd_family_run(const es_cmd_family_t *family, int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr, family);
        return EXIT_USAGE;
    }
    if (argc > 2 && strcmp(argv[1], "help") == 0) return help_on(family, argv[2]);
    if (tell(family, argv[1])) return 0;
    const es_cmd_t *command = find(family, argv[1]);
    return command ? command->run(argc - 1, argv + 1) : unknown(family, argv[1]);
}
